"""Pictures of graphs: what was computed from what, with every number and gradient.

The picture is text in the DOT language of Graphviz. Where the ``graphviz`` package and Graphviz
itself are installed it is drawn as SVG too, in a notebook by itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .backprop import order
from .engine import Value

_INLINE = 500  # more nodes than this take dot minutes, and no one can read them


class Drawing:
    """The graph of one Value. ``str`` and ``dot`` give DOT text, ``svg`` the picture.

    >>> a = Value(2.0, label="a")
    >>> y = a * 3.0
    >>> y.backward()
    >>> print(Drawing(y))
    digraph {
      rankdir=LR
      v0 [shape=record label="data 6 | grad 1"]
      o0 [label="*"]
      o0 -> v0
      v1 [shape=record label="a | data 2 | grad 3"]
      v1 -> o0
      c0_1 [shape=plaintext label="3"]
      c0_1 -> o0
    }
    """

    def __init__(self, value: Value) -> None:
        made = order(value) or [value]
        self._number: dict[Value, int] = {}
        lines: list[str] = []
        for node in made:
            self._add(node, lines)
        self.dot = "\n".join(["digraph {", "  rankdir=LR", *lines, "}"])

    def _add(self, node: Value, lines: list[str]) -> None:
        """Append ``node``, its operation, and arrows from its inputs."""
        me = self._name(node, lines)
        if node.op is None:
            return
        step = f"o{me[1:]}"
        lines.append(f'  {step} [label="{node.op.symbol}"]')
        lines.append(f"  {step} -> {me}")
        for i, x in enumerate(node.inputs):
            if isinstance(x, Value):
                source = self._name(x, lines)
            else:
                source = f"c{me[1:]}_{i}"
                lines.append(f'  {source} [shape=plaintext label="{x:.4g}"]')
            lines.append(f"  {source} -> {step}")

    def _name(self, value: Value, lines: list[str]) -> str:
        """Return the DOT name of ``value``, describing it the first time it is met."""
        if value not in self._number:
            self._number[value] = len(self._number)
            lines.append(f'  v{self._number[value]} [shape=record label="{_describe(value)}"]')
        return f"v{self._number[value]}"

    def __str__(self) -> str:
        return self.dot

    def __repr__(self) -> str:
        return f"<drawing of {len(self._number)} values: .dot, .svg(), .save('graph.svg')>"

    def svg(self) -> str:
        """Return the picture as SVG.

        Raises ImportError without the ``graphviz`` package, RuntimeError without Graphviz itself.
        """
        try:
            import graphviz
        except ImportError:
            raise ImportError(
                "draw: SVG needs the graphviz package: pip install 'gradine-scalar-value[draw]'. "
                "The DOT text needs nothing: draw(value).dot"
            ) from None
        try:
            return str(graphviz.Source(self.dot).pipe(format="svg", encoding="utf-8"))
        except graphviz.ExecutableNotFound:
            raise RuntimeError(
                "draw: SVG needs Graphviz itself, the program dot, on the PATH: "
                "apt install graphviz, brew install graphviz, or graphviz.org/download. "
                "The DOT text needs nothing: draw(value).dot"
            ) from None

    def save(self, path: str | Path) -> None:
        """Write the picture to ``path``: SVG where it ends in .svg, else DOT text."""
        text = self.svg() if Path(path).suffix == ".svg" else self.dot
        Path(path).write_text(text, encoding="utf-8")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the picture, or why there is none."""
        if len(self._number) > _INLINE:
            why = f"more than {_INLINE} values are not drawn by themselves"
            return {"text/plain": f"{self!r}\n{why}"}
        try:
            return {"text/plain": repr(self), "image/svg+xml": self.svg()}
        except (ImportError, RuntimeError) as error:
            return {"text/plain": f"{self!r}\n{error}"}


def draw(value: Value) -> Drawing:
    """Draw the graph that ``value`` was computed by, with data, gradients and labels.

    >>> x = Value(2.0, label="x")
    >>> draw(x.relu())
    <drawing of 2 values: .dot, .svg(), .save('graph.svg')>
    """
    return Drawing(value)


def _describe(value: Value) -> str:
    grad = value.grad.data if isinstance(value.grad, Value) else value.grad
    label = f"{_escape(value.label)} | " if value.label else ""
    return f"{label}data {value.data:.4g} | grad {grad:.4g}"


def _escape(text: str) -> str:
    r"""Put a backslash before what DOT gives a meaning in a record: ``\ " { } | < >``."""
    return "".join("\\" + c if c in '\\"{}|<>' else c for c in text).replace("\n", "\\n")

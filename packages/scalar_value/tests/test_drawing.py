"""Drawings: DOT that parses, the right nodes and edges, and help where there is no Graphviz."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from scalar_value import Value, draw
from scalar_value.nn import MLP

NODE = re.compile(r'^  (\w+) \[(?:shape=\w+ )?label="((?:[^"\\]|\\.)*)"\]$')
EDGE = re.compile(r"^  (\w+) -> (\w+)$")


def parse(dot: str) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """Return labels and edges; fail on any line that is neither."""
    first, second, *lines, last = dot.splitlines()
    assert (first, second, last) == ("digraph {", "  rankdir=LR", "}")
    labels, edges = {}, set()
    for line in lines:
        if node := NODE.match(line):
            assert node[1] not in labels
            labels[node[1]] = node[2]
        else:
            edge = EDGE.match(line)
            assert edge, line
            edges.add((edge[1], edge[2]))
    assert {end for edge in edges for end in edge} <= set(labels)
    return labels, edges


def test_nodes_edges_data_and_gradients() -> None:
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    y = a * b + 10.0
    y.backward()
    labels, edges = parse(draw(y).dot)
    values = [text for name, text in labels.items() if name[0] == "v"]
    assert sorted(values) == [
        "a | data 2 | grad -3",
        "b | data -3 | grad 2",
        "data -6 | grad 1",
        "data 4 | grad 1",
    ]
    assert sorted(text for name, text in labels.items() if name[0] == "o") == ["*", "+"]
    assert [text for name, text in labels.items() if name[0] == "c"] == ["10"]
    assert len(edges) == 6  # two ops with two inputs and one result each


def test_a_value_used_twice_is_drawn_once() -> None:
    x = Value(3.0)
    labels, edges = parse(str(draw(x * x)))
    assert len(labels) == 3 and len(edges) == 2


def test_a_leaf_alone() -> None:
    assert parse(draw(Value(1.0)).dot) == ({"v0": "data 1 | grad 0"}, set())


def test_labels_with_every_character_dot_minds() -> None:
    labels, _ = parse(draw(Value(1.0, label='<"a|b\\{c}>\nd')).dot)
    assert labels["v0"] == r"\<\"a\|b\\\{c\}\>\nd | data 1 | grad 0"


def test_a_gradient_that_is_a_value() -> None:
    x = Value(3.0)
    (x * x).backward(create_graph=True)
    assert "grad 6" in draw(x).dot


def test_a_deep_graph() -> None:
    y = Value(1.0)
    for _ in range(20_000):
        y = y + 1.0
    drawing = draw(y)
    labels, edges = parse(drawing.dot)
    assert len(labels) == 60_001 and len(edges) == 60_000
    shown = drawing._repr_mimebundle_()
    assert list(shown) == ["text/plain"] and "more than 500 values" in shown["text/plain"]


def test_a_network() -> None:
    labels, _ = parse(draw(MLP(2, [3, 1])([1.0, 2.0])).dot)
    assert sorted(t for n, t in labels.items() if n[0] == "o") == ["ReLU"] * 3 + ["w·x+b"] * 4


@pytest.fixture
def fake_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program named dot on the PATH that answers with its input inside an SVG comment."""
    program = tmp_path / ("dot.bat" if os.name == "nt" else "dot")
    program.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "assert sys.argv[1:] == ['-Kdot', '-Tsvg'], sys.argv\n"
        "print('<svg><!--' + sys.stdin.read() + '--></svg>')\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("fake_dot")
def test_svg_is_what_graphviz_answers(tmp_path: Path) -> None:
    drawing = draw(Value(1.0, label="größe").exp())
    svg = drawing.svg()
    assert svg.startswith("<svg>") and drawing.dot in svg
    assert drawing._repr_mimebundle_()["image/svg+xml"] == svg
    drawing.save(tmp_path / "graph.svg")
    drawing.save(tmp_path / "graph.dot")
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8") == svg
    assert (tmp_path / "graph.dot").read_text(encoding="utf-8") == drawing.dot


def test_without_graphviz_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    drawing = draw(Value(1.0).exp())
    with pytest.raises(RuntimeError, match=r"the program dot.*apt install graphviz"):
        drawing.svg()
    assert "apt install graphviz" in drawing._repr_mimebundle_()["text/plain"]


def test_without_the_graphviz_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "graphviz", None)
    drawing = draw(Value(1.0).exp())
    with pytest.raises(ImportError, match=r"pip install 'gradine-scalar-value\[draw\]'"):
        drawing.svg()
    assert "[draw]" in drawing._repr_mimebundle_()["text/plain"]

"""Run the Python snippets of one Markdown file, top to bottom, in one namespace.

``python docs/snippets.py README.md``. A line such as ``print(a.grad)  # 138.8338`` is also a
promise: what it prints must be what the comment says.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

FENCED = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMISE = re.compile(r"^\s*print\(.*\)  # (.*)$")


def snippets(text: str) -> Iterator[tuple[int, str]]:
    """Yield each fenced Python snippet with the number of lines above it.

    >>> list(snippets("Adding:\\n\\n```python\\nprint(1 + 1)  # 2\\n```\\n"))
    [(3, 'print(1 + 1)  # 2\\n')]
    """
    for match in FENCED.finditer(text):
        yield text.count("\n", 0, match.start(1)), match.group(1)


def run(path: Path) -> int:
    """Run the snippets of ``path``; return how many there were.

    Whatever a snippet raises comes out, with the Markdown file's own line numbers; a broken
    promise raises AssertionError.
    """
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    namespace = {"__name__": "__main__", "__file__": str(path)}
    count = 0
    for above, code in snippets(text):
        tree = ast.increment_lineno(ast.parse(code, str(path)), above)
        for statement in tree.body:
            run_statement(statement, lines[(statement.end_lineno or 1) - 1], path, namespace)
        count += 1
    return count


def run_statement(statement: ast.stmt, line: str, path: Path, namespace: dict[str, str]) -> None:
    """Execute one statement, whose last line is ``line``, and check what it promised to print."""
    code = compile(ast.Module([statement], []), str(path), "exec")
    promise = PROMISE.match(line)
    if not promise or not isinstance(statement, ast.Expr):
        exec(code, namespace)
        return
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, namespace)
    said, got = promise.group(1).strip(), printed.getvalue().strip()
    if said != got:
        place = f"{path}:{statement.lineno}"
        raise AssertionError(f"{place}: the comment says {said!r}, printed was {got!r}")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{name}: {run(Path(name))} snippets ran", flush=True)

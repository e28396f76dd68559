"""The README's Python runs top to bottom, and its report is the one printed."""

import re
from pathlib import Path

TEXT = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_readme_runs(capsys):
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    assert len(blocks) >= 6
    exec("\n".join(blocks), {"__name__": "readme"})
    printed = capsys.readouterr().out
    shown = re.search(r"```\n(FAIL.*?)```", TEXT, re.S)
    assert shown is not None
    assert _steady(printed).startswith(_steady(shown.group(1)))


def _steady(report):
    """A report without how much was compared, and how narrowly."""
    return re.sub(r"± \S+", "± bound", re.sub(r"\d+ comparisons", "many comparisons", report))

"""Run everything the documentation shows a reader to run: Markdown snippets and example scripts.

``python -m docs.check_examples [WORD]``, WORD restricting it to paths that contain it. Each file
runs in a process and an empty working folder of its own, as it would at a reader's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FEW_STEPS = "20"  # a script's first argument, where it takes one, is how many steps it trains


def commands(word: str) -> list[tuple[Path, list[str]]]:
    """Return each file to try, with the arguments Python runs it with."""
    pages = [ROOT / "README.md", *ROOT.glob("packages/*/README.md"), *ROOT.glob("docs/**/*.md")]
    runner = str(ROOT / "docs" / "snippets.py")
    tries = [(page, [runner, str(page)]) for page in pages if "```python\n" in page.read_text()]
    scripts = sorted(ROOT.glob("examples/*.py"))
    tries += [(script, [str(script), FEW_STEPS]) for script in scripts]
    return [(path, command) for path, command in tries if word in str(path.relative_to(ROOT))]


def attempt(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run Python with ``command`` in an empty folder and keep what it says."""
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(
            [sys.executable, "-P", *command],  # -P: do not find modules beside the script
            cwd=folder,
            env=os.environ | {"MPLBACKEND": "Agg"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def main() -> int:
    """Try them all, say how each went, and return the number that failed."""
    failed = 0
    tries = commands(sys.argv[1] if len(sys.argv) > 1 else "")
    for path, command in tries:
        start = time.perf_counter()
        outcome = attempt(command)
        seconds = time.perf_counter() - start
        verdict = "ok" if outcome.returncode == 0 else f"FAILED ({outcome.returncode})"
        print(f"{path.relative_to(ROOT)}: {verdict} in {seconds:.1f} s", flush=True)
        if outcome.returncode:
            failed += 1
            print(outcome.stdout, flush=True)
    print(f"{len(tries) - failed} passed, {failed} failed")
    return failed


if __name__ == "__main__":
    raise SystemExit(min(main(), 1))

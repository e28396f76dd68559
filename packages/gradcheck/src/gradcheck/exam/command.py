"""``python -m gradcheck exam``: the exam from a shell."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from gradcheck.exam import timing
from gradcheck.exam.earlier import earlier
from gradcheck.exam.judges import JUDGES
from gradcheck.exam.machine import machine
from gradcheck.exam.paper import Result, as_json, as_markdown, as_text
from gradcheck.exam.score import Half, perfect, sit

HALVES = ("tuning", "held-out")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser the options of the exam.

    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> parser.parse_args(["--half", "tuning", "--no-timing"]).half
    'tuning'
    """
    parser.add_argument(
        "--half", choices=(*HALVES, "both"), default="both", help="which questions to ask"
    )
    parser.add_argument(
        "--judges",
        type=judge_names,
        metavar="NAME,...",
        help=f"who is asked (default: all that are installed of {', '.join(known())})",
    )
    parser.add_argument("--json", action="store_true", help="print every mark as JSON")
    parser.add_argument(
        "--marks",
        type=Path,
        metavar="FILE",
        help="the --json of an earlier exam: its judges are not asked again",
    )
    parser.add_argument("--markdown", type=page, metavar="FILE", help="write the page as well")
    parser.add_argument(
        "--timing",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="compare times on everyday rules",
    )
    parser.add_argument("--seed", type=seed, default=0, help="the seed of every check (default 0)")


def page(text: str) -> Path:
    """A file that can be written; raises ArgumentTypeError before the exam, not after it."""
    path = Path(text)
    if path.is_dir() or not path.parent.is_dir():
        what = f"{path} is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise argparse.ArgumentTypeError(what)
    return path


def seed(text: str) -> int:
    """A whole number that is not negative; raises ArgumentTypeError for anything else.

    >>> seed("7")
    7
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number, 0 or more")
    return int(text)


def known() -> list[str]:
    """The names of all judges."""
    return [judge.name for judge in JUDGES]


def judge_names(text: str) -> list[str]:
    """Names separated by commas; raises ArgumentTypeError for one nobody has.

    >>> judge_names("gradcheck, scipy")
    ['gradcheck', 'scipy']
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in known()]
    if unknown or not names:
        what = f"no judge is called {', '.join(unknown)}" if unknown else "no judge is named"
        raise argparse.ArgumentTypeError(f"{what}; there are {', '.join(known())}")
    return names


def halves(which: str) -> list[Half]:
    """The questions of one half, or of both."""
    chosen = HALVES if which == "both" else (which,)
    found: list[Half] = []
    for name in chosen:
        module = importlib.import_module(f"gradcheck.exam.{name.replace('-', '_')}")
        found.append((name, module.MUTANTS, module.CORRECT))
    return found


def run(args: argparse.Namespace) -> int:
    """Sit the exam; 0 when gradcheck caught every bug and accused no correct rule, else 1."""
    questions = halves(args.half)
    try:
        kept = earlier(args.marks, questions, args.seed) if args.marks else []
    except ValueError as error:
        print(f"exam: {error}", file=sys.stderr)
        return 64
    before = {mark.judge for mark in kept}
    wanted = args.judges or known()
    asked = [judge for judge in JUDGES if judge.name in wanted]
    present = [judge for judge in asked if judge.installed and judge.name not in before]
    shown = [judge for judge in JUDGES if judge in present or judge.name in before]
    missing = [judge.name for judge in asked if not judge.installed and judge not in shown]
    if not shown:
        print(f"exam: not installed: {', '.join(missing)}", file=sys.stderr)
        return 64  # a command line that makes no sense
    marks = [*kept, *sit(present, questions, args.seed, _progress)]
    times = timing.measured() if args.timing else None
    result = Result(machine(), args.seed, shown, missing, marks, times)
    if args.markdown is not None:
        args.markdown.write_text(as_markdown(result), encoding="utf-8")
    print(as_json(result) if args.json else as_text(result))
    return 0 if perfect(marks) else 1


def _progress(judge: str, done: int, total: int) -> None:
    """Say on a terminal how far a judge has come."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{judge}: {done} of {total}", end=end, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command by itself."""
    parser = argparse.ArgumentParser(prog="gradcheck exam", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args(arguments))

"""The command line: what it accepts, what it prints, and its exit codes."""

import argparse
import contextlib
import importlib
import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

from gradcheck.cli_checks import checked
from gradcheck.report import Report, table
from gradcheck.targets import Usage

EXIT = {"pass": 0, "fail": 1, "inconclusive": 2}
USAGE = 64
"""The exit code for a command line that is wrong (EX_USAGE of sysexits.h); 2 has a meaning here."""

ABOUT = """\
Is this gradient right? Holds a derivative written by hand, or an engine's, against derivatives made
from function values alone.

TARGET names a function as package.module:function; modules of the current directory are found.
With --vjp it is a NumPy function and its rule, vjp(g, y, *arrays); without, a function of an
engine's tensors. It may also be a gradcheck.Pair, an OpSpec or op card, or a registry of them (a
mapping or a list), which prints a table."""

EXAMPLES = """\
examples:
  python -m gradcheck rules:softmax --vjp rules:softmax_vjp --shape 3,4
      a NumPy function of one 3 by 4 array against its rule
  python -m gradcheck ops:pick --vjp ops:pick_vjp --shape 5,2 --shape i5:7 --torch torch.embedding
      a table and seven integers below 5, and what torch says to it
  python -m gradcheck model:loss --engine torch --shape 8,3 --domain=0,1 --order 2
      a function of torch tensors, to second order, with inputs between 0 and 1
  python -m gradcheck tensor_core:registry --order 2 --dtype float32
      every card of a registry in single precision; registry.softmax is one of them
  python -m gradcheck exam
      planted bugs, and which checkers find them

exit codes: 0 pass, 1 fail, 2 inconclusive, 64 when the command line is wrong"""

JOINED = ("--domain", "--shape", "--values")


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line, with an exit code that is no verdict."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and leave."""
        self.exit(USAGE, f"{self.prog}: {message} (--help shows how)\n")


def parser(prog: str) -> argparse.ArgumentParser:
    """The options of a check."""
    made = Parser(
        prog=prog,
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("target", metavar="TARGET", help="package.module:function")
    _add_rules(made.add_argument_group("what is checked"))
    _add_point(made.add_argument_group("where (the point; --shape or --values)"))
    _add_ways(made.add_argument_group("how"))
    _add_output(made.add_argument_group("what is printed"))
    return made


def _add_rules(group: Any) -> None:
    add = group.add_argument
    add("--vjp", metavar="TARGET", help="the reverse rule, vjp(g, y, *arrays)")
    add("--jvp", metavar="TARGET", help="the forward rule, jvp(t, y, *arrays)")
    add(
        "--engine",
        default="auto",
        metavar="NAME",
        help="numpy, tensor_core, torch, jax, autograd, scalar_value, or auto (the default)",
    )
    add("--torch", metavar="NAME", help="its torch counterpart, such as torch.nn.functional.gelu")
    add(
        "--arg",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a keyword argument of function and rule, such as axis=-1",
    )


def _add_point(group: Any) -> None:
    add = group.add_argument
    add(
        "--shape",
        action="append",
        default=[],
        metavar="3,4",
        help="one for each argument, in order; 'scalar' is 0-d; i5:3,4 means integers below 5",
    )
    add(
        "--values",
        "--npy",
        action="append",
        default=[],
        metavar="FILE",
        help="the arguments themselves, from .npy or .npz files",
    )
    add(
        "--domain",
        action="append",
        default=[],
        metavar="LOW,HIGH",
        help="open interval for all arguments, or one for each; an open side is empty: 0,",
    )
    add(
        "--dtype",
        action="append",
        default=[],
        metavar="float32",
        help="for all arguments of real numbers, or one for each; for all cases of cards, too",
    )
    add("--seed", type=int, default=0, metavar="N", help="of the point and the check (default 0)")


def _add_ways(group: Any) -> None:
    add = group.add_argument
    add("--order", type=int, choices=(1, 2, 3), help="highest order of derivative (default 1)")
    add("--mode", choices=("auto", "exhaustive", "projection"), default="auto")
    add("--wrt", metavar="0,2", help="the arguments to differentiate (default all of real numbers)")
    add("--oracles", metavar="numeric,torch", help="among numeric, torch and complex")
    add("--sizes", action="store_true", help="try empty and 0-d arguments, too")
    add("--may-alias", action="store_true", help="a rule may return its cotangent or an argument")


def _add_output(group: Any) -> None:
    add = group.add_argument
    add("--json", action="store_true", help="the report as JSON, on a line of its own")
    add("--quiet", action="store_true", help="the first line of the report alone")


def main(argv: Sequence[str] | None = None, prog: str = "gradcheck") -> int:
    """Run the command line; returns 0 (pass), 1 (fail) or 2 (inconclusive).

    Raises SystemExit with 64 when the command line is wrong.

    >>> main(["gradcheck.diagonal:square", "--shape", "3"])
    Traceback (most recent call last):
    SystemExit: 64
    """
    words = _joined(list(sys.argv[1:] if argv is None else argv))
    if words[:1] == ["exam"]:
        return _exam(words[1:], f"{prog} exam")
    made = parser(prog)
    args = made.parse_args(words)
    # What the code under test prints must not mix with a report that programs read.
    aside = contextlib.redirect_stdout(sys.stderr) if args.json else contextlib.nullcontext()
    try:
        with aside:
            reports = checked(args)
    except Usage as error:
        made.error(str(error))
    except (ValueError, TypeError, ImportError, MemoryError) as error:
        made.error(" ".join(str(error).split()))
    except SystemExit as error:  # its code would pass for a verdict
        made.error(f"the code under test ends the program with exit code {error.code!r}")
    if not isinstance(reports, Report):
        return _print_all(reports, args)
    _retold(reports, f"{prog} {_repeated(words, args.seed)}")
    _print(reports, args)
    return EXIT[reports.verdict]


def _exam(words: list[str], prog: str) -> int:
    """The exam, which has options of its own."""
    command = importlib.import_module("gradcheck.exam.command")
    made = Parser(prog=prog, description="Plant bugs in rules and see which checkers find them.")
    command.add_arguments(made)
    return int(command.run(made.parse_args(words)))


def _joined(words: list[str]) -> list[str]:
    """Values that begin with a minus sign joined to their option, as argparse wants them.

    >>> _joined(["m:f", "--domain", "-1,1"])
    ['m:f', '--domain=-1,1']
    """
    joined: list[str] = []
    for word in words:
        number = word[:1] == "-" and word[1:2] in set("0123456789.")
        if joined and joined[-1] in JOINED and number:
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _repeated(words: list[str], seed: int) -> str:
    """The command line again, with its seed and without what only changes the output."""
    kept = [word for word in words if word not in ("--json", "--quiet")]
    said = any(word.split("=")[0] == "--seed" for word in kept)
    return shlex.join(kept if said else [*kept, "--seed", str(seed)])


def _retold(report: Report, command: str) -> None:
    """Let the report say the command line where it would say the line of Python."""
    report.reproduce = command
    for k, finding in enumerate(report.findings):
        _, mark, comment = finding.reproduce.partition("  # ")
        report.findings[k] = replace(finding, reproduce=f"{command}{mark}{comment}")


def _print(report: Report, args: Any) -> None:
    if args.json:
        print(report.to_json())
    else:
        text = str(report)
        print(text.partition("\n")[0] if args.quiet else text)


def _print_all(reports: list[Report], args: Any) -> int:
    """A table for a registry; the exit code is that of its worst verdict."""
    verdicts = {report.verdict for report in reports}
    worst = next((v for v in ("fail", "inconclusive") if v in verdicts), "pass")
    if args.json:
        print(json.dumps({"verdict": worst, "reports": [r.to_dict() for r in reports]}))
    else:
        text = table(reports)
        print(worst.upper() if args.quiet else text)
    return EXIT[worst]

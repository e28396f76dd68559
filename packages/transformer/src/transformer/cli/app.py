"""The commands by name, and what becomes of an error: one line and an exit code."""

import signal
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from transformer.cli.bench import bench
from transformer.cli.chat import chat
from transformer.cli.convert import convert
from transformer.cli.eval import evaluate
from transformer.cli.finetune import finetune
from transformer.cli.generate import generate
from transformer.cli.info import info
from transformer.cli.options import Misuse, examples
from transformer.cli.plot import plot
from transformer.cli.tokenize import tokenize
from transformer.cli.train import train

# Errors whose message was written for the person at the keyboard.
_EXPLAINED = (
    *(OSError, ValueError, TypeError, ArithmeticError),
    *(ModuleNotFoundError, RuntimeError, MemoryError),
)

app = typer.Typer(
    name="gradine",
    help="Train small language models on this computer's processor, and let them write.",
    epilog=examples("gradine train --quick", "gradine train --help"),
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (train, finetune, evaluate, generate, chat, convert, plot, info, tokenize, bench):
    of_its_own = {name: getattr(command, name, None) for name in ("cls", "epilog")}
    app.command(**of_its_own)(command)


@app.callback()
def common(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error arose.")] = False,
) -> None:
    """Train small language models on this computer's processor, and let them write."""


def main(arguments: Sequence[str] | None = None, program: str = "gradine") -> int:
    """Run the command line and return its exit code: 0, 1 for a failure, 2 for a misuse.

    >>> main(["info", "no-such-run"])
    1
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given  # wherever it stands
    if hasattr(sys.stdout, "reconfigure"):  # a model may write what no terminal can show
        sys.stdout.reconfigure(errors="replace")
    try:
        code = app([a for a in given if a != "--debug"], prog_name=program, standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        code = 128 + signal.SIGINT
    except Exception as error:
        if debug:
            raise
        code = _explain(error, program)
    return code if isinstance(code, int) else 0


def _explain(error: Exception, program: str) -> int:
    """Say in one line what is wrong; return the exit code."""
    code = 1
    if hasattr(error, "format_message"):  # typer's own: an option or argument that cannot be
        text, code = error.format_message(), getattr(error, "exit_code", 2)
    elif isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    elif isinstance(error, _EXPLAINED):
        text, code = str(error), 2 if isinstance(error, Misuse) else 1
    else:
        text = f"{type(error).__name__}: {error} (a defect; --debug shows where it arose)"
    if text:
        print(f"{program}: {' '.join(text.split())}", file=sys.stderr)
    return code

"""``gradine chat``."""

import json
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from transformer.cli.engine import EngineOption, choose_engine
from transformer.cli.options import ModelArgument, examples

_HELP = """\
/help        this
/reset       forget the conversation and begin anew
/save FILE   add the conversation to a file of JSON lines, which gradine finetune reads
/exit        leave, as Ctrl-D does
Ctrl-C stops an answer."""


def chat(
    model: ModelArgument,
    system: Annotated[
        str | None, typer.Option("--system", help="What the model is told before all else.")
    ] = None,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", "-n", min=1, help="Tokens of an answer at most.")
    ] = 512,
    temperature: Annotated[
        float,
        typer.Option("--temperature", "-t", min=0.0, help="Daring; 0 takes the likeliest."),
    ] = 0.7,
    top_k: Annotated[
        int | None, typer.Option("--top-k", min=1, help="Draw from the k likeliest only.")
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            *("--top-p",),
            min=0.0,
            max=1.0,
            help="Draw from the likeliest that add up to this probability.",
        ),
    ] = 0.95,
    repetition_penalty: Annotated[
        float, typer.Option(help="Weaken tokens that stood before; 1.1 is a little.")
    ] = 1.0,
    seed: Annotated[
        int | None, typer.Option("--seed", help="The same answers to the same words every time.")
    ] = None,
    lines: Annotated[
        bool, typer.Option("--lines", help="Take each line of a piped input for a turn.")
    ] = False,
    engine: EngineOption = None,
) -> None:
    """Talk with a chat model.

    On a terminal, turn by turn; /help there tells what else can be typed.

    A piped input is one message, and its answer all that is written.
    """
    choose_engine(engine)
    from transformer.cli.generate import open_model
    from transformer.generate.conversation import Conversation

    net, tokenizer = open_model(model)
    talk = Conversation(
        *(net, tokenizer),
        system=system,
        max_tokens=max_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        repetition_penalty=repetition_penalty,
        seed=seed,
    )
    if sys.stdin.isatty():
        _at_the_terminal(talk, model)
        return
    for message in sys.stdin if lines else [sys.stdin.read()]:
        if message.strip():
            _answer(talk, message.strip("\n"))


chat.epilog = examples(  # type: ignore[attr-defined]
    "gradine chat smollm2",
    'gradine chat smollm2 --system "Answer in one sentence." --seed 1',
    'echo "What is a tensor?" | gradine chat smollm2 -t 0',
)


def _at_the_terminal(talk: Any, model: str) -> None:
    """Ask and answer until Ctrl-D or /exit."""
    with suppress(ImportError):
        import readline  # noqa: F401  # input() then edits lines and remembers them
    print(f"{model}: /help for help, Ctrl-D to leave", file=sys.stderr)
    while True:
        try:
            typed = input("> ").strip()
        except KeyboardInterrupt:
            print()
            continue
        except EOFError:
            print()
            return
        if typed == "/exit":
            return
        if typed.startswith("/"):
            _command(talk, typed)
        elif typed:
            try:
                _answer(talk, typed)
            except ValueError as error:  # a message too long: the next may be shorter
                print(error, file=sys.stderr)


def _answer(talk: Any, text: str) -> None:
    """Print the answer as it is written; Ctrl-C ends it and the program goes on."""
    before = talk.left_out
    pieces = talk.say(text)
    if talk.left_out > before:
        print(
            f"(the context is full: the oldest {talk.left_out - before} messages are left out)",
            file=sys.stderr,
        )
    with closing(pieces):
        try:
            for piece in pieces:
                sys.stdout.write(piece)
                sys.stdout.flush()
        except KeyboardInterrupt:
            if not sys.stdin.isatty():
                raise
    print()


def _command(talk: Any, typed: str) -> None:
    """Do what begins with a slash."""
    name, _, rest = typed.partition(" ")
    if name == "/help":
        print(_HELP, file=sys.stderr)
    elif name == "/reset":
        talk.reset()
        print("(a new conversation)", file=sys.stderr)
    elif name == "/save" and rest:
        _save(talk, Path(rest.strip()).expanduser())
    else:
        print(f"{name} is no command here, or lacks a file; /help lists them", file=sys.stderr)


def _save(talk: Any, path: Path) -> None:
    """Add the conversation to a file, as one line of JSON."""
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"messages": talk.messages}, ensure_ascii=False) + "\n")
    except OSError as error:
        print(f"{path}: {error.strerror}", file=sys.stderr)
    else:
        print(f"(saved in {path})", file=sys.stderr)

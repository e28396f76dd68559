"""``gradine generate``."""

import sys
from typing import Annotated

import typer

from transformer.cli.engine import Engine, choose_engine
from transformer.cli.options import examples

# Below this many parameters, one token's matrix products are too short to share among cores: it
# gains nothing on an idle machine, and on a busy one the cores wait for each other.
_SMALL = 5_000_000


def generate(
    run: Annotated[str, typer.Argument(help="A run's folder, or one of its checkpoints.")],
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", "-p", help="Text to go on from; - reads standard input."),
    ] = None,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", "-n", min=0, help="Tokens to write at most.")
    ] = 500,
    temperature: Annotated[
        float,
        typer.Option("--temperature", "-t", min=0.0, help="Daring; 0 takes the likeliest."),
    ] = 0.8,
    top_k: Annotated[
        int | None, typer.Option("--top-k", min=1, help="Draw from the k likeliest only.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Write the same text every time.")
    ] = None,
    stop: Annotated[
        list[str] | None, typer.Option("--stop", help="End before this text; repeatable.")
    ] = None,
    engine: Annotated[
        Engine | None, typer.Option("--engine", help="What computes (default tensor_core).")
    ] = None,
) -> None:
    """Let a trained model write, from its best weights."""
    choose_engine(engine)
    from transformer import stream
    from transformer._engine import torch
    from transformer.train import load_model

    model, tokenizer, _ = load_model(run)
    if model.num_parameters() < _SMALL:
        torch.set_num_threads(1)
    if prompt == "-":
        prompt = sys.stdin.read()
    written = prompt or ""
    begun = written or ("\n" if _knows(tokenizer, "\n") else tokenizer.decode([0]))
    pieces = stream(
        model,
        begun,
        max_tokens,
        tokenizer=tokenizer,
        temperature=temperature,
        top_k=top_k,
        seed=seed,
        stop=stop or None,
    )
    sys.stdout.write(written)
    for piece in pieces:
        sys.stdout.write(piece)
        sys.stdout.flush()
    print()


generate.epilog = examples(  # type: ignore[attr-defined]
    "gradine generate demo-run",
    'gradine generate demo-run --prompt "The import statement" -t 0.5 --seed 1',
    'gradine generate demo-run --prompt "1. " --stop "." --max-tokens 80',
)


def _knows(tokenizer: object, text: str) -> bool:
    try:
        tokenizer.encode(text)  # type: ignore[attr-defined]
    except ValueError:
        return False
    return True

"""``gradine eval``."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from transformer.cli.engine import EngineOption, choose_engine
from transformer.cli.options import JsonOption, Misuse, ModelArgument, examples

_LONG = 1024  # tokens; a longer window costs more than it tells


def evaluate(
    model: ModelArgument,
    file: Annotated[
        str | None,
        typer.Argument(
            help="A text, a folder of tokens, or - for standard input "
            "(default: what a run was held out from).",
            metavar="[FILE|DIR|-]",
        ),
    ] = None,
    window: Annotated[
        int | None,
        typer.Option("--window", min=1, help="Tokens seen at once (default: all, up to 1024)."),
    ] = None,
    stride: Annotated[
        int | None,
        typer.Option("--stride", min=1, help="Tokens between windows (default half a window)."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=2, help="Look at the first so many tokens only.")
    ] = None,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, help="Windows computed at once.")
    ] = 1,
    engine: EngineOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how well a model predicts a text: loss, perplexity, bits per byte.

    Every token but the first is predicted once, from a window of tokens before it: windows begin
    every --stride tokens, so each prediction sees at least window - stride of them. Perplexities
    compare only at the same tokenizer, window and stride; bits per byte need no same tokenizer.
    """
    choose_engine(engine)
    from transformer import load
    from transformer.cli.progress import counting
    from transformer.train.evaluation import perplexity

    net, tokenizer = load(model)
    window = window or min(net.block_size, _LONG)
    ids = _ids(model, file, tokenizer, net.config.vocab_size)[:limit]
    with counting(len(ids) - 1, "tokens", quiet=as_json) as progress:
        score = perplexity(
            net,
            ids,
            window,
            stride,
            n_bytes=_bytes(tokenizer, ids),
            batch_size=batch_size,
            progress=progress,
        )
    facts = {
        "loss": score.loss,
        "perplexity": score.perplexity,
        "bits_per_byte": score.bits_per_byte,
        "tokens": score.tokens,
        "bytes": score.bytes,
        "window": score.window,
        "stride": score.stride,
    }
    if as_json:
        print(json.dumps({"model": model, "text": file, **facts}, indent=2))
    else:
        _print(facts)


evaluate.epilog = examples(  # type: ignore[attr-defined]
    "gradine eval demo-run",
    "gradine eval smollm2 book.txt --window 1024 --stride 512",
    "gradine eval demo-run other.txt --json",
)


def _print(facts: dict[str, Any]) -> None:
    bits = facts["bits_per_byte"]
    said = {
        "loss": f"{facts['loss']:.4f} nats per token",
        "perplexity": f"{facts['perplexity']:.4g}",
        "bits per byte": f"{bits:.4f}" if bits else "unknown: there is no tokenizer",
        "predicted": f"{facts['tokens']:,} tokens",
        "window": f"{facts['window']} tokens, stride {facts['stride']}",
    }
    for name, value in said.items():
        print(f"{name:15}{value}")


def _ids(model: str, file: str | None, tokenizer: Any, vocab_size: int) -> Any:
    """Return the token ids to predict, (N,)."""
    if file is None:
        return _held_out(model)
    from transformer.data import load_text
    from transformer.train.material import open_folder

    if Path(file).is_dir():
        train, held_out, _, size = open_folder(file, tokenizer)
        if size > vocab_size:
            raise ValueError(
                f"{file} has a vocabulary of {size:,} tokens, {model} one of {vocab_size:,}: "
                "tokenize the text with the model's own tokenizer"
            )
        return (train if held_out is None else held_out).array
    if tokenizer is None:
        raise ValueError(f"{model} came without a tokenizer: give a folder of tokens, not a text")
    return tokenizer.encode(load_text(file), add_special=True)


def _held_out(model: str) -> Any:
    """Return the tokens that a run kept from training, to be judged by."""
    from transformer.io.checkpoint import BEST, LAST, find_checkpoint, read_state
    from transformer.tokenizers import tokenizer_from_dict
    from transformer.train import TrainConfig
    from transformer.train.material import load_material

    if not (Path(model) / LAST).is_file():
        raise Misuse(
            f"{model} is no run of gradine train, which keeps a text to be judged by: "
            "give a file too"
        )
    state = read_state(find_checkpoint(model, BEST, LAST))
    described = state["tokenizer"]
    tokenizer = described and tokenizer_from_dict(described)
    material = load_material(TrainConfig.from_dict(state["config"]), tokenizer=tokenizer)
    if material.sha256 != state["text_sha256"]:
        raise ValueError(f"the text of {model} is no longer the one it was trained on")
    rows = material.held_out
    if hasattr(rows, "fetch"):
        raise Misuse(f"{model} learned from conversations: give a text to judge it by")
    if hasattr(rows, "array"):
        return rows.array
    return rows.numpy() if hasattr(rows, "numpy") else rows  # a part of a folder of tokens


def _bytes(tokenizer: Any, ids: Any) -> int | None:
    """Return the length in UTF-8 of the tokens that are predicted."""
    return None if tokenizer is None else len(tokenizer.decode_bytes([int(i) for i in ids[1:]]))


evaluate.__name__ = "eval"  # the command's name, which in Python is taken

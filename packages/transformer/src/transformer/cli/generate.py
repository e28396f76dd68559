"""``gradine generate``."""

import json
import sys
from typing import Annotated, Any

import typer

from transformer.cli.engine import EngineOption, choose_engine
from transformer.cli.options import Misuse, ModelArgument, examples

# Below this many parameters, one token's matrix products are too short to share among cores: it
# gains nothing on an idle machine, and on a busy one the cores wait for each other.
_SMALL = 5_000_000
_CHOICE, _SPEED, _OUTPUT = "Which tokens", "Speed", "How it is shown"


def generate(
    model: ModelArgument,
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", "-p", help="Text to go on from; - reads standard input."),
    ] = None,
    max_tokens: Annotated[
        int, typer.Option("--max-tokens", "-n", min=0, help="Tokens to write at most.")
    ] = 500,
    samples: Annotated[
        int, typer.Option("--samples", min=1, help="Texts to write, all at once.")
    ] = 1,
    stop: Annotated[
        list[str] | None, typer.Option("--stop", help="End before this text; repeatable.")
    ] = None,
    ignore_eos: Annotated[
        bool, typer.Option("--ignore-eos", help="Go on past the model's own end of text.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Write the same text every time.")
    ] = None,
    temperature: Annotated[
        float,
        typer.Option(
            *("--temperature", "-t"),
            min=0.0,
            help="Daring; 0 takes the likeliest.",
            rich_help_panel=_CHOICE,
        ),
    ] = 0.8,
    top_k: Annotated[
        int | None,
        typer.Option(
            "--top-k", min=1, help="Draw from the k likeliest only.", rich_help_panel=_CHOICE
        ),
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            *("--top-p",),
            min=0.0,
            max=1.0,
            help="Draw from the likeliest that add up to this probability.",
            rich_help_panel=_CHOICE,
        ),
    ] = None,
    min_p: Annotated[
        float | None,
        typer.Option(
            *("--min-p",),
            min=0.0,
            max=1.0,
            help="Leave out what is less likely than this share of the likeliest.",
            rich_help_panel=_CHOICE,
        ),
    ] = None,
    typical_p: Annotated[
        float | None,
        typer.Option(
            *("--typical-p",),
            min=0.0,
            max=1.0,
            help="Draw from what surprises about as much as is to be expected.",
            rich_help_panel=_CHOICE,
        ),
    ] = None,
    repetition_penalty: Annotated[
        float,
        typer.Option(
            help="Weaken tokens that stood in prompt or text; 1.1 is a little.",
            rich_help_panel=_CHOICE,
        ),
    ] = 1.0,
    presence_penalty: Annotated[
        float,
        typer.Option(help="Take this off tokens already written.", rich_help_panel=_CHOICE),
    ] = 0.0,
    frequency_penalty: Annotated[
        float,
        typer.Option(help="Take this off for each time it was written.", rich_help_panel=_CHOICE),
    ] = 0.0,
    logit_bias: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID=NUMBER",
            help="Add to a token's score; -inf forbids it; repeatable.",
            rich_help_panel=_CHOICE,
        ),
    ] = None,
    beams: Annotated[
        int,
        typer.Option(
            "--beams",
            min=1,
            help="Search for the likeliest text among so many; draws nothing.",
            rich_help_panel=_CHOICE,
        ),
    ] = 1,
    length_penalty: Annotated[
        float,
        typer.Option(help="With --beams: above 0 prefers longer texts.", rich_help_panel=_CHOICE),
    ] = 1.0,
    draft: Annotated[
        str | None,
        typer.Option(
            "--draft",
            metavar="MODEL",
            help="A smaller model that guesses ahead; the text stays this model's.",
            rich_help_panel=_SPEED,
        ),
    ] = None,
    lookup: Annotated[
        bool,
        typer.Option("--lookup", help="Guess ahead from the text so far.", rich_help_panel=_SPEED),
    ] = False,
    guesses: Annotated[
        int,
        typer.Option("--guesses", min=1, help="Tokens guessed at a time.", rich_help_panel=_SPEED),
    ] = 4,
    prompt_cache: Annotated[
        str | None,
        typer.Option(
            "--prompt-cache",
            metavar="FILE",
            help="Keep what was computed for the prompt; read again only what differs.",
            rich_help_panel=_SPEED,
        ),
    ] = None,
    logprobs: Annotated[
        int | None,
        typer.Option(
            "--logprobs",
            min=0,
            help="Show each token's log-probability and so many alternatives.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="For programs.", rich_help_panel=_OUTPUT)
    ] = False,
    engine: EngineOption = None,
) -> None:
    """Let a model write: one trained here, from its best weights, or a pretrained one."""
    choose_engine(engine)
    from transformer import generate as write
    from transformer import stream

    net, tokenizer = open_model(model)
    written, begun = _prompt(prompt, tokenizer)
    check_length(begun, net)
    asked: dict[str, Any] = {
        "max_new_tokens": max_tokens,
        "temperature": temperature,
        **{"top_k": top_k, "top_p": top_p, "min_p": min_p, "typical_p": typical_p},
        "repetition_penalty": repetition_penalty,
        "presence_penalty": presence_penalty,
        "frequency_penalty": frequency_penalty,
        "logit_bias": _biases(logit_bias or []),
        **{"seed": seed, "stop": stop or None, "ignore_eos": ignore_eos},
        **{"lookup": lookup, "guesses": guesses, "prompt_cache": prompt_cache},
        "draft": None if draft is None else _draft(draft, tokenizer),
    }
    if samples == 1 and beams == 1 and logprobs is None and not as_json:
        pieces = stream(net, tokenizer, begun, **asked)
        sys.stdout.write(written)
        for piece in pieces:
            sys.stdout.write(piece)
            sys.stdout.flush()
        print()
        return
    if beams > 1:
        asked |= {"num_beams": beams, "length_penalty": length_penalty}
    asked |= {"n": samples, "logprobs": logprobs, "return_details": True}
    found = write(net, tokenizer, begun, **asked)
    answers = found if samples > 1 else [found]
    if as_json:
        print(json.dumps(_as_json(model, written, answers, tokenizer), indent=2))
    else:
        _show(written, answers, tokenizer)


generate.epilog = examples(  # type: ignore[attr-defined]
    "gradine generate demo-run",
    'gradine generate demo-run --prompt "The import statement" -t 0.5 --seed 1',
    'gradine generate smollm2 -p "The capital of France is" -n 20 --top-p 0.9 --samples 3',
    'gradine generate smollm2 -p "Once" -n 8 -t 0 --logprobs 3',
    "gradine generate smollm2 -p - --prompt-cache book.cache --lookup < book.txt",
)


def open_model(name: str) -> tuple[Any, Any]:
    """Return the model and its tokenizer, with as many threads as pay for its size."""
    from transformer import load
    from transformer._engine import torch

    net, tokenizer = load(name)
    if tokenizer is None:
        raise ValueError(f"{name} came without a tokenizer, so there is no text to write")
    if net.num_parameters() < _SMALL:
        torch.set_num_threads(1)
    return net, tokenizer


def check_length(ids: list[int], net: Any) -> None:
    """Refuse a prompt that the model could not read to its beginning."""
    from transformer.generate.context import endless

    if len(ids) > net.block_size and not endless(net):
        raise ValueError(
            f"the prompt has {len(ids):,} tokens and the model reads {net.block_size:,} at most "
            f"(its block_size): shorten the prompt, or use a model with a longer context"
        )


def _prompt(text: str | None, tokenizer: Any) -> tuple[str, list[int]]:
    """Return the text to be shown first, and the ids the model goes on from."""
    from transformer.generate.prompts import encoded

    text = sys.stdin.read() if text == "-" else text
    ids = encoded(text or "", tokenizer)
    if not ids:
        first = tokenizer.bos_id if tokenizer.bos_id is not None else tokenizer.eos_id
        ids = [first] if first is not None else _line_break(tokenizer)
    return text or "", ids


def _line_break(tokenizer: Any) -> list[int]:
    try:
        return list(tokenizer.encode("\n"))
    except ValueError:  # a vocabulary of characters without it
        return [0]


def _biases(pairs: list[str]) -> dict[int, float]:
    """Read ``ID=NUMBER`` pairs."""
    found = {}
    for pair in pairs:
        token, _, number = pair.partition("=")
        try:
            found[int(token)] = float(number)
        except ValueError:
            raise Misuse(f"--logit-bias takes ID=NUMBER, such as 13=-2.5, not {pair!r}") from None
    return found


def _draft(name: str, tokenizer: Any) -> Any:
    """Return the draft model, after making sure that its ids mean the same."""
    from transformer import load

    net, other = load(name)
    if other is not None and _vocabulary(other) != _vocabulary(tokenizer):
        raise ValueError(
            f"{name} cannot guess for this model: its tokenizer has another vocabulary "
            f"({other.vocab_size:,} tokens; this one {tokenizer.vocab_size:,})"
        )
    return net


def _vocabulary(tokenizer: Any) -> list[bytes]:
    """Return what each id means, which files of different formats say in different ways."""
    return [tokenizer.decode_bytes([i]) for i in range(tokenizer.vocab_size)]


def _as_json(model: str, prompt: str, answers: list[Any], tokenizer: Any) -> dict[str, Any]:
    """Return the answers as plain values."""
    from dataclasses import asdict

    shown = []
    for answer in answers:
        facts = asdict(answer)
        facts.pop("prompt_ids")
        if facts["top_logprobs"] is not None:
            facts["top_logprobs"] = [
                [{"id": i, "text": tokenizer.decode([i]), "logprob": p} for i, p in top.items()]
                for top in facts["top_logprobs"]
            ]
        shown.append({**facts, "tokens_per_second": answer.tokens_per_second})
    prompt_ids = answers[0].prompt_ids
    return {"model": model, "prompt": prompt, "prompt_ids": prompt_ids, "answers": shown}


def _show(written: str, answers: list[Any], tokenizer: Any) -> None:
    """Print the answers, numbered when there are several, and their log-probabilities."""
    for number, answer in enumerate(answers, 1):
        if len(answers) > 1:
            print(f"--- {number} of {len(answers)}")
        print(written + answer.text)
        for place, logprob in enumerate(answer.logprobs or []):
            others = [
                f"{tokenizer.decode([i])!r} {p:.3f}" for i, p in answer.top_logprobs[place].items()
            ]
            print(
                f"{tokenizer.decode([answer.ids[place]])!r:20} {logprob:8.3f}   {', '.join(others)}"
            )

"""``gradine bench``."""

import json
import math
from contextlib import nullcontext
from time import perf_counter
from typing import Annotated, Any

import typer

from transformer.cli.engine import EngineOption, choose_engine
from transformer.cli.options import JsonOption, examples

_FRESH = {"vocab_size": 65, "block_size": 256, "n_layer": 6, "n_head": 6, "n_embd": 384}
_ENOUGH = 5.0  # seconds for one measurement


def bench(
    model: Annotated[
        str | None,
        typer.Argument(help="A run, a model's file or folder, or a name (default a fresh GPT)."),
    ] = None,
    prompt: Annotated[
        int, typer.Option("--prompt", min=1, help="Tokens of the prompt that is read.")
    ] = 128,
    tokens: Annotated[int, typer.Option("--tokens", "-n", min=1, help="Tokens written.")] = 32,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, help="Sequences of the training step.")
    ] = 4,
    train: Annotated[
        bool, typer.Option("--train/--no-train", help="Time a training step, too.")
    ] = True,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Threads of a matrix product.")
    ] = None,
    engine: EngineOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how fast a model reads, writes and learns on this machine.

    Each is timed three times, or once where that takes over five seconds;
    the fastest counts. Shares are of the speed at which the engine
    multiplies large matrices. Writing is bound by memory: every weight is
    read once a token.
    """
    choose_engine(engine)
    from transformer import build_model, engine_name, load
    from transformer._engine import torch
    from transformer.train.peak import matmul_peak

    if threads is not None:
        torch.set_num_threads(threads)
    with _saying("loading the model"):
        net = build_model("gpt", **_FRESH) if model is None else load(model, tokenizer=False)[0]
    prompt = min(prompt, net.block_size)
    peak = matmul_peak()
    facts: dict[str, Any] = {
        "model": model or "a fresh GPT",
        "parameters": net.num_parameters(),
        "engine": engine_name(),
        "threads": torch.get_num_threads(),
        "matmul_gflops": peak / 1e9,
    }
    with _saying(f"reading {prompt} tokens"):
        facts |= _reading(net, prompt, peak)
    with _saying(f"writing {tokens} tokens"):
        facts |= _writing(net, prompt, min(tokens, max(1, net.block_size - prompt)))
    if train:
        with _saying(f"a training step of {batch_size} x {prompt} tokens"):
            facts |= _learning(net, batch_size, prompt, peak)
    if as_json:
        print(json.dumps(facts, indent=2))
    else:
        _print(facts)


bench.epilog = examples(  # type: ignore[attr-defined]
    "gradine bench",
    "gradine bench smollm2 --no-train --threads 1",
    "gradine bench demo-run --engine torch --json",
)


def _fastest(run: Any) -> float:
    """Return the seconds of the fastest of three times, after one to warm up.

    No more are begun once ``_ENOUGH`` seconds are spent; one that takes as long needs no warming.
    """
    shortest, begun = math.inf, perf_counter()
    for turn in range(4):
        start = perf_counter()
        run()
        end = perf_counter()
        if turn or end - start > _ENOUGH:
            shortest = min(shortest, end - start)
        if shortest < math.inf and end - begun > _ENOUGH:
            break
    return shortest


def _saying(doing: str) -> Any:
    """Return a context that tells on a terminal what takes so long."""
    from rich.console import Console

    console = Console(stderr=True)
    return console.status(doing) if console.is_terminal else nullcontext()


def _context(net: Any, length: int) -> Any:
    """Return a context of so many tokens, none of them read yet."""
    from transformer.generate.context import Context

    return Context(net, [[i * 31 % net.config.vocab_size for i in range(length)]])


def _reading(net: Any, length: int, peak: float) -> dict[str, float]:
    from transformer.models.mode import evaluating
    from transformer.train.peak import step_flops

    with evaluating(net):
        seconds = _fastest(lambda: _context(net, length).scores())
    flops = step_flops(net, 1, length) / 3  # forward alone is a third of a step
    return {
        "prompt_tokens": length,
        "prompt_tokens_per_s": length / seconds,
        "prompt_share_of_peak": flops / seconds / peak,
    }


def _writing(net: Any, length: int, count: int) -> dict[str, float]:
    from transformer.models.mode import evaluating

    def write() -> None:
        context.truncate(length)
        for _ in range(count):
            context.append([int(context.scores()[0, -1].argmax())])

    with evaluating(net):
        context = _context(net, length)
        context.scores()
        seconds = _fastest(write)
    weights = sum(p.numel() * p.element_size() for p in net.parameters())
    rate = count / seconds
    return {"tokens_per_s": rate, "weights_gb_per_s": rate * weights / 1e9}


def _learning(net: Any, batch: int, block: int, peak: float) -> dict[str, float]:
    from transformer._engine import torch
    from transformer.train.memory import check_memory, estimate_bytes
    from transformer.train.peak import step_flops

    sizes = [getattr(net.config, name, 1) for name in ("n_embd", "n_layer", "vocab_size")]
    count = net.num_parameters()
    needed = estimate_bytes(count, count, batch * block, *sizes)
    check_memory(needed, "a training step", "give a smaller --batch-size, or --no-train")
    idx = torch.arange(batch * block).reshape(batch, block) * 31 % net.config.vocab_size
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.0)

    def step() -> None:
        _, loss = net(idx, idx)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    net.train()
    seconds = _fastest(step)
    net.eval()
    return {
        "train_batch": batch,
        "train_block": block,
        "train_tokens_per_s": batch * block / seconds,
        "train_share_of_peak": step_flops(net, batch, block) / seconds / peak,
    }


def _print(facts: dict[str, Any]) -> None:
    f = facts
    print(f"{f['model']}: {f['parameters']:,} parameters")
    print(f"engine   {f['engine']}, {f['threads']} threads, {f['matmul_gflops']:.0f} GFLOP/s")
    print(
        f"reading  {f['prompt_tokens_per_s']:10,.0f} tokens/s of a prompt of "
        f"{f['prompt_tokens']}, {f['prompt_share_of_peak']:.0%} of that speed"
    )
    print(
        f"writing  {f['tokens_per_s']:10,.1f} tokens/s, one at a time: weights at "
        f"{f['weights_gb_per_s']:.1f} GB/s"
    )
    if "train_tokens_per_s" in f:
        print(
            f"learning {f['train_tokens_per_s']:10,.0f} tokens/s in steps of {f['train_batch']} x "
            f"{f['train_block']}, {f['train_share_of_peak']:.0%} of that speed"
        )

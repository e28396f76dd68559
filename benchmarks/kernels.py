"""``python -m benchmarks.kernels [--only WORD]``: every fused kernel, NumPy, Numba and torch.

Sizes are those of one training step of the GPTs S, M and L of ``benchmarks.gpt`` (float32). First
on one thread; then on two: two Python threads with half the batch each for NumPy and Numba, two of
its own threads for torch. BLAS keeps to one thread. Backward passes of torch are timed through its
own operators where those are callable alone, else through autograd.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Iterator
from math import sqrt
from types import ModuleType
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits
from torch.nn import functional as F

from benchmarks.alternate import Times, alternate
from tensor_core.kernels import numba_kernels, numpy_kernels

Work = Callable[[], Any]
Ours = Callable[[ModuleType, int], Work]  # kernels and divisor of the batch -> what to time
Task = tuple[str, Ours, Work]

# rows and width of the stream, batch and heads and time and width of a head, parameters
SIZES: dict[str, tuple[int, int, tuple[int, int, int, int], int]] = {
    "S": (512, 32, (64, 4, 8, 8), 42_000),
    "M": (768, 128, (12, 4, 64, 32), 810_000),
    "L": (1024, 384, (4, 6, 256, 64), 10_700_000),
}
VOCABULARY = 65


def normal(*shape: int) -> np.ndarray:
    """Return standard normal float32 numbers."""
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def norm_tasks(rows: int, d: int) -> Iterator[Task]:
    """Layer norm and RMS norm, forward and backward."""
    x, w = normal(rows, d), normal(d)
    tx, tw = torch.from_numpy(x), torch.from_numpy(w)
    _, tmean, trstd = torch.native_layer_norm(tx, [d], tw, tw, 1e-5)
    mean, rstd = tmean.numpy(), trstd.numpy()
    needs = [True, True, True]

    def part(parts: int, *arrays: np.ndarray) -> list[np.ndarray]:
        return [a[: rows // parts] for a in arrays]

    def layer_norm_backward(k: ModuleType, n: int) -> Work:
        px, pm, pr = part(n, x, mean, rstd)
        return lambda: k.layer_norm_backward(px, px, pm, pr, w, *needs)

    def rms_norm_backward(k: ModuleType, n: int) -> Work:
        px, pr = part(n, x, rstd)
        return lambda: k.rms_norm_backward(px, px, pr, w, True, True)

    def on(name: str, *rest: Any) -> Ours:
        def make(k: ModuleType, n: int) -> Work:
            (px,) = part(n, x)
            return lambda: getattr(k, name)(px, *rest)

        return make

    label = f"{rows}x{d}"
    leaf, scale = tx.clone().requires_grad_(), tw.clone().requires_grad_()
    y = F.rms_norm(leaf, [d], scale, 1e-6)
    yield (
        f"layer_norm {label}",
        on("layer_norm_forward", w, w, 1e-5),
        lambda: torch.native_layer_norm(tx, [d], tw, tw, 1e-5),
    )
    yield (
        f"layer_norm backward {label}",
        layer_norm_backward,
        lambda: torch.ops.aten.native_layer_norm_backward(tx, tx, [d], tmean, trstd, tw, tw, needs),
    )
    yield (
        f"rms_norm {label}",
        on("rms_norm_forward", w, 1e-6),
        lambda: F.rms_norm(tx, [d], tw, 1e-6),
    )
    yield (
        f"rms_norm backward {label}",
        rms_norm_backward,
        lambda: torch.autograd.grad(y, (leaf, scale), tx, retain_graph=True),
    )


def activation_tasks(rows: int, d: int) -> Iterator[Task]:
    """GELU and SiLU with their derivative: torch's forward and backward against forward and g*d."""
    x = normal(rows, d)
    tx = torch.from_numpy(x)
    aten = torch.ops.aten

    def on(name: str, *rest: Any) -> Ours:
        def make(k: ModuleType, n: int) -> Work:
            px = x[: rows // n]
            return lambda: px * getattr(k, name)(px, *rest)[1]

        return make

    for kind in ("none", "tanh"):
        yield (
            f"gelu ({kind}) and backward {rows}x{d}",
            on("gelu_forward", kind, True),
            lambda kind=kind: (  # type: ignore[misc]
                F.gelu(tx, approximate=kind),
                aten.gelu_backward(tx, tx, approximate=kind),
            ),
        )
    yield (
        f"silu and backward {rows}x{d}",
        on("silu_forward", True),
        lambda: (F.silu(tx), aten.silu_backward(tx, tx)),
    )


def loss_tasks(rows: int) -> Iterator[Task]:
    """Softmax and cross-entropy over the vocabulary."""
    x = normal(rows, VOCABULARY)
    targets = np.random.default_rng(0).integers(0, VOCABULARY, rows)
    tx, leaf = torch.from_numpy(x), torch.from_numpy(x).requires_grad_()
    ids = torch.from_numpy(targets)

    def both() -> Any:
        return torch.autograd.grad(F.cross_entropy(leaf, ids), leaf)

    def cross_entropy(k: ModuleType, n: int) -> Work:
        px, pt = x[: rows // n], targets[: rows // n]
        return lambda: k.cross_entropy_forward(px, pt, -100, 0.0, True)

    def softmax(k: ModuleType, n: int) -> Work:
        px = x[: rows // n]
        return lambda: k.softmax_forward(px)

    yield f"softmax {rows}x{VOCABULARY}", softmax, lambda: tx.softmax(1)
    yield f"cross_entropy and backward {rows}x{VOCABULARY}", cross_entropy, both


def attention_tasks(size: tuple[int, int, int, int]) -> Iterator[Task]:
    """Causal attention over views of one packed array, forward and backward."""
    b, h, t, d = size
    packed, g = normal(b, t, 3, h, d), normal(b, t, h, d).transpose(0, 2, 1, 3)
    scale = 1 / sqrt(d)
    tq, tk, tv = (
        torch.from_numpy(packed)[:, :, i].transpose(1, 2).requires_grad_() for i in range(3)
    )
    tg = torch.from_numpy(g)
    ty = F.scaled_dot_product_attention(tq, tk, tv, is_causal=True)

    def parts(n: int) -> list[np.ndarray]:
        return [packed[: b // n, :, i].transpose(0, 2, 1, 3) for i in range(3)]

    def forward(k: ModuleType, n: int) -> Work:
        q = parts(n)
        return lambda: k.attention_forward(*q, scale, True, None)

    def backward(k: ModuleType, n: int) -> Work:
        q, part = parts(n), g[: b // n]
        y, p = k.attention_forward(*q, scale, True, None)
        return lambda: k.attention_backward(part, *q, p, y, scale, True, True, True, True)

    label = "x".join(map(str, size))
    fq, fk, fv = (a.detach() for a in (tq, tk, tv))
    yield (
        f"attention {label}",
        forward,
        lambda: F.scaled_dot_product_attention(fq, fk, fv, is_causal=True),
    )
    yield (
        f"attention backward {label}",
        backward,
        lambda: torch.autograd.grad(ty, (tq, tk, tv), tg, retain_graph=True),
    )


def step_tasks(rows: int, d: int, n_params: int) -> Iterator[Task]:
    """AdamW, the gradient norm and the sums of an embedding's cotangent."""
    p, g, m, v = normal(4, n_params)
    v = v * v
    param = torch.nn.Parameter(torch.from_numpy(p.copy()))
    param.grad = torch.from_numpy(g)
    optimizer = torch.optim.AdamW([param], lr=1e-3, fused=True)
    ids = np.random.default_rng(0).integers(0, VOCABULARY, rows)
    rows_g, tids = normal(rows, d), torch.from_numpy(ids)
    trows, tg = torch.from_numpy(rows_g), torch.from_numpy(g)

    def adamw(k: ModuleType, n: int) -> Work:
        a = [x[: n_params // n].copy() for x in (p, g, m, v)]
        return lambda: k.adamw_step(*a, 1e-3, 0.9, 0.95, 1e-8, 0.1, 100, True)

    def sums(k: ModuleType, n: int) -> Work:
        part = g[: n_params // n]
        return lambda: k.sum_squares(part)

    def embedding(k: ModuleType, n: int) -> Work:
        a, i = rows_g[: rows // n], ids[: rows // n]
        return lambda: k.embedding_backward(a, i, VOCABULARY)

    yield f"adamw {n_params}", adamw, optimizer.step
    yield f"sum_squares {n_params}", sums, lambda: torch.linalg.vector_norm(tg)
    yield (
        f"embedding backward {rows}x{d}",
        embedding,
        lambda: torch.ops.aten.embedding_dense_backward(trows, tids, VOCABULARY, -1, False),
    )


def tasks(label: str) -> Iterator[Task]:
    """Every task of one size."""
    rows, d, attention, n_params = SIZES[label]
    yield from norm_tasks(rows, d)
    yield from activation_tasks(rows, 4 * d)
    yield from attention_tasks(attention)
    yield from loss_tasks(rows)
    yield from step_tasks(rows, d, n_params)


def serial(work: Work) -> Callable[[int], float]:
    """Time repetitions on this thread."""

    def seconds(steps: int) -> float:
        start = time.perf_counter()
        for _ in range(steps):
            work()
        return time.perf_counter() - start

    return seconds


def paired(works: list[Work]) -> Callable[[int], float]:
    """Time repetitions of two halves, each on a thread of its own."""

    def seconds(steps: int) -> float:
        threads = [threading.Thread(target=serial(work), args=(steps,)) for work in works]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - start

    return seconds


def with_torch_threads(work: Work, n: int) -> Callable[[int], float]:
    """Time repetitions with ``n`` threads of torch's own."""

    def seconds(steps: int) -> float:
        torch.set_num_threads(n)
        return serial(work)(steps)

    return seconds


def measure(task: Task, turns: int) -> list[Times]:
    """NumPy, Numba, torch on one thread, then the same on two."""
    _, ours, theirs = task
    both = (numpy_kernels, numba_kernels)
    timers = [serial(ours(k, 1)) for k in both]
    timers.append(with_torch_threads(theirs, 1))
    timers += [paired([ours(k, 2), ours(k, 2)]) for k in both]
    timers.append(with_torch_threads(theirs, 2))
    return alternate(timers, turns, block=0.02)


def main() -> None:
    """Print one table a size."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.kernels")
    parser.add_argument("--only", default="", help="tasks whose name contains this word")
    parser.add_argument("--size", default="SML", help="letters of the sizes (default SML)")
    parser.add_argument("--turns", type=int, default=9)
    options = parser.parse_args()
    console = Console()
    for label in options.size:
        table = Table(title=f"{label}: median microseconds, float32")
        for column in ("kernel", "NumPy", "Numba", "torch", "NumPy 2", "Numba 2", "torch 2"):
            table.add_column(column, justify="left" if column == "kernel" else "right")
        with threadpool_limits(1, user_api="blas"):
            for task in tasks(label):
                if options.only in task[0]:
                    times = measure(task, options.turns)
                    table.add_row(task[0], *(f"{t.median * 1e6:.0f}" for t in times))
        console.print(table)


if __name__ == "__main__":
    main()

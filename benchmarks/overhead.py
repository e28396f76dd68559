"""What one small operation costs: there the arithmetic is nothing and the engine is everything.

Each function here takes an engine that speaks PyTorch's API and returns one step to be repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Step = Callable[[], object]


def tanh_matmul_sum(torch: Any) -> Step:
    """``tanh(a @ b).sum()`` at 32x32, forward and backward."""
    a, b = (torch.randn(32, 32, requires_grad=True) for _ in range(2))

    def step() -> None:
        a.grad = b.grad = None
        torch.tanh(a @ b).sum().backward()

    return step


def count_pair(torch: Any) -> Step:
    """``N[i, j] += 1`` in a 27x27 table of int32: how a bigram model counts its letters."""
    table = torch.zeros((27, 27), dtype=torch.int32)

    def step() -> None:
        table[3, 5] += 1

    return step


def add(torch: Any) -> Step:
    """``a + b`` at 32x32, recorded for backward."""
    a, b = (torch.randn(32, 32, requires_grad=True) for _ in range(2))
    return lambda: a + b


def mul(torch: Any) -> Step:
    """``a * b`` at 32x32, recorded for backward."""
    a, b = (torch.randn(32, 32, requires_grad=True) for _ in range(2))
    return lambda: a * b


def matmul(torch: Any) -> Step:
    """``a @ b`` at 32x32, recorded for backward."""
    a, b = (torch.randn(32, 32, requires_grad=True) for _ in range(2))
    return lambda: a @ b


def add_backward(torch: Any) -> Step:
    """``(a + b).backward(g)`` at 32x32: forward and backward of the simplest graph."""
    a, b = (torch.randn(32, 32, requires_grad=True) for _ in range(2))
    g = torch.ones(32, 32)

    def step() -> None:
        a.grad = b.grad = None
        (a + b).backward(g)

    return step


TASKS: dict[str, Callable[[Any], Step]] = {
    "tanh(a @ b).sum(), forward + backward": tanh_matmul_sum,
    "a + b, forward + backward": add_backward,
    "a + b": add,
    "a * b": mul,
    "a @ b": matmul,
    "N[i, j] += 1, 27x27": count_pair,
}

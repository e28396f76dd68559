"""How fast this machine multiplies, and how much of that a training step asks for."""

from functools import cache
from time import perf_counter

from transformer._engine import nn, torch
from transformer.layers import PositionEmbedding

_BUDGET = 0.1  # seconds for each count of threads
_SIZES = (128, 256, 512, 1024)  # rows and columns; larger ones no longer go faster


def matmul_peak(threads: int | None = None) -> float:
    """Return the FLOP/s of the engine's float32 matrix product on up to ``threads`` threads.

    ``threads`` is what the engine uses now, if not given. The best of square products of growing
    size on that many threads, and on one (which is faster where other programs keep a core busy).
    Measured within a fifth of a second, once in a process. A multiplication and an addition are
    two operations.

    >>> matmul_peak() == matmul_peak() > 1e6
    True
    """
    return _measured(torch.get_num_threads() if threads is None else threads)


@cache
def _measured(threads: int) -> float:
    before = torch.get_num_threads()
    try:
        return max(_best(count) for count in {1, threads})
    finally:
        torch.set_num_threads(before)


@torch.no_grad()
def _best(threads: int) -> float:
    """Return the highest FLOP/s of all products, each timed up to nine times."""
    torch.set_num_threads(threads)
    begun, best = perf_counter(), 0.0
    for size in _SIZES:
        a = torch.full((size, size), 0.5)
        b = a + 0.25  # another matrix: a product with its own transpose would do half the work
        shortest = float("inf")
        for _ in range(9):
            start = perf_counter()
            a @ b
            end = perf_counter()
            shortest = min(shortest, end - start)
            if end - begun > _BUDGET:
                break
        best = max(best, 2 * size**3 / shortest)
        # The next size takes eight times as long, and the first time is no good.
        if end - begun + 16 * shortest > _BUDGET:
            break
    return best


def step_flops(model: nn.Module, batch: int, block: int) -> float:
    """Return the floating-point operations of one training step on ``batch`` x ``block`` tokens.

    A token's forward pass costs 2 for every weight it is multiplied with, and backward twice that
    (half of it for a frozen weight); looking up an embedding costs nothing. Attention adds
    12 x layers x heads x head width x positions seen: as is usual, positions in the future count
    as if seen. In a mixture of experts a token meets the active ones only. Sources: Kaplan et al.,
    "Scaling Laws for Neural Language Models", 2020, table 1; Chowdhery et al., "PaLM", 2022,
    appendix B.

    >>> step_flops(nn.Linear(3, 5, bias=False), batch=2, block=4)
    720.0
    """
    a_token = _weights_flops(model) + _attention_flops(model, block)
    return float(a_token * batch * block)


def _weights_flops(model: nn.Module) -> float:
    config = getattr(model, "config", None)
    experts = getattr(config, "n_expert", 0)
    share = getattr(config, "n_expert_active", 1) / experts if experts else 1.0
    total, seen = 0.0, set()
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding | PositionEmbedding):
            continue  # a table shared with a linear map is counted there
        for p in module.parameters(recurse=False):
            if p.dim() >= 2 and id(p) not in seen:
                seen.add(id(p))
                met = share if "experts" in name.split(".") else 1.0
                total += (6 if p.requires_grad else 4) * p.numel() * met
    return total


def _attention_flops(model: nn.Module, block: int) -> float:
    """Scores and weighted values of every head: two products, three times (with backward)."""
    config = getattr(model, "config", None)
    heads, width = getattr(config, "n_head", 0), getattr(config, "n_embd", 0)
    if not heads:
        return 0.0
    head_dim = getattr(config, "head_dim", None) or width // heads
    seen = min(block, getattr(config, "window", None) or block)
    return 12.0 * getattr(config, "n_layer", 1) * heads * head_dim * seen

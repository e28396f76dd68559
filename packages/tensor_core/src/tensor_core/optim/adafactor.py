"""Adafactor: a mean square for every row and every column in place of every weight."""

from __future__ import annotations

from typing import Any

from .._creation import zeros_like
from .._limits import finfo
from .._tensor import Tensor
from ._check import check_rate
from ._per_tensor import PerTensor, State, count, rate_of
from .optimizer import Params


class Adafactor(PerTensor):
    """Steps over the root of a factored mean square, relative to the size of the weights.

    ``eps`` are the least mean square (of the type's precision if None) and the least size of
    weights, ``d`` is where updates are clipped, ``beta2_decay`` how fast old squares are
    forgotten. Source: Shazeer and Stern 2018.

    >>> import tensor_core as torch
    >>> w = torch.ones(2, 2, requires_grad=True)
    >>> w.grad = torch.ones(2, 2)
    >>> torch.optim.Adafactor([w], lr=0.1).step(); w.detach()
    tensor([[0.9000, 0.9000],
            [0.9000, 0.9000]])
    """

    _complex = False

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_rate(lr)
        if not float(lr) >= 0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not beta2_decay <= 0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        options = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def _fresh(self, p: Tensor, group: dict[str, Any]) -> State:
        if p.dim() < 2:
            return {"step": count(), "variance": zeros_like(p)}
        rows = p.new_zeros((*p.shape[:-1], 1))
        columns = p.new_zeros((*p.shape[:-2], 1, p.shape[-1]))
        return {"step": count(), "row_var": rows, "col_var": columns}

    def _change(self, p: Tensor, g: Tensor, state: State, group: dict[str, Any]) -> None:
        lr, (least, least_size) = rate_of(group), group["eps"]
        least = finfo(p.dtype).eps if least is None else least
        state["step"] += 1
        step = state["step"].item()
        size = max(least_size, p.norm(2).item() / p.numel() ** 0.5)
        rate = size * min(float(lr), 1 / step**0.5)
        if group["weight_decay"]:
            p.mul_(1 - lr * group["weight_decay"])
        square = _mean_square(g, state, step ** group["beta2_decay"], least)
        update = square.clamp_(min=least * least).rsqrt_().mul_(g)
        excess = update.norm(2).item() / (update.numel() ** 0.5 * group["d"])
        p.add_(update, alpha=-rate / max(1.0, excess))


def _mean_square(g: Tensor, state: State, weight: float, least: float) -> Tensor:
    """The running mean square; of a matrix, the product of those of its rows and its columns."""
    if g.dim() < 2:
        return state["variance"].lerp_(g * g, weight).clone()
    rows, columns = state["row_var"], state["col_var"]
    rows.lerp_(g.norm(dim=-1, keepdim=True).square_().div_(g.size(-1)), weight)
    columns.lerp_(g.norm(dim=-2, keepdim=True).square_().div_(g.size(-2)), weight)
    product: Tensor = rows @ columns
    return product.div_(rows.mean(dim=-2, keepdim=True).clamp_(min=least))

"""Muon: momentum made orthogonal, for the matrices inside a network."""

from __future__ import annotations

import math
from typing import Any

from .._creation import zeros_like
from .._tensor import Tensor
from ..ops import addmm
from ._check import check_rate
from ._per_tensor import PerTensor, State, rate_of
from .optimizer import Params

Coefficients = tuple[float, float, float]


class Muon(PerTensor):
    """Steps along the momentum with all its singular values brought near to 1.

    For matrices only; the iteration runs in bfloat16 (needs the extra ``bfloat16``).
    ``adjust_lr_fn`` scales the rate by the shape: "original" or "match_rms_adamw". Sources:
    Jordan et al. 2024; Liu et al. 2025 (arXiv 2502.16982).

    >>> import tensor_core as torch
    >>> w = torch.zeros(2, 2, requires_grad=True)
    >>> torch.optim.Muon([w]).defaults["ns_steps"]
    5
    """

    _complex = False

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: Coefficients = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_rate(lr)
        if not float(lr) >= 0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not momentum >= 0:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not weight_decay >= 0:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        options = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, options)
        for p in (p for group in self.param_groups for p in group["params"]):
            if p.ndim != 2:
                raise ValueError(
                    "Muon only supports 2D parameters whereas we found a parameter with size: "
                    f"{p.size()}"
                )

    def _fresh(self, p: Tensor, group: dict[str, Any]) -> State:
        return {"momentum_buffer": zeros_like(p)}

    def _change(self, p: Tensor, g: Tensor, state: State, group: dict[str, Any]) -> None:
        lr, momentum, buffer = rate_of(group), group["momentum"], state["momentum_buffer"]
        buffer.lerp_(g, 1 - momentum)
        update = g.lerp(buffer, momentum) if group["nesterov"] else buffer
        update = _orthogonal(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
        p.mul_(1 - lr * group["weight_decay"])
        p.add_(update, alpha=-float(lr * _by_shape(group["adjust_lr_fn"], *p.shape)))


def _orthogonal(x: Tensor, coefficients: Coefficients, steps: int, eps: float) -> Tensor:
    """``x`` with singular values near 1, by Newton and Schulz's iteration of degree five.

    Shapes: (n, m) -> same, in bfloat16.
    """
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = x.size(0) > x.size(1)
    y = x.bfloat16()
    y = y.T if tall else y
    y = y / y.norm().clamp(min=eps)  # no singular value is larger than this norm
    for _ in range(steps):
        gram = y @ y.T
        y = addmm(y, addmm(gram, gram, gram, beta=b, alpha=c), y, beta=a)
    return y.T if tall else y


def _by_shape(how: str | None, rows: int, columns: int) -> float:
    """What the rate is multiplied with, so that updates of all shapes are of one size."""
    if how == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))

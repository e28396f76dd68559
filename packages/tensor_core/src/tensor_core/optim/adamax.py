"""Adamax: Adam with the largest gradient in place of the mean square."""

from __future__ import annotations

from typing import Any

from .._creation import zeros_like
from .._tensor import Tensor
from ..ops import maximum
from ._check import check, check_betas, check_rate
from ._per_tensor import PerTensor, State, count, rate_of
from .optimizer import Params


class Adamax(PerTensor):
    """Steps of the gradient's running mean over a decaying maximum of its size.

    Source: Kingma and Ba 2015, algorithm 2.

    >>> import tensor_core as torch
    >>> w = torch.ones(1, requires_grad=True)
    >>> w.grad = torch.full((1,), 5.0)
    >>> torch.optim.Adamax([w], lr=0.1).step(); w.detach()
    tensor([0.9000])
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_rate(lr)
        check("learning rate", lr)
        check("epsilon value", eps)
        check_betas(betas)
        check("weight_decay value", weight_decay)
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, options)

    def _fresh(self, p: Tensor, group: dict[str, Any]) -> State:
        return {"step": count(), "exp_avg": zeros_like(p), "exp_inf": zeros_like(p)}

    def _change(self, p: Tensor, g: Tensor, state: State, group: dict[str, Any]) -> None:
        (beta1, beta2), decay = group["betas"], group["weight_decay"]
        mean, largest = state["exp_avg"], state["exp_inf"]
        state["step"] += 1
        if decay:
            g = g.add(p, alpha=decay)
        mean.lerp_(g, 1 - beta1)
        largest.copy_(maximum(largest * beta2, g.abs() + group["eps"]))
        rate = rate_of(group) / (1 - beta1 ** state["step"].item())
        p.addcdiv_(mean, largest, value=-float(rate))

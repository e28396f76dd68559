"""RAdam: Adam that waits with adapting until its mean square can be trusted."""

from __future__ import annotations

from typing import Any

from .._creation import zeros_like
from .._tensor import Tensor
from ._check import check, check_betas, check_rate
from ._per_tensor import PerTensor, State, count, rate_of
from .optimizer import Params

_ENOUGH = 5.0  # terms that the mean square must be worth


class RAdam(PerTensor):
    """Adam with its early steps rectified for the variance of the running mean square.

    Source: Liu et al. 2020, algorithm 2.

    >>> import tensor_core as torch
    >>> w = torch.ones(1, requires_grad=True)
    >>> w.grad = torch.full((1,), 5.0)
    >>> torch.optim.RAdam([w], lr=0.1).step(); w.detach()
    tensor([0.5000])
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
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
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, options)

    def _fresh(self, p: Tensor, group: dict[str, Any]) -> State:
        return {"step": count(), "exp_avg": zeros_like(p), "exp_avg_sq": zeros_like(p)}

    def _change(self, p: Tensor, g: Tensor, state: State, group: dict[str, Any]) -> None:
        (beta1, beta2), decay, lr = group["betas"], group["weight_decay"], rate_of(group)
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        state["step"] += 1
        step = state["step"].item()
        if decay and group["decoupled_weight_decay"]:
            p.mul_(1 - lr * decay)
        elif decay:
            g = g.add(p, alpha=decay)
        mean.lerp_(g, 1 - beta1)
        square.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        change = mean / (1 - beta1**step) * lr
        most = 2 / (1 - beta2) - 1
        terms = most - 2 * step * beta2**step / (1 - beta2**step)
        if terms > _ENOUGH:
            rectified = (terms - 4) * (terms - 2) * most / ((most - 4) * (most - 2) * terms)
            root = square.sqrt() + group["eps"]
            change = change * ((1 - beta2**step) ** 0.5 / root) * rectified**0.5
        p.sub_(change)

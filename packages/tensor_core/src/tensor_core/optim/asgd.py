"""ASGD: gradient descent that also keeps the average of where it has been."""

from __future__ import annotations

from typing import Any

from .._creation import tensor, zeros_like
from .._tensor import Tensor
from ._check import check, check_rate
from ._per_tensor import PerTensor, State, count, rate_of
from .optimizer import Params


class ASGD(PerTensor):
    """Gradient descent with a falling rate; the average from step ``t0`` on is in ``state``'s ax.

    The rate falls as ``lr / (1 + lambd * lr * step) ** alpha``. Source: Polyak and Juditsky 1992.

    >>> import tensor_core as torch
    >>> w = torch.ones(1, requires_grad=True)
    >>> w.grad = torch.ones(1)
    >>> torch.optim.ASGD([w], lr=0.1, lambd=0.0).step(); w.detach()
    tensor([0.9000])
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_rate(lr)
        check("learning rate", lr)
        check("weight_decay value", weight_decay)
        options = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, options)

    def _fresh(self, p: Tensor, group: dict[str, Any]) -> State:
        rate = count(float(rate_of(group)))
        return {"step": count(), "eta": rate, "mu": count(1.0), "ax": zeros_like(p)}

    def _change(self, p: Tensor, g: Tensor, state: State, group: dict[str, Any]) -> None:
        lambd, lr = group["lambd"], float(rate_of(group))
        average, eta, mu = state["ax"], state["eta"].item(), state["mu"].item()
        state["step"] += 1
        step = state["step"].item()
        if group["weight_decay"]:
            g = g.add(p, alpha=group["weight_decay"])
        p.mul_(1 - lambd * eta)
        p.add_(g, alpha=-eta)
        average.copy_(p if mu == 1 else average + (p - average) * mu)
        # in the default type, like a number given to tensor(), whatever the state's own is
        state["eta"].copy_(tensor(lr / (1 + lambd * lr * step) ** group["alpha"]))
        state["mu"].copy_(tensor(1 / max(1, step - group["t0"])))

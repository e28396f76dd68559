"""Rprop: every weight has a step size of its own, and gradients count by their sign alone."""

from __future__ import annotations

from typing import Any

from .._creation import full_like, ones_like, zeros_like
from .._tensor import Tensor
from ._check import check, check_rate
from ._per_tensor import PerTensor, State, count, rate_of
from .optimizer import Params


class Rprop(PerTensor):
    """Step sizes that grow by ``etas[1]`` while a gradient keeps its sign, else shrink by etas[0].

    They stay between the two ``step_sizes``. Source: Riedmiller and Braun 1993.

    >>> import tensor_core as torch
    >>> w = torch.ones(1, requires_grad=True)
    >>> w.grad = torch.full((1,), 5.0)
    >>> torch.optim.Rprop([w], lr=0.1).step(); w.detach()
    tensor([0.9000])
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check("learning rate", lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        options = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, options)

    def _fresh(self, p: Tensor, group: dict[str, Any]) -> State:
        lr = float(rate_of(group))
        sizes = full_like(p, complex(lr, lr) if p.is_complex() else lr)
        return {"step": count(), "prev": zeros_like(p), "step_size": sizes}

    def _change(self, p: Tensor, g: Tensor, state: State, group: dict[str, Any]) -> None:
        shrink, grow = group["etas"]
        state["step"] += 1
        agree = g * state["prev"]
        turned = agree < 0
        factor = ones_like(g).masked_fill(agree > 0, grow).masked_fill(turned, shrink)
        state["step_size"].mul_(factor).clamp_(*group["step_sizes"])
        g = g.masked_fill(turned, 0)  # after a turn, wait for one step
        p.addcmul_(g.sign(), state["step_size"], value=-1)
        state["prev"].copy_(g)

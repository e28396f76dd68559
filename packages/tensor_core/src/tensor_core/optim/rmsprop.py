"""RMSprop: steps divided by the root of a running mean square."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._check import check, check_rate
from ._elementwise import Array, Elementwise, Update
from .optimizer import Params


class RMSprop(Elementwise):
    """Divide by the root of the gradient's running mean square.

    ``centered`` takes the running variance instead; ``momentum`` sums the steps. Sources:
    Tieleman and Hinton 2012 (lecture 6e), Graves 2013.

    >>> import tensor_core as torch
    >>> w = torch.ones(1, requires_grad=True)
    >>> w.grad = torch.full((1,), 5.0)
    >>> torch.optim.RMSprop([w], lr=0.1, alpha=0.0).step(); w.detach()
    tensor([0.9000])
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check("learning rate", lr)
        check("epsilon value", eps)
        check("momentum value", momentum)
        check("weight_decay value", weight_decay)
        check("alpha value", alpha)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "alpha": alpha,
                "eps": eps,
                "centered": centered,
                "weight_decay": weight_decay,
                "capturable": capturable,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
            },
        )

    def _slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        slots: tuple[str, ...] = ("square_avg",)
        if group["momentum"]:
            slots += ("momentum_buffer",)
        return (*slots, "grad_avg") if group["centered"] else slots

    def _update(self, group: dict[str, Any], step: int, first: bool) -> Update:
        lr, alpha, eps = float(group["lr"]), group["alpha"], group["eps"]
        decay, momentum, centered = group["weight_decay"], group["momentum"], group["centered"]

        def update(p: Array, g: Array, square: Array, *others: Array) -> None:
            if decay:
                g = g + decay * p
            square *= alpha
            square += (1 - alpha) * g * g
            scale = square
            if centered:
                mean = others[-1]
                mean += (1 - alpha) * (g - mean)
                scale = square - mean * mean
            change = g / (np.sqrt(scale) + eps)
            if momentum:
                others[0][...] = change = momentum * others[0] + change
            p -= lr * change

        return update

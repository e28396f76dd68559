"""Adadelta: steps in the parameters' own units."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._check import check, check_rate
from ._elementwise import Array, Elementwise, Update
from .optimizer import Params


class Adadelta(Elementwise):
    """The gradient times the running size of past steps over that of past gradients.

    Source: Zeiler 2012.

    >>> import tensor_core as torch
    >>> w = torch.ones(1, requires_grad=True)
    >>> w.grad = torch.full((1,), 5.0)
    >>> torch.optim.Adadelta([w]).step(); round(w.item(), 4)
    0.9968
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check("learning rate", lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check("epsilon value", eps)
        check("weight_decay value", weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "rho": rho,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "capturable": capturable,
                "foreach": foreach,
                "differentiable": differentiable,
            },
        )

    def _slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("square_avg", "acc_delta")

    def _update(self, group: dict[str, Any], step: int, first: bool) -> Update:
        lr, rho, eps = float(group["lr"]), group["rho"], group["eps"]
        decay = group["weight_decay"]

        def update(p: Array, g: Array, square: Array, steps: Array) -> None:
            if decay:
                g = g + decay * p
            square *= rho
            square += (1 - rho) * g * g
            change = np.sqrt(steps + eps) / np.sqrt(square + eps) * g
            steps *= rho
            steps += (1 - rho) * change * change
            p -= lr * change

        return update

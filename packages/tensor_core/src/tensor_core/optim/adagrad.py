"""Adagrad: steps that shrink where gradients have been large."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._creation import full_like, tensor
from ._check import check, check_rate
from ._elementwise import Array, Elementwise, Update
from .optimizer import Params


class Adagrad(Elementwise):
    """Divide by the root of the sum of all squared gradients. Source: Duchi et al. 2011.

    >>> import tensor_core as torch
    >>> w = torch.ones(1, requires_grad=True)
    >>> w.grad = torch.full((1,), 5.0)
    >>> torch.optim.Adagrad([w], lr=0.1).step(); w.detach()
    tensor([0.9000])
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_rate(lr)
        check("learning rate", lr)
        check("lr_decay value", lr_decay)
        check("weight_decay value", weight_decay)
        check("initial_accumulator_value value", initial_accumulator_value)
        check("epsilon value", eps)
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters, whose sums start at ``initial_accumulator_value``."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        start = group["initial_accumulator_value"]
        for p in group["params"]:
            total = full_like(p.detach(), start)
            self.state[p].update(step=tensor(0.0), sum=total)

    def _slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("sum",)

    def _update(self, group: dict[str, Any], step: int, first: bool) -> Update:
        eps, decay = group["eps"], group["weight_decay"]
        lr = float(group["lr"]) / (1 + (step - 1) * group["lr_decay"])

        def update(p: Array, g: Array, total: Array) -> None:
            if decay:
                g = g + decay * p
            total += g * g
            p -= lr * g / (np.sqrt(total) + eps)

        return update

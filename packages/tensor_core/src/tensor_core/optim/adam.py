"""Adam: steps of a running mean over a running root mean square."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from ..kernels import active
from ._check import check, check_betas, check_rate
from ._elementwise import Array, Elementwise, Update
from .optimizer import Params


class Adam(Elementwise):
    """Steps of the gradient's running mean over the root of its running mean square.

    ``weight_decay`` is added to the gradient, or with ``decoupled_weight_decay`` shrinks the
    weights instead, as AdamW does. ``amsgrad`` divides by the largest mean square so far. With
    ``differentiable`` the step is recorded, for derivatives through it. ``foreach``, ``fused``
    and ``capturable`` change nothing but are kept in the groups. Sources: Kingma and Ba 2015,
    Reddi et al. 2018.

    >>> import tensor_core as torch
    >>> w = torch.ones(1, requires_grad=True)
    >>> w.grad = torch.full((1,), 5.0)
    >>> torch.optim.Adam([w], lr=0.1).step(); w.detach()
    tensor([0.9000])
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_rate(lr)
        check("learning rate", lr)
        check("epsilon value", eps)
        check_betas(betas)
        check("weight_decay value", weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
                "fused": fused,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def _slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        moments = ("exp_avg", "exp_avg_sq")
        return (*moments, "max_exp_avg_sq") if group["amsgrad"] else moments

    def _one_kernel(self, group: dict[str, Any]) -> bool:
        return not group["amsgrad"]

    def _update(self, group: dict[str, Any], step: int, first: bool) -> Update:
        beta1, beta2 = map(float, group["betas"])
        lr, eps, decay = float(group["lr"]), group["eps"], group["weight_decay"]
        decoupled = group["decoupled_weight_decay"]
        if group["amsgrad"]:
            return _plain(lr, beta1, beta2, eps, decay, step, decoupled)
        kernel = active.adamw_step

        def update(p: Array, g: Array, m: Array, v: Array) -> None:
            kernel(p, g, m, v, lr, beta1, beta2, eps, decay, step, decoupled)

        return update

    def _tensor_update(self, group: dict[str, Any], step: int, first: bool) -> Update:
        (beta1, beta2), eps, decay = group["betas"], group["eps"], group["weight_decay"]
        decoupled = group["decoupled_weight_decay"]
        return _plain(group["lr"], beta1, beta2, eps, decay, step, decoupled)


def _plain(
    lr: Any, beta1: float, beta2: float, eps: float, decay: float, step: int, decoupled: bool
) -> Update:
    """The update without a kernel; given the largest mean squares too, that of AMSGrad."""
    step_size = lr / (1 - beta1**step)
    root2 = sqrt(1 - beta2**step)

    def update(p: Array, g: Array, m: Array, v: Array, highest: Array | None = None) -> None:
        if decay and decoupled:
            p *= 1 - lr * decay
        elif decay:
            g = g + decay * p
        m += (1 - beta1) * (g - m)
        v *= beta2
        v += (1 - beta2) * g * g
        if highest is not None:
            highest[...] = v = np.maximum(highest, v)
        p -= step_size * m / (np.sqrt(v) / root2 + eps)

    return update

"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

from ..kernels import active
from ._check import check, check_rate
from ._elementwise import Array, Elementwise, Update
from .optimizer import Params


class SGD(Elementwise):
    """``p -= lr * v`` where v is the gradient, or with momentum a running sum of gradients.

    Source: Sutskever et al. 2013. With ``differentiable`` the step is recorded, for
    derivatives through it. ``foreach`` and ``fused`` change nothing but are kept in the groups.

    >>> import tensor_core as torch
    >>> w = torch.ones(1, requires_grad=True)
    >>> w.grad = torch.ones(1)
    >>> torch.optim.SGD([w], lr=0.1).step(); w.detach()
    tensor([0.9000])
    """

    _counts_steps = False

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_rate(lr)
        check("learning rate", lr)
        check("momentum value", momentum)
        check("weight_decay value", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
                "foreach": foreach,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

    def _slots(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] else ()

    def _one_kernel(self, group: dict[str, Any]) -> bool:
        return True

    def _update(self, group: dict[str, Any], step: int, first: bool) -> Update:
        options = (
            float(group["lr"]),
            group["momentum"],
            group["dampening"],
            float(group["weight_decay"]),
            group["nesterov"],
            first,
        )
        kernel = active.sgd_step

        def update(p: Array, g: Array, buf: Array | None = None) -> None:
            kernel(p, g, buf, *options)

        return update

    def _tensor_update(self, group: dict[str, Any], step: int, first: bool) -> Update:
        lr, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]

        def update(p: Any, g: Any, buf: Any = None) -> None:
            if decay:
                g = g + decay * p
            if momentum:
                # as in torch, the buffer's first value is a constant
                buf[...] = g.detach() if first else momentum * buf + (1 - group["dampening"]) * g
                g = g + momentum * buf if group["nesterov"] else buf.clone()
            p -= lr * g

        return update

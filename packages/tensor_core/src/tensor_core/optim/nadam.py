"""NAdam: Adam with Nesterov's look ahead."""

from __future__ import annotations

from typing import Any

from .._creation import zeros_like
from .._tensor import Tensor
from ._check import check, check_betas, check_rate
from ._per_tensor import PerTensor, State, count, rate_of
from .optimizer import Params


class NAdam(PerTensor):
    """Adam whose mean already counts the next step's momentum, on a schedule of its own.

    ``momentum_decay`` sets how slowly the momentum grows to ``betas[0]``. Source: Dozat 2016.

    >>> import tensor_core as torch
    >>> w = torch.ones(1, requires_grad=True)
    >>> w.grad = torch.full((1,), 5.0)
    >>> torch.optim.NAdam([w], lr=0.1).step(); w.detach()
    tensor([0.8944])
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check("momentum_decay value", momentum_decay)
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, options)

    def _fresh(self, p: Tensor, group: dict[str, Any]) -> State:
        return {
            "step": count(),
            "mu_product": count(1.0),
            "exp_avg": zeros_like(p),
            "exp_avg_sq": zeros_like(p),
        }

    def _change(self, p: Tensor, g: Tensor, state: State, group: dict[str, Any]) -> None:
        (beta1, beta2), decay, lr = group["betas"], group["weight_decay"], float(rate_of(group))
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        state["step"] += 1
        step = state["step"].item()
        if decay and group["decoupled_weight_decay"]:
            p.mul_(1 - lr * decay)
        elif decay:
            g = g.add(p, alpha=decay)
        mu, mu_next = (
            beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1)
        )
        state["mu_product"].mul_(mu)
        product = state["mu_product"].item()
        mean.lerp_(g, 1 - beta1)
        square.mul_(beta2).addcmul_(g, g, value=1 - beta2)
        root = square.div(1 - beta2**step).sqrt() + group["eps"]
        p.addcdiv_(g, root, value=-lr * (1 - mu) / (1 - product))
        p.addcdiv_(mean, root, value=-lr * mu_next / (1 - product * mu_next))

"""SparseAdam: Adam for gradients that touch a few rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._check import check_betas, check_rate
from .optimizer import Optimizer, Params, run_closure


class SparseAdam(Optimizer):
    """Takes its options as torch does, and refuses dense gradients: all gradients here are dense.

    Raises ``RuntimeError`` from ``step`` when a parameter has a gradient; Adam takes it.

    >>> import tensor_core as torch
    >>> w = torch.ones(1, requires_grad=True)
    >>> w.grad = torch.ones(1)
    >>> torch.optim.SparseAdam([w]).step()
    Traceback (most recent call last):
    RuntimeError: SparseAdam does not support dense gradients, please consider Adam instead
    """

    def __init__(
        self,
        params: Params,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        check_rate(lr)
        if not float(lr) > 0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps > 0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})
        places = [
            [i, j]
            for i, group in enumerate(self.param_groups)
            for j, p in enumerate(group["params"])
            if p.is_complex()
        ]
        if places:
            raise ValueError(
                f"Complex params at indices {places}: SparseAdam does not support complex "
                "parameters"
            )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Return the closure's loss where no parameter has a gradient; refuse dense gradients."""
        loss = run_closure(closure)
        if any(p.grad is not None for group in self.param_groups for p in group["params"]):
            raise RuntimeError(
                "SparseAdam does not support dense gradients, please consider Adam instead"
            )
        return loss

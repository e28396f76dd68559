"""Muon: momentum made orthogonal, for the matrices inside a network; AdamW for all else."""

from collections.abc import Callable, Iterable
from math import sqrt
from typing import Any

from transformer._engine import torch

# Of the odd polynomial a x + b x^3 + c x^5: as steep at 0 as it can be while it keeps what lies in
# (0, 1] near 1, which is enough (Jordan et al. 2024).
_A, _B, _C = 3.4445, -4.7750, 2.0315


class Muon(torch.optim.Optimizer):
    """Steps along the momentum with all its singular values brought near to 1.

    ``params`` are groups, dicts. Where ``"muon"`` is True (or left out) every parameter is a
    matrix (n, m), or a stack of them (..., n, m): what maps one hidden state to another. Groups
    with ``"muon": False`` (embeddings, the output layer, vectors) step as AdamW with ``betas``.

    The rate of a matrix is multiplied by ``0.2 sqrt(max(n, m))`` with ``scale="adamw"``, which
    gives its update the size AdamW's has, so that one ``lr`` serves both; or by
    ``sqrt(max(1, n / m))`` with ``scale="shape"``. Unlike ``torch.optim.Muon`` it computes in the
    parameters' own precision. Raises ``ValueError`` for a vector in a group of matrices. Sources:
    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; Liu et al.,
    "Muon is Scalable for LLM Training", 2025, section 2.2.

    >>> w = torch.zeros(2, 2, requires_grad=True)
    >>> w.grad = torch.tensor([[3.0, 0.0], [0.0, -1.0]])
    >>> Muon([{"params": [w]}], lr=0.1, scale="shape", weight_decay=0.0).step()
    >>> [round(float(w.detach()[i, i]), 1) for i in (0, 1)]
    [-0.1, 0.1]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.95,
        nesterov: bool = True,
        weight_decay: float = 0.1,
        betas: tuple[float, float] = (0.9, 0.99),
        ns_steps: int = 5,
        scale: str = "adamw",
    ) -> None:
        if scale not in _SCALES:
            raise ValueError(f"Muon: scale is {scale!r}, not one of {', '.join(_SCALES)}")
        if not 0 <= momentum < 1:
            raise ValueError(f"Muon: momentum is {momentum}, not in [0, 1)")
        own = {"momentum": momentum, "nesterov": nesterov, "ns_steps": ns_steps, "scale": scale}
        shared: dict[str, Any] = {"lr": lr, "weight_decay": weight_decay, "betas": tuple(betas)}
        groups = list(params)
        if groups and not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        vectors = [group for group in groups if not group.get("muon", True)]
        # Adds AdamW's options to its groups, and takes their steps: its groups and state are ours.
        self._adamw = torch.optim.AdamW(vectors, **shared) if vectors else None
        super().__init__(groups, {**shared, **own, "muon": True})
        self._check()

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient; return the closure's loss, if given."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"] if group["muon"] else ():
                if p.grad is not None:
                    self._change(p, p.grad, group)
        if self._adamw is not None:
            self._adamw.state = self.state
            self._adamw.param_groups = [g for g in self.param_groups if not g["muon"]]
            self._adamw.step()
        return loss

    def _change(self, p: torch.Tensor, g: torch.Tensor, group: dict[str, Any]) -> None:
        state, momentum, lr = self.state[p], group["momentum"], group["lr"]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(p)
        mean = state["momentum_buffer"]
        mean.mul_(momentum).add_(g, alpha=1 - momentum)
        ahead = mean.mul(momentum).add_(g, alpha=1 - momentum) if group["nesterov"] else mean
        if group["weight_decay"]:
            p.mul_(1 - lr * group["weight_decay"])
        rate = lr * _SCALES[group["scale"]](*p.shape[-2:])
        p.add_(orthogonal(ahead, group["ns_steps"]), alpha=-rate)

    def _check(self) -> None:
        for group in self.param_groups:
            for p in group["params"] if group["muon"] else ():
                if p.dim() < 2:
                    raise ValueError(
                        f"Muon: a parameter of shape {tuple(p.shape)} is no matrix: put it in a "
                        'group with "muon": False, which steps as AdamW'
                    )


@torch.no_grad()
def orthogonal(x: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """Return ``x`` with its singular values brought near to 1 (0.7 to 1.2), its directions kept.

    Newton and Schulz's iteration with a polynomial of degree five. Shapes: (..., n, m) -> same.

    >>> y = orthogonal(torch.tensor([[0.0, -5.0], [2.0, 0.0]]))
    >>> bool(y[0, 0] == 0), bool(-1.2 < y[0, 1] < -0.7), bool(0.7 < y[1, 0] < 1.2)
    (True, True, True)
    """
    tall = x.shape[-2] > x.shape[-1]
    y = x.mT if tall else x  # (n, m) with n <= m: the smaller products
    # No singular value is larger than this norm.
    y = y / y.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(steps):
        gram = y @ y.mT  # (n, n)
        polynomial = (gram @ gram).mul_(_C).add_(gram, alpha=_B)
        polynomial.diagonal(dim1=-2, dim2=-1).add_(_A)
        y = polynomial @ y  # (a + b G + c G^2) y
    return y.mT if tall else y


_SCALES: dict[str, Callable[[int, int], float]] = {
    "adamw": lambda n, m: 0.2 * sqrt(max(n, m)),
    "shape": lambda n, m: sqrt(max(1.0, n / m)),
}

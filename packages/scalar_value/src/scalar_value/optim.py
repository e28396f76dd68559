"""How to change the parameters, given their gradients. The rules are those of torch.optim."""

from __future__ import annotations

import math
from collections.abc import Iterable

from .engine import Value


class Optimizer:
    """What optimizers share: the parameters, and forgetting their gradients.

    Raises ValueError for no parameters, and for a negative ``lr`` or ``weight_decay``.
    """

    def __init__(self, parameters: Iterable[Value], lr: float, weight_decay: float) -> None:
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError("optimizer: got no parameters; pass model.parameters()")
        if lr < 0 or weight_decay < 0:
            raise ValueError(f"optimizer: lr={lr}, weight_decay={weight_decay}: must be >= 0")
        self.lr = lr
        self.weight_decay = weight_decay

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for p in self.parameters:
            p.grad = 0.0

    def _gradient(self, p: Value) -> float:
        g = p.grad.data if isinstance(p.grad, Value) else p.grad
        return g + self.weight_decay * p.data  # the slope of weight_decay/2 * p**2


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and weight decay if wanted.

    With momentum a parameter moves by a velocity, ``v = momentum * v + g`` (v starts as the first
    g), otherwise by g itself: ``p -= lr * v``.

    >>> p = Value(1.0)
    >>> optimizer = SGD([p], lr=0.25)
    >>> (p * p).backward()
    >>> optimizer.step()
    >>> p.data                      # 1 - 0.25 * 2
    0.5
    """

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 1e-3,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        if momentum < 0:
            raise ValueError(f"SGD: momentum={momentum}: must be >= 0")
        self.momentum = momentum
        self.velocities = [0.0] * len(self.parameters)

    def step(self) -> None:
        """Move every parameter once."""
        for i, p in enumerate(self.parameters):
            v = self.momentum * self.velocities[i] + self._gradient(p)
            self.velocities[i] = v
            p.data -= self.lr * v


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1): steps of about ``lr``, whatever the gradient's size.

    >>> p = Value(1.0)
    >>> optimizer = Adam([p], lr=0.1)
    >>> (p * p).backward()
    >>> optimizer.step()
    >>> round(p.data, 6)
    0.9
    """

    def __init__(
        self,
        parameters: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        if not all(0 <= beta < 1 for beta in betas) or eps < 0:
            raise ValueError(f"Adam: betas={betas}, eps={eps}: need 0 <= beta < 1 and eps >= 0")
        self.betas = betas
        self.eps = eps
        self.steps = 0
        self.means = [0.0] * len(self.parameters)
        self.squares = [0.0] * len(self.parameters)

    def step(self) -> None:
        """Move every parameter once."""
        self.steps += 1
        b1, b2 = self.betas
        # both averages start at 0, and are this much too small after so many steps
        short1, short2 = 1.0 - b1**self.steps, 1.0 - b2**self.steps
        for i, p in enumerate(self.parameters):
            g = self._gradient(p)
            self.means[i] = b1 * self.means[i] + (1.0 - b1) * g
            self.squares[i] = b2 * self.squares[i] + (1.0 - b2) * g * g
            spread = math.sqrt(self.squares[i] / short2)
            p.data -= self.lr * (self.means[i] / short1) / (spread + self.eps)

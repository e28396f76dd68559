"""A running average of the weights, which evaluates better than the weights it averages."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transformer._engine import nn, torch

_COUNT = "updates"


class EMA:
    """The exponential moving average of a model's trainable parameters.

    ``average = d average + (1 - d) weights`` at every :meth:`update`. With ``warmup``, update
    number t uses ``min(decay, (1 + t) / (10 + t))``, so that the first weights, which are noise,
    are soon forgotten. Raises ``ValueError`` when ``decay`` is not in [0, 1). Source: Polyak and
    Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992.

    >>> model = nn.Linear(1, 1, bias=False)
    >>> ema = EMA(model, decay=0.5, warmup=False)
    >>> before = model.weight.item()
    >>> with torch.no_grad():
    ...     _ = model.weight.add_(1.0)
    >>> ema.update()
    >>> with ema.applied(model):
    ...     abs(model.weight.item() - before - 0.5) < 1e-6
    True
    """

    def __init__(self, model: nn.Module, decay: float = 0.999, warmup: bool = True) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"EMA: decay is {decay}, not in [0, 1)")
        self.decay, self.warmup, self.updates = decay, warmup, 0
        self._weights = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self._averages = {n: p.detach().clone() for n, p in self._weights.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take the model's present weights into the average.

        >>> model = nn.Linear(1, 1, bias=False)
        >>> ema = EMA(model)
        >>> ema.update()
        >>> ema.updates
        1
        """
        t = self.updates
        decay = min(self.decay, (1 + t) / (10 + t)) if self.warmup else self.decay
        self.updates += 1
        for name, average in self._averages.items():
            average.mul_(decay).add_(self._weights[name], alpha=1 - decay)

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[None]:
        """Within the block ``model`` has the averaged weights; then its own, to the last bit.

        Raises ``ValueError`` when the model lacks a parameter the average has.
        """
        weights = dict(model.named_parameters())
        if missing := self._averages.keys() - weights.keys():
            raise ValueError(f"EMA: the model has no parameter {min(missing)}")
        own = {name: weights[name].detach().clone() for name in self._averages}
        self._copy(self._averages, weights)
        try:
            yield
        finally:
            self._copy(own, weights)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the averages and the count of updates, for a checkpoint; they share memory.

        >>> sorted(EMA(nn.Linear(1, 1)).arrays())
        ['bias', 'updates', 'weight']
        """
        arrays = {name: average.numpy() for name, average in self._averages.items()}
        return {**arrays, _COUNT: np.array(self.updates)}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what :meth:`arrays` gave; raises ``ValueError`` when it is of other weights.

        >>> ema = EMA(nn.Linear(1, 1))
        >>> ema.restore({"weight": np.ones((1, 1), np.float32), "updates": np.array(3)})
        Traceback (most recent call last):
        ValueError: EMA: the averages saved are of weight, the model's of bias, weight
        """
        if arrays.keys() != {*self._averages, _COUNT}:
            raise ValueError(
                f"EMA: the averages saved are of {_listed(arrays)}, "
                f"the model's of {_listed(self._averages)}"
            )
        self.updates = int(arrays[_COUNT])
        saved = {n: torch.from_numpy(np.array(arrays[n])) for n in self._averages}
        self._copy(saved, self._averages)

    @torch.no_grad()
    def _copy(self, source: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor]) -> None:
        for name, tensor in source.items():
            target[name].copy_(tensor)


def _listed(names: Mapping[str, object]) -> str:
    return ", ".join(sorted(names.keys() - {_COUNT}))

"""Averages of weights over training, and the schedule that goes with them.

Sources: Izmailov et al. 2018 (equal weights), Polyak and Juditsky 1992 (the idea).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from itertools import chain
from typing import Any

from .._creation import tensor
from .._dtypes import int64
from .._grad_mode import no_grad
from .._tensor import Tensor
from ..nn.module import Module
from .lr_scheduler.base import LRScheduler, per_group
from .optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Tensor, Tensor, Any], Tensor]
ManyAverages = Callable[[Sequence[Tensor], Sequence[Tensor], Any], None]


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )


def get_ema_multi_avg_fn(decay: float = 0.999) -> ManyAverages:
    """What moves each of a list of averages ``1 - decay`` of the way to the present weights.

    >>> import tensor_core as torch
    >>> average = torch.ones(1)
    >>> get_ema_multi_avg_fn(0.5)([average], [torch.zeros(1)], 1); average
    tensor([0.5000])
    """
    _check_decay(decay)

    @no_grad()
    def update(averages: Sequence[Tensor], present: Sequence[Tensor], _: Any) -> None:
        for average, value in zip(averages, present, strict=True):
            if average.is_floating_point() or average.is_complex():
                average.lerp_(value, 1 - decay)
            else:
                average.copy_(average * decay + value * (1 - decay))

    return update


def get_swa_multi_avg_fn() -> ManyAverages:
    """What takes the present weights into each of a list of means of ``n`` so far.

    >>> import tensor_core as torch
    >>> mean = torch.ones(1)
    >>> get_swa_multi_avg_fn()([mean], [torch.zeros(1)], 1); mean
    tensor([0.5000])
    """

    @no_grad()
    def update(averages: Sequence[Tensor], present: Sequence[Tensor], n: Any) -> None:
        for average, value in zip(averages, present, strict=True):
            if average.is_floating_point() or average.is_complex():
                average.lerp_(value, 1 / (float(n) + 1))
            else:
                average.copy_(average + (value - average) / (n + 1))

    return update


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """What gives the average moved ``1 - decay`` of the way to the present weight.

    >>> get_ema_avg_fn(0.5)(1.0, 0.0, 1)
    0.5
    """
    _check_decay(decay)

    @no_grad()
    def update(average: Tensor, present: Tensor, _: Any) -> Tensor:
        return decay * average + (1 - decay) * present

    return update


def get_swa_avg_fn() -> Average:
    """What gives the mean of ``n`` weights with one more taken in.

    >>> get_swa_avg_fn()(1.0, 0.0, 1)
    0.5
    """

    @no_grad()
    def update(average: Tensor, present: Tensor, n: Any) -> Tensor:
        return average + (present - average) / (n + 1)

    return update


class AveragedModel(Module):
    """A copy of a model that holds averages of its weights; called like the model.

    ``update_parameters(model)`` takes the model's present weights in. The average is the mean of
    all, unless ``avg_fn`` or ``multi_avg_fn`` says otherwise; buffers are copied, or averaged
    too with ``use_buffers``.

    >>> import tensor_core as torch
    >>> model = torch.nn.Linear(1, 1)
    >>> average = torch.optim.swa_utils.AveragedModel(model)
    >>> average.update_parameters(model); average.n_averaged
    tensor(1)
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: ManyAverages | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=int64))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model makes of the arguments."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the present weights of ``model`` in; the first time, copy them."""
        own = [t.detach() for t in self._averaged(self.module)]
        present = [t.detach() for t in self._averaged(model)]
        if self.n_averaged == 0:
            for average, value in zip(own, present, strict=False):
                average.copy_(value)
        elif self.multi_avg_fn is not None or self.avg_fn is None:
            update = self.multi_avg_fn or get_swa_multi_avg_fn()
            for averages, values in _by_type(own, present):
                update(averages, values, self.n_averaged)
        else:
            for average, value in zip(own, present, strict=False):
                average.copy_(self.avg_fn(average, value, self.n_averaged))
        if not self.use_buffers:
            pairs = zip(self.module.buffers(), model.buffers(), strict=True)
            for buffer, value in pairs:
                buffer.detach().copy_(value.detach())
        self.n_averaged += 1

    def _averaged(self, model: Module) -> Iterable[Tensor]:
        if self.use_buffers:
            return chain(model.parameters(), model.buffers())
        return model.parameters()


def _by_type(
    own: list[Tensor], present: list[Tensor]
) -> Iterable[tuple[list[Tensor], list[Tensor]]]:
    """Pairs of lists whose tensors are of one type each."""
    groups: dict[Any, tuple[list[Tensor], list[Tensor]]] = {}
    for average, value in zip(own, present, strict=False):
        averages, values = groups.setdefault(average.dtype, ([], []))
        averages.append(average)
        values.append(value)
    return groups.values()


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Measure the statistics of every batch norm anew, as means over all batches of ``loader``.

    >>> import tensor_core as torch
    >>> model = torch.nn.BatchNorm1d(1)
    >>> torch.optim.swa_utils.update_bn([torch.tensor([[1.0], [3.0]])], model)
    >>> model.running_mean
    tensor([2.])
    """
    from ..nn.batchnorm import _BatchNorm

    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    before = [(norm, norm.momentum) for norm in norms]
    was_training = model.training
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
    for batch in loader:
        inputs = batch[0] if isinstance(batch, list | tuple) else batch
        model(inputs if device is None else inputs.to(device))
    for norm, momentum in before:
        norm.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From each group's rate to ``swa_lr`` over ``anneal_epochs``, along a cosine or a line.

    >>> import tensor_core as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    >>> schedule = SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> optimizer.step(); schedule.step(); schedule.get_last_lr()
    [0.75]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        rates = per_group("swa_lr", optimizer, swa_lr)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t: float) -> float:
        """How much of the way is behind after a part ``t`` of the epochs."""
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def _alpha(self, step: int) -> float:
        return self.anneal_func(max(0, min(1, step / max(1, self.anneal_epochs))))

    def get_lr(self) -> list[float]:
        """The rates of this epoch, from the present ones."""
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._alpha(step - 1), self._alpha(step)
        rates = []
        for group, rate in zip(self.optimizer.param_groups, self._rates(), strict=True):
            end = group["swa_lr"]
            start = end if before == 1 else (rate - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates

"""Schedules made of schedules: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from ..optimizer import Optimizer
from .base import LRScheduler, set_rate
from .plateau import ReduceLROnPlateau


class SequentialLR(LRScheduler):
    """The first schedule until the first milestone, then the next from its own epoch 0.

    Raises ``ValueError`` unless there is one schedule more than milestones.

    >>> import tensor_core as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    >>> S = torch.optim.lr_scheduler
    >>> warm = S.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> schedule = S.SequentialLR(optimizer, [warm, S.ExponentialLR(optimizer, 0.5)], [2])
    >>> rates = []
    >>> for _ in range(4):
    ...     rates += schedule.get_last_lr()
    ...     optimizer.step(); schedule.step()
    >>> rates
    [0.5, 0.75, 1.0, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: list[LRScheduler],
        milestones: list[int],
        last_epoch: int = -1,
    ) -> None:
        _check_schedulers(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than "
                f"the number of milestone points, but got number of schedulers {len(schedulers)} "
                f"and the number of milestones to be equal to {len(milestones)}"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        # making the schedules has taken the first step of each: undo all, then take the first's
        for group in optimizer.param_groups:
            set_rate(group, group["initial_lr"])
        _undo(self)
        begins_with = schedulers[bisect_right(milestones, 0)]
        begins_with._initial_step()
        self._last_lr = begins_with.get_last_lr()

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch with the schedule whose turn it is."""
        if epoch is not None:
            raise TypeError("SequentialLR.step takes no epoch: its schedules count their own")
        self.last_epoch += 1
        turn = bisect_right(self._milestones, self.last_epoch)
        begins = turn > 0 and self._milestones[turn - 1] == self.last_epoch
        scheduler = self._schedulers[turn]
        if begins:
            scheduler._go_to(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer; the schedules' own states in place of them."""
        state = super().state_dict()
        state["_schedulers"] = [scheduler.state_dict() for scheduler in self._schedulers]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave."""
        _load(self, self._schedulers, state_dict)


class ChainedScheduler(LRScheduler):
    """Every schedule's factor at once: each steps in turn on what the one before left.

    >>> import tensor_core as torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    >>> S = torch.optim.lr_scheduler
    >>> halves = [S.ConstantLR(optimizer, 0.5), S.ExponentialLR(optimizer, 0.5)]
    >>> schedule = S.ChainedScheduler(halves)
    >>> optimizer.step(); schedule.step(); schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        if not schedulers:
            raise ValueError("ChainedScheduler expects at least one scheduler, but got none")
        self.optimizer = optimizer or schedulers[0].optimizer
        _check_schedulers(schedulers, self.optimizer)
        self._schedulers = schedulers
        self._last_lr = self._rates()

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch with every schedule."""
        if epoch is not None:
            raise TypeError("ChainedScheduler.step takes no epoch: its schedules count their own")
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._rates()

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer; the schedules' own states in place of them."""
        state = super().state_dict()
        state["_schedulers"] = [scheduler.state_dict() for scheduler in self._schedulers]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave."""
        _load(self, self._schedulers, state_dict)


def _undo(scheduler: LRScheduler) -> None:
    """Take back the step that making a schedule, or the schedules in it, took."""
    parts = getattr(scheduler, "_schedulers", None)
    if parts is None:
        scheduler.last_epoch -= 1
    else:
        for part in parts:
            _undo(part)


def _check_schedulers(schedulers: Sequence[LRScheduler], optimizer: Optimizer) -> None:
    if not schedulers:
        raise ValueError("expected at least one scheduler, but got none")
    for i, scheduler in enumerate(schedulers):
        if not hasattr(scheduler, "optimizer"):
            raise TypeError(f"scheduler {i} is a {type(scheduler).__name__}, without optimizer")
        if isinstance(scheduler, ReduceLROnPlateau):
            raise ValueError(f"scheduler {i} is a ReduceLROnPlateau, whose steps need a metric")
        if scheduler.optimizer is not optimizer:
            raise ValueError(f"scheduler {i} belongs to a different optimizer")


def _load(scheduler: LRScheduler, parts: Sequence[LRScheduler], state_dict: dict[str, Any]) -> None:
    state = dict(state_dict)
    for part, saved in zip(parts, state.pop("_schedulers"), strict=True):
        part.load_state_dict(saved)
    scheduler.__dict__.update(state)

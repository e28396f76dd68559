"""Optimizers whose state is spread over processes: over one, it is all here."""

from __future__ import annotations

from typing import Any

from .._missing import missing
from ..optim import Optimizer
from ._group import member

__all__ = ["ZeroRedundancyOptimizer"]


class ZeroRedundancyOptimizer(Optimizer):
    """An optimizer whose state is divided among the processes (Rajbhandari et al., "ZeRO", 2020).

    In a world of one it is the optimizer itself, with torch's rule that the state is brought
    together by :meth:`consolidate_state_dict` before it is saved.

    Raises:
        ValueError: there is no process group.
        TypeError: ``optimizer_class`` is no optimizer.
    """

    def __init__(
        self,
        params: Any,
        optimizer_class: type[Optimizer],
        process_group: Any = None,
        parameters_as_bucket_view: bool = False,
        overlap_with_ddp: bool = False,
        **defaults: Any,
    ) -> None:
        member(process_group)
        if not (isinstance(optimizer_class, type) and issubclass(optimizer_class, Optimizer)):
            raise TypeError(f"optimizer_class must be an Optimizer, not {optimizer_class!r}")
        self.optim = optimizer_class(params, **defaults)
        self._consolidated: dict[str, Any] | None = None
        super().__init__(self.optim.param_groups, self.optim.defaults)
        self.param_groups, self.state = self.optim.param_groups, self.optim.state

    def step(self, closure: Any = None, **kwargs: Any) -> Any:
        """One step of the optimizer."""
        self._consolidated = None
        return self.optim.step(closure, **kwargs) if closure else self.optim.step(**kwargs)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """More parameters, with settings of their own."""
        if not any(param_group is g for g in self.optim.param_groups):
            self.optim.add_param_group(param_group)

    def consolidate_state_dict(self, to: int = 0) -> None:
        """Bring the state together for :meth:`state_dict`."""
        self._consolidated = self.optim.state_dict()

    def state_dict(self) -> dict[str, Any]:
        """The state that was brought together.

        Raises:
            RuntimeError: it was not, since the last step.
        """
        if self._consolidated is None:
            raise RuntimeError(
                "Optimizer state has not been consolidated on this rank. Please call "
                "`consolidate_state_dict(to=0)` on all ranks beforehand if you meant to save the "
                "global state."
            )
        return self._consolidated

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state."""
        self.optim.load_state_dict(state_dict)
        self.param_groups, self.state = self.optim.param_groups, self.optim.state


__getattr__ = missing(__name__)

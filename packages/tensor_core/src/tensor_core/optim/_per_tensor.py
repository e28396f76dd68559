"""Optimizers that take their parameters one by one, in Tensor operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._creation import tensor
from .._dtypes import float32, float64, get_default_dtype
from .._grad_mode import set_grad_enabled
from .._tensor import Tensor
from ..ops import view_as_real
from .optimizer import Optimizer, run_closure

State = dict[str, Any]


def count(value: float = 0.0) -> Tensor:
    """A number of a state, such as the count of steps. Shape: ()."""
    return tensor(value, dtype=float64 if get_default_dtype() is float64 else float32)


def rate_of(group: dict[str, Any]) -> Any:
    """The group's rate: a number, or a tensor without dimensions."""
    lr = group["lr"]
    return lr.squeeze() if isinstance(lr, Tensor) and lr.dim() else lr


class PerTensor(Optimizer):
    """An optimizer that says how one parameter changes by its gradient; the rest is done here."""

    _complex = True  # complex numbers change as pairs of real ones

    def _fresh(self, p: Tensor, group: dict[str, Any]) -> State:
        """What is remembered of a parameter before its first step."""
        raise NotImplementedError(f"{type(self).__name__} does not define _fresh()")

    def _change(self, p: Tensor, g: Tensor, state: State, group: dict[str, Any]) -> None:
        """Change ``p`` and ``state`` in place."""
        raise NotImplementedError(f"{type(self).__name__} does not define _change()")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient; returns the closure's loss, if given."""
        with set_grad_enabled(bool(self.defaults.get("differentiable"))):
            loss = run_closure(closure)
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        self._step_one(p, group)
        return loss

    def _step_one(self, p: Tensor, group: dict[str, Any]) -> None:
        if p.is_complex() and not self._complex:
            raise RuntimeError(f"{type(self).__name__} does not support complex parameters")
        state = self.state[p]
        if not state:
            state.update(self._fresh(p, group))
        if group.get("differentiable"):  # the graph of the step before keeps its own values
            state.update({k: v.clone() for k, v in state.items() if isinstance(v, Tensor)})
        g = p.grad
        assert g is not None
        values: list[Any] = [p, -g if group.get("maximize") else g, *state.values()]
        if p.is_complex():
            values = [_real(v) for v in values]
        self._change(values[0], values[1], dict(zip(state, values[2:], strict=True)), group)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for own in self.state.values():  # numbers, in files of old versions
            for name in ("step", "eta", "mu", "mu_product"):
                if name in own and not isinstance(own[name], Tensor):
                    own[name] = count(float(own[name]))


def _real(value: Any) -> Any:
    return view_as_real(value) if isinstance(value, Tensor) and value.is_complex() else value

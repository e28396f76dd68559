"""Ops on complex numbers: their gradients in torch's convention, and who refuses them.

The gradient of a real loss L is that of its real and imaginary parts, dL/da + i dL/db, so that
``z - lr * z.grad`` descends. A rule written for real functions computes ``g * f'(x)``, linear in
``g``. For a holomorphic f the gradient in this convention is ``g * conj(f'(x))``, the conjugate
of what the same rule makes of ``conj(g)`` (Kreutz-Delgado 2009, "The complex gradient operator
and the CR-calculus"): no op needs a second rule. Ops that are not holomorphic have rules written
for complex numbers and stand in ``OWN``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._special_plan import SpecialPlan, node_of
from ._tensor import Tensor

# Rules that know of complex numbers themselves; those of views only move elements.
OWN = frozenset(("abs", "angle", "cast", "conj_physical", "polar", "complex", "replace_view", "sgn"))
# Functions of real numbers: order, rounding, and what torch has for real numbers alone.
REFUSED: frozenset[str] = frozenset()


def run(op: Any, values: list[Any], args: tuple[Any, ...], needs: int) -> Any:
    """The whole call of an op that has complex inputs; ``values`` are its arguments as arrays."""
    out = op.finish(compute(op, values), values, args, needs)
    if not (op.view or op.name in OWN):
        adapt(out)
    return out


def compute(op: Any, values: list[Any]) -> Any:
    """The forward function.

    Raises:
        NotImplementedError: the op is one of real numbers.
    """
    if op.name in REFUSED:
        raise NotImplementedError(
            f"{op.name}: not implemented for complex numbers; take .real, .imag or .abs() first"
        )
    return op.forward(*values)


def adapt(out: Any) -> None:
    """Conjugate before and after the rule of a recorded call."""
    node = node_of(out)
    if node is not None:
        node.plan = SpecialPlan(node.plan, _pull(node.plan.pull))


def _pull(pull: Any) -> Any:
    def conjugated(g: Any, saved: Any) -> Any:
        return [conj(d) for d in pull(conj(g), saved)]  # the engine takes real inputs' real part

    return conjugated


def conj(value: Any) -> Any:
    """The conjugate of an array or Tensor, or of each in a tuple; ``None`` stays."""
    if value is None:
        return None
    if isinstance(value, tuple):
        return tuple([conj(v) for v in value])
    if isinstance(value, Tensor):
        return value.conj()
    return np.conjugate(value) if value.dtype.kind == "c" else value


def _real(value: Any) -> Any:
    return None if value is None else np.real(value) if type(value) is not Tensor else value.real

"""Rules made wrong on purpose: a checker that accepts them is broken."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck import asked
from gradcheck.check import Options, run
from gradcheck.engines import get_engine
from gradcheck.engines.base import Pullback
from gradcheck.forward import Array
from gradcheck.report import Report


def scaled_rule(vjp: Callable[..., Any], factor: float = 1.001) -> Callable[..., Any]:
    """The rule with every gradient multiplied by ``factor``.

    >>> scaled_rule(lambda g, y, x: g, 2.0)(np.ones(2), None, None)
    array([2., 2.])
    """

    def wrong(g: Any, y: Any, *primals: Any) -> Any:
        return _scaled(vjp(g, y, *primals), factor)

    return wrong


def _scaled(raw: Any, factor: float) -> Any:
    if raw is None:
        return None
    if isinstance(raw, tuple | list):
        return [_scaled(grad, factor) for grad in raw]
    grad = np.asarray(raw)
    scaled = grad * grad.dtype.type(factor) if grad.dtype.kind == "f" else grad * factor
    return scaled if isinstance(raw, np.ndarray) else scaled[()]


class ScaledEngine:
    """An engine whose every gradient is multiplied by ``factor``."""

    def __init__(self, engine: Any, factor: float = 1.001) -> None:
        self.inner = get_engine(engine)
        self.factor = factor
        self.name = f"{self.inner.name} x {factor:g}"
        self.higher_order = False
        self.layouts = self.inner.layouts

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def vjp(
        self, f: Callable[..., Any], primals: Sequence[Array]
    ) -> tuple[tuple[Array, ...], Pullback]:
        """The outputs of ``f`` and the pullback made wrong."""
        outputs, pull = self.inner.vjp(f, primals)
        return outputs, lambda cotangents: _scaled(pull(cotangents), self.factor)


def negative_control(
    f: Callable[..., Any],
    primals: Sequence[Any],
    *,
    engine: Any = "numpy",
    factor: float = 1.001,
    seed: int = 0,
) -> Report:
    """Check ``f`` on an engine made wrong by ``factor``: the verdict must be ``fail``.

    Raises ValueError when the check fails for another reason, which would be no control at all.

    >>> from gradcheck import Pair
    >>> square = Pair(lambda x: x * x, lambda g, y, x: 2 * g * x)
    >>> negative_control(square, [np.array([1.0, 2.0])]).verdict
    'fail'
    """
    label = f"{getattr(f, '__name__', 'f')} x {factor:g}"
    options = Options(seed=seed, name=label, own_grads=False)
    report = run(ScaledEngine(engine, factor), asked.function(f, "f"), primals, options)
    wrong = [x for x in report.findings if x.verdict == "fail"]
    if wrong and all(x.analytic is None for x in wrong):
        raise ValueError(f"this is no control, for another reason: {wrong[0].message}")
    return report

"""One function with its rule at one point: what every comparison and probe works on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradcheck.engines.base import Engine, Misuse, floating, number_array, said, what_is
from gradcheck.engines.numpy_pairs import NumpyPairs, jitter
from gradcheck.forward import Array, Bounds, Forward
from gradcheck.hints import integer_hint

Grads = list[Array | None]


@contextmanager
def blame(who: str, hint: Callable[[], str] = str) -> Iterator[None]:
    """Turn whatever user code raises into a Misuse that says who raised it, and a hint."""
    try:
        yield
    except Misuse:
        raise
    except Exception as error:
        raise Misuse("error", f"{who} raises {said(error)}{hint()}") from error


class Subject:
    """A function, its engine and its primals; gradients come out flat, in float64.

    ``outputs`` are copies of what ``f`` returns, ``handed`` the arrays its rule is handed.

    Raises Misuse when the function cannot be evaluated, is random or changes its inputs.
    """

    def __init__(
        self,
        engine: Engine,
        f: Callable[..., Any],
        primals: Sequence[Array],
        wrt: Sequence[int],
        seed: int,
        bounds: Sequence[Bounds] | None = None,
    ) -> None:
        self.engine = engine
        self.f = f
        self.primals = list(primals)
        self.wrt = list(wrt)
        self.rng = stream(seed)
        self.bounds = list(bounds) if bounds is not None else [None] * len(self.primals)
        copies = [p.copy() for p in self.primals]
        with blame("f", lambda: integer_hint(lambda ps: engine.value(f, ps), primals)):
            self.outputs = engine.value(f, copies)
            self.outputs = tuple(np.array(y) for y in self.outputs)
            self._unchanged("f", copies, self.primals)
        self.floating = [i for i, y in enumerate(self.outputs) if floating(y)]
        plain = all(p.flags.c_contiguous for p in self.primals)
        plain &= all(p.dtype == np.float64 for p in self.primals if floating(p))
        with blame("f"):
            self.handed, self.raw_pull = engine.vjp(f, self.primals)
            # The rule's own evaluation of the function is the second one.
            same_call = plain and isinstance(engine, NumpyPairs)
            again = self.handed if same_call else engine.value(f, copies)
        self._repeatable(again)
        with blame("f, given float64,"):
            known = self.outputs if plain else None
            self.forward = Forward(lambda ps: engine.value(f, ps), self.primals, bounds, known)
        self.width = self.forward.base.size

    @staticmethod
    def _unchanged(who: str, now: Sequence[Array], before: Sequence[Array]) -> None:
        for i, (a, b) in enumerate(zip(now, before, strict=True)):
            if not same_bytes(a, b):
                raise Misuse("mutation", f"{who} changes input {i}")

    def _repeatable(self, again: tuple[Array, ...]) -> None:
        same = len(again) == len(self.outputs) and all(map(same_bytes, again, self.outputs))
        if not same:
            raise Misuse("determinism", "f is random: two calls on the same inputs differ")

    def pullback(self, primals: Sequence[Array]) -> Callable[[Array], Any]:
        """The raw pullback at ``primals``, taking one flat cotangent for all floating outputs."""
        outputs, pull = self.engine.vjp(self.f, primals)
        return lambda g: pull(self.split(g, outputs))

    def pull(self, g: Array) -> Any:
        """The raw pullback at the primals, taking one flat cotangent for all floating outputs."""
        return self.raw_pull(self.split(g, self.handed))

    def split(self, g: Array, outputs: Sequence[Array] | None = None) -> list[Array]:
        """One cotangent for every output, of its shape and dtype; zeros for integer outputs."""
        cotangents, start = [], 0
        for y in self.outputs if outputs is None else outputs:
            if not floating(y):
                cotangents.append(np.zeros(y.shape))
                continue
            part = g[start : start + y.size].reshape(y.shape).astype(y.dtype)
            cotangents.append(part)
            start += y.size
        return cotangents

    def listed(self, raw: Any) -> Grads:
        """One gradient or None for every primal; raises Misuse when that is not what came back."""
        count = len(self.primals)
        if not isinstance(raw, tuple | list):
            raw = (raw,) if count == 1 else raw
        if not isinstance(raw, tuple | list):
            kind = type(raw).__name__
            raise Misuse("count", f"vjp returns one {kind}; it must return {count} gradients")
        if len(raw) != count:
            text = f"vjp returns {len(raw)} gradients for {count} inputs"
            raise Misuse("count", f"{text}; it must return one for each")
        grads: Grads = []
        for i, grad in enumerate(raw):
            try:
                grads.append(None if grad is None or i not in self.wrt else number_array(grad))
            except TypeError as error:
                text = (
                    f"vjp returns {what_is(grad)} for input {i}; it must return an ndarray or None"
                )
                raise Misuse("type", text) from error
        return grads

    def gradients(self, g: Array, pull: Callable[[Array], Any] | None = None) -> Grads:
        """The gradients of one flat cotangent; raises Misuse."""
        with blame("vjp"):
            return self.listed((pull or self.pull)(g))

    def flat(self, grad: Array | None, primal: int) -> Array | None:
        """A gradient as float64 numbers in C order; None when its shape is wrong."""
        shape = self.primals[primal].shape
        if grad is None:
            return np.zeros(self.primals[primal].size)
        if grad.shape != shape or grad.dtype.kind not in "fiub":
            return None
        return np.asarray(grad, np.float64).reshape(-1)

    def jacobian_rows(
        self,
        cotangents: Array,
        pull: Callable[[Array], Any] | None = None,
        first: Grads | None = None,
    ) -> dict[int, Array]:
        """For every primal with usable gradients an array (cotangents, elements).

        ``first`` are the gradients of the first cotangent where they are known already.
        """
        rows: dict[int, list[Array]] = {i: [] for i in self.wrt}
        for k, g in enumerate(cotangents):
            grads = first if k == 0 and first is not None else self.gradients(g, pull)
            for i in list(rows):
                row = self.flat(grads[i], i)
                if row is None:
                    del rows[i]
                else:
                    rows[i].append(row.copy())
        return {i: np.array(r).reshape(len(cotangents), -1) for i, r in rows.items()}

    def sensitivity(
        self, cotangents: Array, exact: dict[int, Array], shift: dict[int, float] | None = None
    ) -> dict[int, Array]:
        """How much one rounding error in inputs, outputs and cotangents moves every gradient.

        This is the accuracy that can be asked of the rule in its own arithmetic. ``shift`` moves
        the inputs by these amounts instead of roundings.
        """
        worst = {i: np.zeros_like(a) for i, a in exact.items()}
        # More than this is a branch taken otherwise (a tie broken), not a rounding.
        flips = {
            i: np.maximum(1e-3 * np.abs(a), 1e6 * self.precision(i) * np.abs(a).max(initial=0.0))
            + 1e3 * self.precision(i) * self.natural(cotangents, i)
            for i, a in exact.items()
        }
        for _ in range(4):
            moved = [jitter(p, self.rng) if floating(p) else p for p in self.primals]
            for i, by in (shift or {}).items():
                p = self.primals[i]
                moved[i] = (p + by * (self.rng.integers(0, 2, p.shape) * 2 - 1)).astype(p.dtype)
            gs = np.array([jitter(g, self.rng) for g in cotangents])
            try:
                rows = self.jacobian_rows(gs, self._shaken(moved))
            except Exception:
                continue  # the neighbour lies outside the domain
            for i, row in rows.items():
                if i in worst:
                    change = np.abs(row - exact[i])
                    worst[i] = np.fmax(worst[i], np.where(change < flips[i], change, 0.0))
        return worst

    def quantum(self, primal: int, element: int) -> float:
        """The smallest move of one element that the function notices, if roundings escape it.

        What adds 1e8 to its input sees nothing of moves below 1e-8, and computes the derivative of
        a point that far away. 0 where the function notices a rounding.
        """
        where = slice(element, element + 1)
        size = abs(float(self.forward.flat[primal][element]))
        finest = int(np.floor(np.log2(size))) - 52 if size else -60
        for k in range(finest, finest + 44):
            for step in (2.0**k, -(2.0**k)):
                value = self.forward.moved(primal, where, np.array([step]))
                if value is None or not np.array_equal(value, self.forward.base):
                    return 2.0**k if k > finest + 2 else 0.0
        return 0.0

    def natural(self, cotangents: Array, primal: int) -> float:
        """The size a gradient has when an output changes by itself as its input does."""
        base = np.abs(self.forward.base)
        across = np.abs(self.forward.flat[primal]).max(initial=0.0)
        return float((np.abs(cotangents) * base).max(initial=0.0) / across) if across else 0.0

    def _shaken(self, primals: Sequence[Array]) -> Callable[[Array], Any]:
        """The pullback at primals beside the point; the output a rule is handed moves, too."""
        if not isinstance(self.engine, NumpyPairs):
            return self.pullback(primals)
        outputs = self.engine.value(self.f, primals)
        return self.pullback_with(
            primals, tuple(jitter(y, self.rng) if floating(y) else y for y in outputs)
        )

    def pullback_with(
        self, primals: Sequence[Array], outputs: tuple[Array, ...]
    ) -> Callable[[Array], Any]:
        """The pullback of a NumPy rule that is handed these outputs."""
        assert isinstance(self.engine, NumpyPairs)
        pull = self.engine.handing(self.f, primals, outputs)
        return lambda g: pull(self.split(g, outputs))

    def in_float64(self) -> "Subject | None":
        """The same subject at the same point in float64; None when it cannot run there."""
        if all(p.dtype == np.float64 for p in self.primals if floating(p)):
            return None
        wide = [p.astype(np.float64) if floating(p) else p for p in self.primals]
        try:
            return Subject(self.engine, self.f, wide, self.wrt, 0, self.bounds)
        except Misuse:
            return None

    def precision(self, primal: int) -> float:
        """The rounding error of the arithmetic the rule works in for this primal."""
        kinds = [self.primals[primal].dtype, *(self.outputs[i].dtype for i in self.floating)]
        eps = max(float(np.finfo(kind).eps) for kind in kinds)
        return max(eps, float(np.finfo(np.float64).eps))  # gradients are compared as float64


def stream(seed: int) -> np.random.Generator:
    """The random numbers of a check.

    Not those of ``default_rng(seed)``, which the primals may well be made of: a cotangent equal to
    its input hides what a rule makes of either.
    """
    return np.random.default_rng((seed, 0x6772616469656E74))


def same_bytes(a: Array, b: Array) -> bool:
    """Whether two arrays have the same shape, dtype and bits.

    >>> same_bytes(np.array([np.nan]), np.array([np.nan]))
    True
    """
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype == np.float64 and a.flags.c_contiguous and b.flags.c_contiguous and a.ndim:
        return bool((a.view(np.int64) == b.view(np.int64)).all())
    if a.dtype.kind == "f" and a.dtype.itemsize > 8:  # some bytes of it mean nothing
        return np.array_equal(a, b, equal_nan=True)
    return a.tobytes() == b.tobytes()

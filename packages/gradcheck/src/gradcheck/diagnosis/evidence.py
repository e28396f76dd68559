"""What a diagnosis is made from: one primal's gradients, as the rule and as the numbers have it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from gradcheck.forward import Array

ALMOST = 1e-7  # a corrected gradient this close is the right one, when the wrong one is far off


@dataclass
class Evidence:
    """Gradients of one primal, flat, for several cotangents, and small Jacobians.

    ``analytic`` (cotangents, elements) is what the rule returns; ``numeric`` and ``bound``
    (cotangents, measured) hold the elements ``chosen``; ``slopes`` (outputs, measured) is the
    numeric Jacobian and ``jacobian`` (outputs, elements) the rule's, present only where the rule
    is linear. ``pull`` is the rule itself, ``called`` the rule with other arguments under the names
    of ``named``, the arrays it has at hand (``y`` and ``input 0``, ``input 1``, ...).
    """

    shape: tuple[int, ...]
    output_shapes: list[tuple[int, ...]]
    cotangents: Array
    analytic: Array
    numeric: Array
    bound: Array
    chosen: Array
    values: Array
    named: dict[str, Array] = field(default_factory=dict)
    others: dict[int, Array] = field(default_factory=dict)
    slopes: Array | None = None
    slope_error: Array | float = 0.0
    jacobian: Array | None = None
    pull: Callable[[Array], Array] | None = None
    called: Callable[[dict[str, Array]], Array | None] | None = None
    eps: float = 2.0**-52
    constant: bool = False  # f keeps its value when the primal is moved far
    before: Array | None = None  # what the rule returned earlier for the first cotangent
    kinks: Array | None = None  # measured elements with different slopes on their two sides

    def __post_init__(self) -> None:
        off = np.abs(self.claimed - self.numeric)
        typical = np.abs(self.numeric).max(initial=0.0)
        far = not bool(np.nanmax(off, initial=0.0) <= 1e-4 * typical)
        self.loose = ALMOST if far else 0.0
        self.near = np.maximum(self.bound, self.loose * np.abs(self.numeric))

    @property
    def claimed(self) -> Array:
        """The rule's gradient at the elements that were measured."""
        return self.analytic[:, self.chosen]

    @property
    def whole(self) -> bool:
        """Whether every element was measured."""
        return bool(self.chosen.size == self.analytic.shape[1])

    @property
    def wrong(self) -> Array:
        """Which measured elements are wrong for some cotangent."""
        return ~(np.abs(self.claimed - self.numeric) <= self.bound).all(axis=0)

    @property
    def single(self) -> tuple[int, ...] | None:
        """The shape of the only output, or None."""
        return self.output_shapes[0] if len(self.output_shapes) == 1 else None

    @property
    def rich(self) -> bool:
        """Whether the numbers are too many and too different for a formula to fit by chance."""
        with np.errstate(all="ignore"):
            ratio = (self.numeric / self.claimed)[-1]
        ratio = ratio[np.isfinite(ratio) & (ratio != 0)]
        return bool(np.unique(ratio.round(6)).size >= 3)

    def fits(self, candidate: Array) -> bool:
        """Whether a corrected gradient (all elements, or those measured) would have passed."""
        if candidate.shape[1] != self.chosen.size:
            candidate = candidate[:, self.chosen]
        return bool((np.abs(candidate - self.numeric) <= self.near).all())

    def explains(self, cotangents: Array) -> bool:
        """Whether the rule returns just what is right for these other cotangents."""
        if self.slopes is None or np.array_equal(cotangents, self.cotangents):
            return False
        made = cotangents @ self.slopes
        near = self.near + (np.abs(cotangents) @ np.abs(self.slopes)) * max(1e-11, 64 * self.eps)
        near = near + self.loose * np.abs(made)
        return bool((np.abs(self.claimed - made) <= near).all())

    def part(self, measured: Array) -> "Evidence":
        """The same for some of the measured elements."""
        slopes = None if self.slopes is None else self.slopes[:, measured]
        error = self.slope_error
        error = error[:, measured] if isinstance(error, np.ndarray) else error
        return replace(
            self,
            numeric=self.numeric[:, measured],
            bound=self.bound[:, measured],
            chosen=self.chosen[measured],
            slopes=slopes,
            slope_error=error,
            kinks=None if self.kinks is None else self.kinks[measured],
        )

    def index(self, element: int) -> tuple[int, ...]:
        """The index in the primal of a flat element."""
        return tuple(map(int, np.unravel_index(element, self.shape)))


def blocks(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Sets of axes to sum over, single axes first, then all of them.

    >>> list(blocks((2, 3)))
    [(0,), (1,), (0, 1)]
    """
    long = [a for a, n in enumerate(shape) if n > 1]
    yield from ((a,) for a in long)
    if len(long) > 1:
        yield tuple(long)


def axes_words(axes: tuple[int, ...]) -> str:
    """Axes in words.

    >>> axes_words((1,)), axes_words((0, 1))
    ('axis 1', 'axes 0 and 1')
    """
    if len(axes) == 1:
        return f"axis {axes[0]}"
    return "axes " + ", ".join(map(str, axes[:-1])) + f" and {axes[-1]}"


def broadcast_axes(shape: tuple[int, ...], output: tuple[int, ...]) -> tuple[int, ...]:
    """The output's axes along which an input of this shape was broadcast."""
    padded = (1,) * (len(output) - len(shape)) + shape
    if len(padded) != len(output) or any(
        n not in (1, m) for n, m in zip(padded, output, strict=True)
    ):
        return ()
    return tuple(a for a, (n, m) in enumerate(zip(padded, output, strict=True)) if n != m)

"""How wrong a prediction is, as one number to make small. All are means over the examples.

Each is composed of operations that have their cards, so none needs a derivative of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .engine import Value
from .ops import exp, log, relu, softplus

Numbers = Sequence[Value | float]


def mse(predictions: Numbers, targets: Numbers) -> Value:
    """Mean squared error. Raises ValueError where the lengths differ or there are no examples.

    >>> mse([Value(1.0), Value(3.0)], [1.0, 1.0]).data
    2.0
    """
    _check("mse", predictions, targets)
    errors = [p - t for p, t in zip(predictions, targets, strict=True)]
    return _mean([e * e for e in errors])


def hinge(scores: Numbers, labels: Numbers) -> Value:
    """Mean of ``max(0, 1 - label * score)``, for labels -1 and 1 (Cortes & Vapnik 1995).

    >>> hinge([Value(2.0), Value(0.5)], [1, -1]).data
    0.75
    """
    _check("hinge", scores, labels)
    return _mean([relu(1.0 - y * s) for s, y in zip(scores, labels, strict=True)])


def binary_cross_entropy(logits: Numbers, targets: Numbers) -> Value:
    """Mean of ``-log`` of the probability given to the truth, targets from 0 to 1, from logits.

    A logit is the number before the sigmoid; starting there, no logit is too large for a float.

    >>> binary_cross_entropy([Value(1000.0)], [1.0]).data
    0.0
    >>> binary_cross_entropy([Value(1000.0)], [0.0]).data
    1000.0
    """
    _check("binary_cross_entropy", logits, targets)
    # -t log(sigmoid(x)) - (1-t) log(1 - sigmoid(x)), simplified. The shape log(1 + exp(-|x|)) +
    # max(x, 0) - tx often seen gets the slope at x = 0 wrong, by way of two corners; this has none.
    return _mean([softplus(x) - t * x for x, t in zip(logits, targets, strict=True)])


def cross_entropy(logits: Sequence[Numbers], targets: Sequence[int]) -> Value:
    """Mean of ``-log softmax(logits)[target]`` over the examples, one row of logits each.

    Raises IndexError for a target that is no index into its row.

    >>> cross_entropy([[Value(1000.0), Value(0.0)]], [1]).data
    1000.0
    """
    _check("cross_entropy", logits, targets)
    for row, target in zip(logits, targets, strict=True):
        if not 0 <= target < len(row):
            raise IndexError(f"cross_entropy: target {target} of {len(row)} classes")
    return _mean([_logsumexp(row) - row[t] for row, t in zip(logits, targets, strict=True)])


def _logsumexp(row: Numbers) -> Value:
    largest = max(x.data if isinstance(x, Value) else x for x in row)  # exp overflows past 709
    return log(_total([exp(x - largest) for x in row])) + largest


def _mean(terms: Sequence[Any]) -> Value:
    return _total(terms) * (1.0 / len(terms))


def _total(terms: Sequence[Any]) -> Any:
    return sum(terms[1:], terms[0])


def _check(name: str, predictions: Sequence[Any], targets: Sequence[Any]) -> None:
    if len(predictions) != len(targets) or not predictions:
        raise ValueError(
            f"{name}: {len(predictions)} predictions with {len(targets)} targets: "
            f"there must be one target for each, and at least one"
        )

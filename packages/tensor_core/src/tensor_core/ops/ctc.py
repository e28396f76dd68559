"""Connectionist temporal classification: how likely a sequence of labels is, over all timings.

Source: Graves et al. 2006. A path writes one label or blank a step; repeats merge, then blanks go.
The states of a row are its labels with a blank before, between and after: S = 2 * labels + 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._define import op
from .._tensor import Tensor, wrap
from ._reduction import reduced

_NEVER = -np.inf


def _states(labels: np.ndarray, lengths: np.ndarray, blank: int) -> tuple[np.ndarray, np.ndarray]:
    """What each state writes, (N, S), and whether the state two before may come right before."""
    n, longest = labels.shape
    ext = np.full((n, 2 * longest + 1), blank, np.int64)
    ext[:, 1::2] = np.where(np.arange(longest) < lengths[:, None], labels, blank)
    skips = np.zeros(ext.shape, bool)
    skips[:, 2:] = (ext[:, 2:] != blank) & (ext[:, 2:] != ext[:, :-2])
    return ext, skips


def _moved(a: np.ndarray, by: int) -> np.ndarray:
    """The scores one or two states before (``by`` > 0) or after; none come from outside."""
    out = np.full_like(a, _NEVER)
    if by > 0:
        out[:, by:] = a[:, :-by]
    else:
        out[:, :by] = a[:, -by:]
    return out


def _forward_scores(emit: np.ndarray, skips: np.ndarray) -> np.ndarray:
    """Log-probability of all beginnings that are in a state after a step. Shapes: (T, N, S)."""
    alpha = np.full_like(emit, _NEVER)
    alpha[0, :, :2] = emit[0, :, :2]
    for t in range(1, len(emit)):
        before = alpha[t - 1]
        jump = np.where(skips, _moved(before, 2), _NEVER)
        alpha[t] = np.logaddexp(np.logaddexp(before, _moved(before, 1)), jump) + emit[t]
    return alpha


def _backward_scores(
    emit: np.ndarray, skips: np.ndarray, steps: np.ndarray, lengths: np.ndarray
) -> np.ndarray:
    """Log-probability of all ends that are in a state at a step, that step's own included."""
    beta = np.full_like(emit, _NEVER)
    rows, states = np.arange(emit.shape[1]), np.arange(emit.shape[2])
    final = (states == 2 * lengths[:, None]) | (states == 2 * lengths[:, None] - 1)  # (N, S)
    may_skip = np.zeros_like(skips)
    may_skip[:, :-2] = skips[:, 2:]
    for t in reversed(range(len(emit))):
        if t + 1 < len(emit):
            after = beta[t + 1]
            jump = np.where(may_skip, _moved(after, -2), _NEVER)
            beta[t] = np.logaddexp(np.logaddexp(after, _moved(after, -1)), jump) + emit[t]
        last = rows[steps - 1 == t]
        beta[t, last] = np.where(final[last], emit[t, last], _NEVER)
    return beta


def _rows_cases(rng: np.random.Generator) -> Any:
    x = rng.normal(size=(5, 2, 4))
    logs = x - np.log(np.exp(x).sum(-1, keepdims=True))
    labels = np.array([[1, 1], [3, 0]])
    yield Case(logs, labels, np.array([5, 4]), np.array([2, 1])).with_(wrt=())


@op(name="ctc_rows", unmixed=("labels", "steps", "lengths"), keeps=("alpha",), cases=_rows_cases)
def ctc_rows(
    log_probs: Any, labels: Any, steps: Any, lengths: Any, /, blank: int = 0, zero: bool = False
) -> Any:
    """Minus the log-probability of each row's labels; 0 where ``zero`` and they are impossible.

    Shapes: log_probs (T, N, C), labels (N, L), steps (N), lengths (N) -> (N). The gradient is
    that of log-probabilities which a softmax made, as torch has it: through the softmax it is
    the derivative, before it it differs from the derivative by a multiple of the probabilities.

    >>> import tensor_core as torch
    >>> logs = torch.full((2, 1, 2), 0.5).log()
    >>> torch.nn.functional.ctc_loss(logs, torch.tensor([[1]]), (2,), (1,))
    tensor(0.2877)
    """
    ext, skips = _states(labels, lengths, blank)
    emit = np.take_along_axis(log_probs, np.broadcast_to(ext, (len(log_probs), *ext.shape)), 2)
    alpha = _forward_scores(emit, skips) if len(emit) else emit
    rows = np.arange(ext.shape[0])
    if not len(emit):
        loss = np.where(lengths == 0, 0.0, np.inf)
        return _zeroed(loss, zero).astype(log_probs.dtype), alpha
    ends = alpha[np.maximum(steps, 1) - 1, rows]  # (N, S)
    final = ends[rows, 2 * lengths]
    before = ends[rows, np.maximum(2 * lengths - 1, 0)]
    total = np.where(lengths > 0, np.logaddexp(final, before), final)
    loss = np.where(steps > 0, -total, np.where(lengths == 0, 0.0, np.inf))
    return _zeroed(loss, zero).astype(log_probs.dtype), alpha


def _zeroed(loss: np.ndarray, zero: bool) -> np.ndarray:
    return np.where(np.isinf(loss), 0.0, loss) if zero else loss


@ctc_rows.vjp("log_probs")
def _(
    g: Any, y: Any, log_probs: Any, labels: Any, steps: Any, lengths: Any, alpha: Any, blank: Any,
    zero: Any,
) -> Any:  # fmt: skip
    if isinstance(g, Tensor):
        raise RuntimeError("ctc_loss has no second derivative: leave create_graph out")
    ext, skips = _states(labels, lengths, blank)
    emit = np.take_along_axis(log_probs, np.broadcast_to(ext, (len(log_probs), *ext.shape)), 2)
    both = alpha + _backward_scores(emit, skips, steps, lengths)  # (T, N, S)
    seen = np.full_like(log_probs, _NEVER)  # the log-sum of each class's states
    rows = np.arange(ext.shape[0])
    for s in range(ext.shape[1]):
        column = seen[:, rows, ext[:, s]]
        seen[:, rows, ext[:, s]] = np.logaddexp(column, both[:, :, s])
    with np.errstate(invalid="ignore"):  # an impossible row: inf - inf
        slope = np.exp(log_probs) - np.exp(seen + y[:, None] - log_probs)
    inside = np.arange(len(log_probs))[:, None] < steps  # (T, N)
    if zero:
        inside = inside & np.isfinite(seen).any(2)  # a row that no path writes has no slope
    return np.where(inside[:, :, None], slope * g[:, None], 0).astype(log_probs.dtype)


def _ctc_cases(rng: np.random.Generator) -> Any:
    for case in _rows_cases(rng):
        logs, labels, steps, lengths = case.args
        yield Case(logs, labels, steps, lengths, reduction="none").with_(wrt=())
        yield Case(logs, np.array([1, 1, 3]), steps, lengths, 2).with_(wrt=())


@composed(torch="nn.functional.ctc_loss", cases=_ctc_cases)
def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0,
    reduction: str = "mean", zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """Minus the log-probability of label sequences under the steps' log-probabilities.

    Shapes: log_probs (T, N, C) or (T, C); targets (N, L), or all labels in one row; lengths (N).
    "mean" divides each row's loss by its number of labels first. ``zero_infinity`` counts rows
    that no path can write as 0. Source: Graves et al. 2006.

    Raises:
        RuntimeError: a length or the blank is out of range.

    >>> import tensor_core as torch
    >>> logs = torch.full((2, 1, 2), 0.5).log()
    >>> torch.nn.functional.ctc_loss(logs, torch.tensor([[1]]), (2,), (1,), reduction="sum")
    tensor(0.2877)
    """
    steps, lengths = _lengths(input_lengths), _lengths(target_lengths)
    logs = log_probs if log_probs.ndim == 3 else log_probs.unsqueeze(1)
    n = logs.shape[1]
    if len(steps) != n or len(lengths) != n:
        raise RuntimeError("input_lengths and target_lengths must be of size batch_size")
    if not 0 <= blank < logs.shape[2]:
        raise RuntimeError("blank must be in label range")
    if n and steps.max() > logs.shape[0]:
        raise RuntimeError(
            f"Expected input_lengths to have value at most {logs.shape[0]}, but got value "
            f"{steps.max()}"
        )
    labels = _as_rows(targets._a, lengths)
    each = ctc_rows(logs, wrap(labels), wrap(steps), wrap(lengths), blank, zero_infinity)
    if reduction == "mean":
        return (each / wrap(np.maximum(lengths, 1).astype(each._a.dtype))).mean()
    return reduced(each if log_probs.ndim == 3 else each.squeeze(0), reduction)


def _lengths(given: Any) -> np.ndarray:
    return np.asarray(given._a if isinstance(given, Tensor) else given, np.int64).reshape(-1)


def _as_rows(targets: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The labels as rows (N, L), whichever way they came."""
    longest = int(lengths.max(initial=0))
    if targets.ndim == 2:
        if longest > targets.shape[1]:
            raise RuntimeError(
                f"Expected tensor to have size at least {longest} at dimension 1, but got size "
                f"{targets.shape[1]}"
            )
        return np.ascontiguousarray(targets[:, : max(longest, 0)], np.int64)
    if targets.size < lengths.sum():
        raise RuntimeError(
            f"Expected as many targets as target_lengths add up to ({lengths.sum()}), but got "
            f"{targets.size}"
        )
    rows = np.zeros((len(lengths), longest), np.int64)
    start = 0
    for i, length in enumerate(lengths):
        rows[i, :length] = targets[start : start + length]
        start += length
    return rows

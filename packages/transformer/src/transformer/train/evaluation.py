"""How well a model predicts held-out tokens: loss, perplexity and bits per byte, by windows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transformer._engine import nn, torch
from transformer.data.order import Windows
from transformer.models.base import IGNORE
from transformer.models.mode import evaluating
from transformer.train.parallel import Team
from transformer.train.units import bits_per_byte, perplexity_of

Pairs = list[tuple[Any, Any]]  # batches of inputs and targets, (B, T) int64 each


@dataclass(frozen=True)
class Score:
    """What a model was scored on and how it did; the window says how much it could look back on.

    >>> score = Score(nats=20.0, tokens=10, bytes=40, window=64, stride=32)
    >>> round(score.loss, 2), round(score.perplexity, 2), round(score.bits_per_byte, 2)
    (2.0, 7.39, 0.72)
    """

    nats: float  # summed over all counted targets
    tokens: int  # counted targets
    bytes: int | None  # of text that these targets stand for; None where no tokenizer tells
    window: int  # tokens a prediction may look back on, at most
    stride: int | None  # from one window to the next; None where windows are spread evenly

    @property
    def loss(self) -> float:
        """The mean cross-entropy in nats per token."""
        return self.nats / self.tokens

    @property
    def perplexity(self) -> float:
        """e to the loss: as unsure as between this many equally likely tokens."""
        return perplexity_of(self.loss)

    @property
    def bits_per_byte(self) -> float | None:
        """The loss in bits per byte of text, which compares models of different tokenizers."""
        return bits_per_byte(self.loss, self.bytes / self.tokens) if self.bytes else None


def perplexity(
    model: nn.Module,
    ids: Any,
    window: int | None = None,
    stride: int | None = None,
    *,
    n_bytes: int | None = None,
    batch_size: int = 1,
    progress: Callable[[int], object] | None = None,
) -> Score:
    """Score every token of ``ids`` (N,) but the first, each exactly once, in sliding windows.

    Windows of ``window`` tokens (the model's ``block_size``) begin every ``stride`` tokens (half
    a window); each predicts what the windows before it have not. A prediction so looks back on
    at least ``window - stride`` tokens, but near the beginning of the text. ``progress`` hears
    the number of targets scored so far. ``n_bytes`` is the text's length, for bits per byte.

    Raises ``ValueError`` when there are fewer than two tokens, or the window does not fit.

    >>> from transformer import build_model
    >>> model = build_model("bigram", vocab_size=4)
    >>> score = perplexity(model, [0, 1, 2, 3, 0, 1], window=4, stride=2)
    >>> score.tokens, score.window, score.stride
    (5, 4, 2)
    """
    window, stride = _window(model, window, stride)
    tokens = np.asarray(ids)
    if tokens.ndim != 1 or len(tokens) < 2:
        raise ValueError(f"perplexity: needs a row of at least 2 tokens, got {tokens.shape}")
    nats, counted = 0.0, 0
    with torch.no_grad(), evaluating(model):
        for x, y in _sliding(tokens, window, stride, batch_size):
            count = int((y != IGNORE).sum())
            nats += _mean_loss(model, x, y) * count
            counted += count
            if progress:
                progress(counted)
    return Score(nats, counted, n_bytes, window, stride)


def evaluate(
    model: nn.Module,
    data: Any,
    batch_size: int,
    block_size: int,
    batches: int,
    team: Team | None = None,
) -> float:
    """Return the mean loss of ``model``, in nats per token, on ``data``, (N,) token ids.

    Looks at ``batches * batch_size`` windows spread evenly over the text. They are no random
    sample, so two evaluations differ by what the model learned between them and by nothing else.

    >>> from transformer import build_model
    >>> model = build_model("bigram", vocab_size=4)
    >>> loss = evaluate(model, np.arange(20) % 4, batch_size=2, block_size=4, batches=2)
    >>> 0 < loss < 10
    True
    """
    windows = spread_windows(data, batch_size, block_size, batches)
    return score_windows(model, windows, team=team)[0]


def spread_windows(data: Any, batch_size: int, block_size: int, batches: int) -> Pairs:
    """Return ``batches`` batches of windows, evenly spread over token ids ``data`` (N,).

    Shapes: inputs and targets (``batch_size``, ``block_size``), int64.

    >>> [(x, y)] = spread_windows(np.arange(7), batch_size=2, block_size=3, batches=1)
    >>> x.tolist(), y.tolist()
    ([[0, 1, 2], [3, 4, 5]], [[1, 2, 3], [4, 5, 6]])
    """
    cut = Windows(data, block_size, shift=False).cut
    count = batches * batch_size
    starts = np.arange(count) * (len(data) - block_size - 1) // max(count - 1, 1)
    return [
        tuple(torch.from_numpy(part.copy()) for part in cut(group))  # type: ignore[misc]
        for group in np.split(starts, batches)
    ]


def score_windows(model: nn.Module, windows: Pairs, team: Team | None = None) -> tuple[float, int]:
    """Return the mean loss over all counted targets of some batches, and how many those are.

    A ``team`` shares the batches. Raises ``ValueError`` when no target counts.

    >>> from transformer import build_model
    >>> windows = [(torch.tensor([[0, 1, 2]]), torch.tensor([[1, 2, IGNORE]]))]
    >>> loss, counted = score_windows(build_model("bigram", vocab_size=4), windows)
    >>> counted
    2
    """
    team = team or Team(1)

    def work(worker: int) -> tuple[float, int]:
        nats, counted = 0.0, 0
        with torch.no_grad():  # grad mode belongs to a thread
            for x, y in windows[worker :: team.size]:
                if count := int((y != IGNORE).sum()):
                    nats += _mean_loss(model, x, y) * count
                    counted += count
        return nats, counted

    with evaluating(model):
        shares = team.run(work)
    counted = sum(count for _, count in shares)
    if not counted:
        raise ValueError("evaluation: not one target counts; every one is masked")
    return sum(nats for nats, _ in shares) / counted, counted


def _window(model: Any, window: int | None, stride: int | None) -> tuple[int, int]:
    """Return both sizes, checked against the model and each other."""
    longest = model.block_size
    window = longest if window is None else window
    if not 1 <= window <= longest:
        raise ValueError(f"window must be from 1 to the model's {longest} tokens, not {window}")
    stride = max(1, window // 2) if stride is None else stride
    if not 1 <= stride <= window:
        raise ValueError(f"stride must be from 1 to the window's {window} tokens, not {stride}")
    return window, stride


def _sliding(
    tokens: NDArray[Any], window: int, stride: int, batch_size: int
) -> Iterator[tuple[Any, Any]]:
    """Yield batches of windows in which only the targets not seen before count."""
    last = len(tokens) - 1  # the last token predicts nothing
    starts = range(0, max(last - window, 0) + stride, stride)
    full = [s for s in starts if s + window <= last]
    for at in range(0, len(full), batch_size):
        rows = np.stack([tokens[s : s + window + 1] for s in full[at : at + batch_size]])
        x, y = _pair(rows.astype(np.int64))
        fresh = y[0].clone() if at == 0 else None
        y[:, : window - stride] = IGNORE
        if fresh is not None:  # the very first window has nothing before it
            y[0] = fresh
        yield x, y
    if len(full) < len(starts) and starts[len(full)] < last:
        start = starts[len(full)]
        done = full[-1] + window if full else 0
        x, y = _pair(tokens[None, start:].astype(np.int64))
        y[:, : done - start] = IGNORE
        yield x, y


def _pair(rows: NDArray[np.int64]) -> tuple[Any, Any]:
    """Return the inputs and targets in rows of one more token, (B, T + 1) -> (B, T), (B, T)."""
    return torch.from_numpy(rows[:, :-1].copy()), torch.from_numpy(rows[:, 1:].copy())


def _mean_loss(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    return float(model(x, y)[1].item())

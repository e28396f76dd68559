"""Writing a translation: the likeliest word each time, or the best of several beginnings."""

from collections.abc import Sequence
from math import inf
from typing import Any

from transformer._engine import F, torch
from transformer.models.mode import evaluating
from transformer.models.translation import BEGIN, END


def translate(
    model: Any,
    source: torch.Tensor,
    *,
    beams: int = 1,
    max_length: int | None = None,
    length_penalty: float = 0.6,
) -> list[list[int]]:
    """The translation of each row of ``source`` (B, S), as ids without ``BEGIN`` and ``END``.

    ``model`` is an ``EncoderDecoder``. With one beam the likeliest word is taken each time. With
    more, that many beginnings are kept, and the translation is the one whose log-probability is
    highest for its length, divided by ``((5 + L) / 6) ** length_penalty`` (Wu et al., "Google's
    Neural Machine Translation System", 2016, equation 14). It is cut at ``max_length`` words,
    ``model.block_size`` if not given. Raises ValueError when ``beams`` is below 1, ``max_length``
    not from 1 to ``block_size``, or ``length_penalty`` negative.

    >>> from transformer.models.translation import EncoderDecoder, EncoderDecoderConfig
    >>> model = EncoderDecoder(EncoderDecoderConfig(vocab_size=9, source_vocab_size=7))
    >>> len(translate(model, torch.tensor([[3, 4, 5], [6, 2, 2]]), max_length=4))
    2
    """
    longest = model.block_size if max_length is None else max_length
    if beams < 1 or not 1 <= longest <= model.block_size:
        raise ValueError(
            f"translate: beams {beams} must be 1 or more, max_length {longest} from 1 to the "
            f"block_size of {model.block_size}"
        )
    if length_penalty < 0:
        raise ValueError(f"translate: length_penalty {length_penalty} must be 0 or more")
    with evaluating(model), torch.no_grad():
        encoded, mask = model.encode(source)
        if beams == 1:
            return _greedy(model, encoded, mask, longest)
        return [
            _beam_search(model, encoded[b : b + 1], mask[b : b + 1], longest, beams, length_penalty)
            for b in range(len(source))
        ]


def _greedy(model: Any, encoded: torch.Tensor, mask: torch.Tensor, longest: int) -> list[list[int]]:
    """All sentences at once, until each has ended."""
    cache = model.new_cache()
    idx = torch.full((len(encoded), 1), BEGIN, dtype=torch.int64)
    columns: list[list[int]] = []
    ended = [False] * len(encoded)
    while len(columns) < longest and not all(ended):
        scores = model.decode(idx, encoded, mask, cache)[:, -1]  # (B, V)
        idx = scores.argmax(dim=-1, keepdim=True)  # (B, 1)
        columns.append(idx[:, 0].tolist())
        ended = [done or word == END for done, word in zip(ended, columns[-1], strict=True)]
    return [_until_end(row) for row in zip(*columns, strict=True)]


def _until_end(row: Sequence[int]) -> list[int]:
    return list(row[: row.index(END)] if END in row else row)


def _beam_search(
    model: Any, encoded: torch.Tensor, mask: torch.Tensor, longest: int, beams: int, penalty: float
) -> list[int]:
    """One sentence (1, S, C): the best of up to ``beams`` that are written side by side."""
    cache = model.new_cache()
    live: list[tuple[float, list[int]]] = [(0.0, [])]  # log-probability and words, best first
    ended: list[tuple[float, list[int]]] = []  # log-probability for its length, and words
    idx = torch.full((1, 1), BEGIN, dtype=torch.int64)
    for length in range(1, longest + 1):
        n = len(live)
        scores = model.decode(idx, encoded.expand(n, -1, -1), mask.expand(n, -1, -1, -1), cache)
        logs = F.log_softmax(scores[:, -1], dim=-1)  # (n, V)
        logs = logs + torch.tensor([[log] for log, _ in live], dtype=logs.dtype)
        going: list[tuple[float, int, int]] = []
        for log, parent, word in _best(logs, 2 * beams):  # half of them may be ends
            if word == END:
                ended.append((log / _length_factor(length, penalty), live[parent][1]))
            elif len(going) < beams:
                going.append((log, parent, word))
        live = [(log, [*live[parent][1], word]) for log, parent, word in going]
        # A beginning can only lose probability: at best it is as likely when it is longest.
        hope = max((log for log, _ in live), default=-inf) / _length_factor(longest, penalty)
        if max(ended, default=(-inf, []))[0] >= hope:
            break
        cache.reorder([parent for _, parent, _ in going])
        idx = torch.tensor([[word] for _, _, word in going])
    ended += [(log / _length_factor(len(words), penalty), words) for log, words in live]
    return max(ended, key=lambda found: found[0])[1]


def _best(logs: torch.Tensor, count: int) -> list[tuple[float, int, int]]:
    """The largest of (n, V), each with its row and its word, best first."""
    V = logs.shape[1]
    best, places = torch.topk(logs.reshape(-1), min(count, logs.numel()))
    return [(log, *divmod(i, V)) for log, i in zip(best.tolist(), places.tolist(), strict=True)]


def _length_factor(length: int, penalty: float) -> float:
    return float(((5 + length) / 6) ** penalty)

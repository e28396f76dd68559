"""What the model has read so far: the ids of every row, and the cache that remembers them."""

from collections.abc import Sequence
from typing import Any

from transformer._engine import torch
from transformer.generate.arrays import FEW, Step, fast_step
from transformer.generate.prompt_cache import PromptCache, common_length, new_cache


class Context:
    """Rows of ids of one length that grow together, and the scores for what comes next.

    Each token is read once, through the model's cache; a model without one reads everything anew
    each time. Past ``block_size`` tokens a model whose positions end there reads the last
    ``block_size`` anew for each token, which is slow; one with a sliding window goes on as before.

    >>> from transformer import build_model
    >>> context = Context(build_model("bigram", vocab_size=5), [[1, 2]])
    >>> context.scores().shape
    torch.Size([1, 1, 5])
    """

    def __init__(
        self, model: Any, rows: Sequence[Sequence[int]], kept: PromptCache | None = None
    ) -> None:
        self.model = model
        self.rows = [list(row) for row in rows]
        self.kept = kept
        self.cache = kept.begin(self.rows[0]) if kept else new_cache(model)
        self.caching = self.cache is not None
        self.known: torch.Tensor | None = None  # the scores after the last tokens
        self.step: Step | None = None  # how a single token is read, found when first needed

    def __len__(self) -> int:
        return len(self.rows[0])

    @property
    def room(self) -> int | None:
        """How many more tokens fit before the model begins to forget; None for any number."""
        return None if endless(self.model) else max(0, self.model.block_size - len(self))

    def scores(self, keep: int = 1) -> torch.Tensor:
        """The scores after each of the last ``keep`` tokens: (B, keep, V).

        >>> from transformer import build_model
        >>> Context(build_model("bigram", vocab_size=5), [[1, 2], [3, 4]]).scores(keep=2).shape
        torch.Size([2, 2, 5])
        """
        if self.known is None or self.known.shape[1] < keep:
            with torch.no_grad():
                self.known = self._scores(keep)
        return self.known[:, -keep:]

    def _scores(self, keep: int) -> torch.Tensor:
        limit = self.model.block_size
        if len(self) > limit and not endless(self.model):
            self.cache = self.kept = None
        if self.cache is None:
            idx = torch.tensor([row[-limit:] for row in self.rows])  # (B, T)
            spare = {"logits_to_keep": keep} if self.caching else {}
            return self.model(idx, **spare)[0][:, -keep:]
        self._forget(len(self) - keep)
        logits = self._read(keep)
        if self.kept is not None:
            self.kept.ids = self.rows[0][: self.cache.length]
        return logits

    def _read(self, keep: int) -> torch.Tensor:
        """What the cache does not hold yet, into it; the scores of the last ``keep``."""
        idx = torch.tensor([row[self.cache.length :] for row in self.rows])  # (B, new)
        if idx.shape[1] == 1 and len(idx) <= FEW:
            if self.step is None:
                self.step = fast_step(self.model) or self._step
            return self.step(idx, self.cache)  # (B, 1, V)
        most = self.model.block_size
        while idx.shape[1] > most:  # only a model that goes on past it gets here
            self.model(idx[:, :most], cache=self.cache, logits_to_keep=1)
            idx = idx[:, most:]
        return self.model(idx, cache=self.cache, logits_to_keep=keep)[0]

    def _step(self, idx: torch.Tensor, cache: Any) -> torch.Tensor:
        """One token the ordinary way."""
        return self.model(idx, cache=cache)[0]

    def append(self, *columns: Sequence[int]) -> None:
        """One more id in every row, for each of the columns.

        >>> from transformer import build_model
        >>> context = Context(build_model("bigram", vocab_size=5), [[1], [3]])
        >>> context.append([2, 4], [0, 0])
        >>> context.rows
        [[1, 2, 0], [3, 4, 0]]
        """
        self.known = None
        for column in columns:
            for row, token in zip(self.rows, column, strict=True):
                row.append(token)

    def reorder(self, rows: Sequence[int]) -> None:
        """These rows in this order, some left out, some twice.

        >>> from transformer import build_model
        >>> context = Context(build_model("bigram", vocab_size=5), [[1], [2], [3]])
        >>> context.reorder([2, 0, 0])
        >>> context.rows
        [[3], [1], [1]]
        """
        if list(rows) == list(range(len(self.rows))):
            return
        if self.kept is not None:  # its one row must stay what it is
            self.cache, self.kept = self.kept.copy(), None
        if self.cache is not None and self.cache.length:
            self.cache.reorder(list(rows))
        if self.known is not None:
            self.known = self.known[list(rows)]
        self.rows = [list(self.rows[row]) for row in rows]

    def become(self, ids: Sequence[int]) -> None:
        """One row, of these ids; what it begins with already is not read again."""
        self.truncate(common_length(self.rows[0], ids))
        self.known = self.known if len(ids) == len(self) else None
        self.rows = [list(ids)]

    def truncate(self, length: int) -> None:
        """Only the first ``length`` ids."""
        if length < len(self):
            self.known = None
            self.rows = [row[:length] for row in self.rows]
            self._forget(length)

    def _forget(self, read: int) -> None:
        """At most the first ``read`` ids count as read."""
        if self.cache is None or self.cache.length <= read:
            return
        try:
            self.cache.truncate(read)
        except ValueError:  # a state that cannot go back is built anew
            self.cache = new_cache(self.model)
            if self.kept is not None:
                self.kept.cache, self.kept.ids = self.cache, []


def endless(model: Any) -> bool:
    """Whether the model's positions go on past ``block_size``.

    >>> from transformer import build_model
    >>> [endless(build_model(name, vocab_size=5)) for name in ("gpt", "lstm")]
    [False, True]
    """
    return bool(getattr(model, "endless", False))

"""Text a model has read once, kept for the next prompt that begins the same way."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from transformer.io.safetensors import TensorFileError, read_tensors, write_tensors

_KEY = "gradine-prompt-cache"
VERSION = 1


class PromptCache:
    """A model's cache with the ids it stands for, in memory or in a file.

    A prompt is compared with them id by id: what both begin with is not read again, the rest is.
    Pass it as ``prompt_cache=`` to ``generate`` and ``stream``.

    >>> from transformer import build_model
    >>> PromptCache(build_model("bigram", vocab_size=5)).ids
    []
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.ids: list[int] = []
        self.cache: Any = new_cache(model)

    def begin(self, ids: Sequence[int]) -> Any:
        """The cache, cut back to what it shares with ``ids``, the last of which stays unread.

        >>> from transformer import build_model
        >>> from transformer.generate import generate
        >>> model = build_model("llama", vocab_size=5, n_layer=1)
        >>> kept = PromptCache(model)
        >>> _ = generate(model, [1, 2, 3], 1, prompt_cache=kept)
        >>> kept.begin([1, 2, 4, 4]).length, kept.ids
        (2, [1, 2])
        """
        if self.cache is None:
            return None
        shared = min(common_length(self.ids, ids), len(ids) - 1)
        if shared < self.cache.length:
            try:
                self.cache.truncate(shared)
            except ValueError:  # a state that cannot go back
                self.cache, shared = new_cache(self.model), 0
        self.ids = self.ids[:shared]
        return self.cache

    def copy(self) -> Any:
        """Another cache that remembers the same."""
        cache = new_cache(self.model)
        if cache is not None and self.ids:
            cache.restore(self.cache.arrays())
        return cache

    def save(self, path: str | Path) -> None:
        """Replace the file at ``path``, safetensors, by what is remembered.

        Raises ValueError for a model that has no cache.

        >>> import tempfile
        >>> from transformer import build_model
        >>> path = Path(tempfile.mkdtemp()) / "kept.safetensors"
        >>> model = build_model("gpt", vocab_size=5, n_layer=1)
        >>> PromptCache(model).save(path)
        >>> PromptCache.load(path, model).ids
        []
        """
        if self.cache is None:
            raise ValueError(
                f"prompt cache: a {type(self.model).__name__} keeps no cache, so there is nothing "
                f"to save in {path}: leave the prompt cache out"
            )
        arrays = self.cache.arrays() if self.ids else {}
        held = {f"cache.{name}": array for name, array in arrays.items()}
        about = json.dumps({"version": VERSION, "model": fingerprint(self.model)})
        write_tensors(path, {**held, "ids": np.array(self.ids, dtype=np.int64)}, {_KEY: about})

    @classmethod
    def load(cls, path: str | Path, model: Any) -> "PromptCache":
        """What ``save`` wrote, for the same model.

        Raises FileNotFoundError, TensorFileError when the file is damaged or something else, and
        ValueError when another model wrote it.

        >>> import tempfile
        >>> from transformer import build_model
        >>> from transformer.generate import generate
        >>> path = Path(tempfile.mkdtemp()) / "kept.safetensors"
        >>> model = build_model("gpt", vocab_size=5, n_layer=1)
        >>> _ = generate(model, [1, 2, 3], 1, prompt_cache=path)
        >>> PromptCache.load(path, model).ids[:3]
        [1, 2, 3]
        """
        arrays, metadata = read_tensors(path)
        try:
            about = json.loads(metadata[_KEY])
            ids = arrays.pop("ids").tolist()
        except (KeyError, ValueError):
            raise TensorFileError(f"{path}: not a prompt cache; name another file") from None
        if (about.get("version"), about.get("model")) != (VERSION, fingerprint(model)):
            raise ValueError(
                f"prompt cache: {path} was written by another model, or by this one with other "
                f"weights: delete it or name another file"
            )
        kept = cls(model)
        kept.ids = ids
        if ids:
            held = {name.removeprefix("cache."): a for name, a in arrays.items()}
            try:
                kept.cache.restore(held)
            except (KeyError, ValueError):
                kept.cache = new_cache(model)  # what it holds is not to be used
            if kept.cache.length < len(ids):
                raise TensorFileError(f"{path}: the prompt cache lacks parts; delete it")
        return kept


def common_length(a: Sequence[int], b: Sequence[int]) -> int:
    """How many ids both begin with.

    >>> common_length([1, 2, 3], [1, 2, 4, 5])
    2
    """
    return next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


def fingerprint(model: Any) -> str:
    """What tells one model from another: its config, and sums over the bits of every weight.

    Sums run at the speed of memory, where a cryptographic hash of a large model would take longer
    than reading the prompt again. Any change of a weight changes them.

    >>> from transformer import build_model
    >>> a, b = (build_model("bigram", vocab_size=5) for _ in range(2))
    >>> fingerprint(a) == fingerprint(a), fingerprint(a) == fingerprint(b)
    (True, False)
    """
    facts: list[Any] = [type(model).__name__, repr(getattr(model, "config", None))]
    for name, p in model.named_parameters():
        values = p.detach()
        bits = np.asarray(values.numpy() if hasattr(values, "numpy") else values)
        words = np.ascontiguousarray(bits).reshape(-1).view(f"u{bits.dtype.itemsize}")
        total = int(words.sum(dtype=np.uint64)), int(np.bitwise_xor.reduce(words))
        # The values in order at some places, too: sums do not notice an exchange.
        some = hashlib.blake2b(words[:: max(1, words.size // 1024)].tobytes()).hexdigest()
        facts.append((name, bits.dtype.str, bits.shape, total, some))
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()


def new_cache(model: Any) -> Any:
    """The model's empty cache; None when it has none.

    >>> from transformer import build_model
    >>> new_cache(build_model("bigram", vocab_size=5)) is None
    True
    """
    return model.new_cache() if hasattr(model, "new_cache") else None

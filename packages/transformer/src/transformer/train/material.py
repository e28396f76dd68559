"""What a run learns from: tokens to train on, tokens held out, and the tokenizer they came from."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from transformer.data import Batches, TokenFile, load_text, open_tokens, train_val_split
from transformer.models.base import IGNORE
from transformer.tokenizers import Tokenizer
from transformer.train.config import TrainConfig
from transformer.train.evaluation import Pairs, spread_windows
from transformer.train.rules import MADE

_PIECE = 1 << 20  # ids hashed at a time
_WHOLE = 64  # pieces up to which every one is hashed; of a longer row, this many


@dataclass(frozen=True)
class Material:
    """Rows of token ids (N,), or packed conversations, to train on and to be judged by.

    ``tokenizer`` is None for a folder of tokens that does not say which one made it.

    >>> ids, config = np.arange(20), TrainConfig(block_size=4, batch_size=2)
    >>> material = Material("a row", ids[:12], ids[12:], None, vocab_size=20, config=config)
    >>> material.tokens, material.batches.at(0)[0].shape
    (20, torch.Size([2, 4]))
    """

    name: str
    train: Any
    held_out: Any
    tokenizer: Tokenizer | None
    vocab_size: int
    config: TrainConfig

    def __post_init__(self) -> None:
        config = self.config
        for part, rows in (("training", self.train), ("held-out", self.held_out)):
            if not hasattr(rows, "fetch") and len(rows) <= config.block_size:
                raise ValueError(
                    f"the {part} part of {self.name} has {len(rows)} tokens, too few for "
                    f"block_size={config.block_size}: give more text, a smaller block_size or "
                    f"another val_fraction (now {config.val_fraction})"
                )

    @cached_property
    def batches(self) -> Batches:
        """The batches to train on: any step's at any time."""
        config = self.config
        return Batches(self.train, config.batch_size, config.block_size, seed=config.seed)

    @cached_property
    def windows(self) -> Pairs:
        """The batches to be judged by, the same every time."""
        config = self.config
        sizes = config.batch_size, config.block_size
        if hasattr(self.held_out, "fetch"):
            rows = Batches(self.held_out, *sizes, order="sequential")
            return [rows.at(step) for step in range(min(config.eval_batches, len(rows)))]
        return spread_windows(self.held_out, *sizes, config.eval_batches)

    @cached_property
    def bytes_per_token(self) -> float | None:
        """How many bytes of UTF-8 a counted target of :attr:`windows` stands for, on average."""
        if self.tokenizer is None:
            return None
        counted = [y[y != IGNORE].tolist() for _, y in self.windows]
        total = sum(len(self.tokenizer.decode_bytes(ids)) for ids in counted)
        return total / max(sum(map(len, counted)), 1)

    @cached_property
    def sha256(self) -> str:
        """What tells these tokens from others; of a very long row, from evenly spread pieces."""
        total = sha256()
        for rows in (self.train, self.held_out):
            for piece in _pieces(rows):
                total.update(piece.astype(np.int64, copy=False).tobytes())
        return total.hexdigest()

    @property
    def tokens(self) -> int:
        """How many tokens there are in all."""
        return sum(_count(rows) for rows in (self.train, self.held_out))


def load_material(
    config: TrainConfig, text: str | None = None, tokenizer: Tokenizer | None = None
) -> Material:
    """Return what ``config`` says to learn from; ``text`` and ``tokenizer``, if given, go before.

    Raises ``ValueError`` when there is too little of it, or it does not go with the tokenizer.

    >>> material = load_material(TrainConfig(block_size=4), "to be or not to be " * 9)
    >>> len(material.train), len(material.held_out), material.vocab_size
    (153, 18, 7)
    """
    if config.data is not None and text is None:
        return _from_data(config, config.data, tokenizer)
    text = load_text(config.text) if text is None else text
    tokenizer = tokenizer or make_tokenizer(config, text)
    ids = np.asarray(tokenizer.encode(text), dtype=np.int64)
    train, held_out = train_val_split(ids, config.val_fraction)
    return Material("the text", train, held_out, tokenizer, tokenizer.vocab_size, config)


def make_tokenizer(config: TrainConfig, text: str) -> Tokenizer:
    """Return the tokenizer ``config`` names: made from the text, or read from a file or folder.

    >>> make_tokenizer(TrainConfig(tokenizer="char"), "hello").encode("hell")
    [1, 0, 2, 2]
    """
    from transformer import tokenizers

    kind = config.tokenizer
    if kind == "char":
        return tokenizers.CharTokenizer.from_text(text)
    if kind == "bytes":
        return tokenizers.ByteTokenizer()
    if kind == "bpe":  # what is held out must not decide what a token is
        seen = text[: int(len(text) * (1 - config.val_fraction))]
        return tokenizers.BPETokenizer.train([seen], config.vocab_size)
    if not Path(kind).exists():
        raise ValueError(f"tokenizer: {', '.join(MADE)}, or a file or folder; there is no {kind!r}")
    return tokenizers.load_tokenizer(kind)


def _from_data(config: TrainConfig, data: str, tokenizer: Tokenizer | None) -> Material:
    """Return a folder of tokens, or a file of conversations, as material."""
    if Path(data).suffix == ".jsonl":
        return _from_conversations(config, data, tokenizer)
    if tokenizer is None and config.tokenizer not in MADE:
        tokenizer = make_tokenizer(config, "")
    train, held_out, tokenizer, size = open_folder(data, tokenizer)
    if held_out is not None:
        return Material(data, train, held_out, tokenizer, size, config)
    cut = int(len(train) * (1 - config.val_fraction))  # views of the file, not copies
    return Material(data, train.array[:cut], train.array[cut:], tokenizer, size, config)


def open_folder(
    data: str, tokenizer: Tokenizer | None
) -> tuple[TokenFile, TokenFile | None, Tokenizer | None, int]:
    """Return a folder's tokens to train on and to be judged by, their tokenizer, and its size.

    Raises ``ValueError`` when they were made with another tokenizer than the one given.

    >>> import tempfile
    >>> from transformer.data.folder import write_folder
    >>> folder, tokenizer = tempfile.mkdtemp(), make_tokenizer(TrainConfig(), "ab")
    >>> _ = write_folder(folder, [[0, 1] * 10], tokenizer)
    >>> train, held_out, _, size = open_folder(folder, None)
    >>> len(train), len(held_out), size
    (18, 2, 2)
    """
    train, held_out, own, facts = open_tokens(data)
    if own is None:  # nanoGPT does not keep GPT-2's
        train, held_out, own, facts = open_tokens(data, tokenizer)
    elif tokenizer is not None and own.to_dict() != tokenizer.to_dict():
        raise ValueError(
            f"{data} was made with another tokenizer ({own.vocab_size:,} tokens) than the model's "
            f"({tokenizer.vocab_size:,} tokens): tokenize the text again with that one"
        )
    return train, held_out, own, facts["vocab_size"]


def _from_conversations(config: TrainConfig, data: str, tokenizer: Tokenizer | None) -> Material:
    """Return conversations as material: of each only the answers are learned."""
    from transformer.data.conversations import Conversations

    if tokenizer is None and config.tokenizer in ("char", "bpe"):
        raise ValueError(
            f"{data}: conversations need a tokenizer that is there already: begin with a trained "
            "model (gradine finetune), or name a tokenizer's file or folder, or bytes"
        )
    tokenizer = tokenizer or make_tokenizer(config, "")
    train, held_out = Conversations.split_files(
        data, tokenizer, config.block_size, config.val_fraction
    )
    if held_out is None:
        raise ValueError(
            f"{data} has too few conversations to hold out a share of {config.val_fraction}: "
            "give more, or a larger val_fraction"
        )
    return Material(data, train, held_out, tokenizer, tokenizer.vocab_size, config)


def _count(rows: Any) -> int:
    return len(rows) * rows.block_size if hasattr(rows, "fetch") else len(rows)


def _pieces(rows: Any) -> Any:
    """Yield arrays that tell ``rows`` from others."""
    if hasattr(rows, "fetch"):
        every = np.arange(len(rows))
        for at in range(0, len(rows), 256):
            yield from rows.fetch(every[at : at + 256], 0)
        return
    count = -(-len(rows) // _PIECE)
    chosen: Iterable[int] = range(count)
    if count > _WHOLE:
        yield np.array([len(rows)])
        chosen = [piece * (count - 1) // (_WHOLE - 1) for piece in range(_WHOLE)]
    for piece in chosen:
        part = rows[piece * _PIECE : (piece + 1) * _PIECE]
        yield part.numpy() if hasattr(part, "numpy") else np.asarray(part)

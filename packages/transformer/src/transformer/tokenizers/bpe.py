"""Byte-level byte-pair encoding: the tokenizer of GPT-2, GPT-4, Llama 3, Qwen and SmolLM.

A text is searched for added tokens, cut into words (patterns.py), and the bytes of each word are
merged (merging.py). Every byte is a token, so there is no text without an encoding.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from transformer.tokenizers.added import AddedToken, Finder
from transformer.tokenizers.base import END_TOKENS
from transformer.tokenizers.merging import Merger, WordCache
from transformer.tokenizers.patterns import Pattern, splits_of, words_of
from transformer.tokenizers.utf8 import to_bytes, to_text

Normalizer = Literal["NFC", "NFD", "NFKC", "NFKD"]
Merge = tuple[bytes, bytes]


class BPETokenizer:
    """A tokenizer whose tokens are sequences of bytes, merged from pairs.

    ``vocab`` gives the id of each sequence of bytes and ``merges`` the pairs in the order of their
    rank; without merges (None) the ids are the ranks, as in tiktoken's files. ``pattern`` names the
    cuts (``"gpt2"``, ``"gpt4"``, ``"o200k"``, ``"qwen2"``, ...) or is a regular expression, or
    several. ``special_tokens`` (name to id) stand for no text; ``added_tokens`` are the same with
    more to say. ``bos`` and ``eos`` are the tokens (name or id) that begin and end a text, ``stop``
    more that end an answer; ``before`` and ``after`` the ids that ``add_special`` puts around it.
    ``ignore_merges`` takes a word that is a token as it is (default: where there are no merges).
    A byte without a token is refused, or left out with ``drop_unknown``, as ``tokenizers`` does.

    ``decode(encode(s)) == s`` for every string, unless a ``normalizer`` or ``add_prefix_space``
    changes the text first, or bytes are left out. Raises ValueError for ids that are no ids, or
    mean two tokens.

    >>> tokenizer = BPETokenizer.train(["low lower lowest"], 260, special_tokens=["<|end|>"])
    >>> tokenizer.encode("lower<|end|>") == [*tokenizer.encode("lower"), 259]
    True
    >>> tokenizer.decode(tokenizer.encode("any text: 語 \\ud800")) == "any text: 語 \\ud800"
    True
    """

    def __init__(
        self,
        vocab: Mapping[bytes, int],
        merges: Sequence[Merge] | None,
        pattern: Pattern = "gpt2",
        special_tokens: Mapping[str, int] | None = None,
        *,
        added_tokens: Iterable[AddedToken] = (),
        bos: str | int | None = None,
        eos: str | int | None = None,
        stop: Iterable[str | int] = (),
        chat_template: str | None = None,
        before: Sequence[int] = (),
        after: Sequence[int] = (),
        normalizer: Normalizer | None = None,
        add_prefix_space: bool = False,
        ignore_merges: bool | None = None,
        drop_unknown: bool = False,
    ) -> None:
        self.vocab = dict(vocab)
        self.merges = None if merges is None else [(left, right) for left, right in merges]
        self.splits = splits_of(pattern)
        named = [AddedToken(text, i) for text, i in (special_tokens or {}).items()]
        self.added_tokens = tuple(sorted([*named, *added_tokens], key=lambda token: token.id))
        self.bos, self.eos, self.stop = bos, eos, tuple(stop)
        self.chat_template = chat_template
        self.before, self.after = tuple(before), tuple(after)
        self.normalizer, self.add_prefix_space = normalizer, add_prefix_space
        self.ignore_merges = merges is None if ignore_merges is None else ignore_merges
        complete = all(bytes([byte]) in self.vocab for byte in range(256))
        self.drop_unknown = drop_unknown and not complete
        self._look_up_ids()
        self._words = words_of(self.splits)
        merger = Merger(self.vocab, self.merges, self.ignore_merges, self.drop_unknown)
        self._ids_of_word = WordCache(merger)
        self._finders = {parse: self._finders_for(parse) for parse in (True, False)}

    def _look_up_ids(self) -> None:
        """The bytes of each id, and the ids of the tokens that were named."""
        self._bytes_of = _bytes_by_id(self.vocab, self.added_tokens)
        self._special_ids = frozenset(self.special_tokens.values())
        self._id_of_name = {token.text: token.id for token in self.added_tokens}
        self.bos_id, self.eos_id = self._id_of(self.bos, "bos"), self._id_of(self.eos, "eos")
        ends = [self._id_of(name, "stop") for name in (self.eos, *self.stop)]
        ends += [i for name, i in self.special_tokens.items() if name in END_TOKENS]
        self.stop_ids = frozenset(i for i in ends if i is not None)

    @classmethod
    def train(
        cls,
        texts: str | Iterable[str],
        vocab_size: int,
        pattern: Pattern = "gpt2",
        special_tokens: Sequence[str] = (),
        *,
        eos: str | None = None,
        min_frequency: int = 1,
        on_merge: Callable[[int, int], object] | None = None,
    ) -> "BPETokenizer":
        """The tokenizer of the pairs that are most frequent in ``texts``.

        The 256 bytes come first, then one token for each merge, then ``special_tokens``, all
        together ``vocab_size`` or fewer, when no pair stands ``min_frequency`` times in the texts
        any more. ``texts`` may be larger than memory: of an iterator, only the words are kept.
        ``on_merge(done, wanted)`` is called after every merge. Raises ValueError when
        ``vocab_size`` is too small for the bytes and the special tokens.

        >>> BPETokenizer.train("to be or not to be", 258).merges
        [(b'b', b'e'), (b't', b'o')]
        """
        from transformer.tokenizers.bpe_training import learn

        vocab, merges = learn(
            texts,
            vocab_size,
            pattern,
            special_tokens,
            min_frequency=min_frequency,
            on_merge=on_merge,
        )
        specials = {name: len(vocab) + i for i, name in enumerate(special_tokens)}
        return cls(vocab, merges, pattern, specials, eos=eos)

    @property
    def vocab_size(self) -> int:
        """One more than the highest id.

        >>> BPETokenizer.train("", 257, special_tokens=["<|end|>"]).vocab_size
        257
        """
        return max(self._bytes_of, default=-1) + 1

    @property
    def special_tokens(self) -> dict[str, int]:
        """The ids of the special tokens by name, in order.

        >>> BPETokenizer.train("", 257, special_tokens=["<|end|>"]).special_tokens
        {'<|end|>': 256}
        """
        return {token.text: token.id for token in self.added_tokens if token.special}

    def encode(
        self, text: str, *, add_special: bool = False, parse_special: bool = True
    ) -> list[int]:
        """The ids of ``text``.

        ``add_special`` puts the ids around it that the model's file asks for. With
        ``parse_special=False`` the name of a special token is text like any other.

        >>> tokenizer = BPETokenizer.train("", 257, special_tokens=["<|end|>"])
        >>> tokenizer.encode("a<|end|>"), len(tokenizer.encode("a<|end|>", parse_special=False))
        ([64, 256], 8)
        """
        ids: list[int] = []
        raw, normalized = self._finders[parse_special]
        for piece, found in raw.split(text):
            if found is not None:
                ids.append(found)
                continue
            if self.normalizer is not None:
                piece = unicodedata.normalize(self.normalizer, piece)
            for words, token in normalized.split(piece):
                ids.extend(self._merged(words) if token is None else (token,))
        return [*self.before, *ids, *self.after] if add_special else ids

    def decode(self, ids: Iterable[int], *, skip_special: bool = False) -> str:
        """The text of ``ids``, without special tokens when asked.

        Bytes that are no UTF-8 become U+FFFD. Raises ValueError for an id that is no token.

        >>> tokenizer = BPETokenizer.train("", 257, special_tokens=["<|end|>"])
        >>> tokenizer.decode([64, 256]), tokenizer.decode([64, 256], skip_special=True)
        ('a<|end|>', 'a')
        """
        if skip_special:
            ids = [i for i in ids if i not in self._special_ids]
        return to_text(self.decode_bytes(ids))

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of ``ids``, which may be a piece of a character.

        Raises ValueError for an id that is no token.

        >>> BPETokenizer.train("", 256).decode_bytes([127])
        b'\\xc3'
        """
        try:
            return b"".join(map(self._bytes_of.__getitem__, ids))
        except KeyError as error:
            raise ValueError(
                f"decode: id {error.args[0]} is no token of the vocabulary of {self.vocab_size} "
                f"({len(self._bytes_of)} tokens)"
            ) from None

    def save(self, path: str | Path) -> None:
        """Write Hugging Face's ``tokenizer.json``: a file ``*.json``, or into a folder.

        A folder gets ``tokenizer_config.json`` as well, with the chat template and which token
        ends a text. Raises ValueError for what the format cannot express.

        >>> import tempfile
        >>> folder, tokenizer = tempfile.mkdtemp(), BPETokenizer.train("to be to be", 258)
        >>> tokenizer.save(folder)
        >>> BPETokenizer.load(folder) == tokenizer
        True
        """
        from transformer.tokenizers.hf_folder import save

        save(self, path)

    @classmethod
    def load(cls, path: str | Path) -> "BPETokenizer":
        """The tokenizer of a file or folder that holds a byte-level BPE (see ``load_tokenizer``).

        Raises ValueError when it holds another kind.

        >>> import tempfile
        >>> file, tokenizer = tempfile.mkdtemp() + "/t.json", BPETokenizer.train("to be to be", 258)
        >>> tokenizer.save(file)
        >>> BPETokenizer.load(file).encode("to be") == tokenizer.encode("to be")
        True
        """
        from transformer.tokenizers.load import load_tokenizer

        tokenizer = load_tokenizer(path)
        if not isinstance(tokenizer, cls):
            raise ValueError(f"{path}: holds a {type(tokenizer).__name__}, no {cls.__name__}")
        return tokenizer

    def to_dict(self) -> dict[str, Any]:
        """All there is to know, as JSON-able values.

        >>> values = BPETokenizer.train("to be to be", 258).to_dict()
        >>> values["type"], values["merges"]
        ('bpe', ['b e', 't o'])
        """
        from transformer.tokenizers.bpe_dict import to_dict

        return to_dict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "BPETokenizer":
        """The tokenizer ``to_dict`` described. Raises ValueError for anything else.

        >>> tokenizer = BPETokenizer.train("to be to be", 258)
        >>> BPETokenizer.from_dict(tokenizer.to_dict()) == tokenizer
        True
        """
        from transformer.tokenizers.bpe_dict import settings_of

        return cls(**settings_of(values))

    def _merged(self, text: str) -> Iterable[int]:
        """The ids of a text without added tokens."""
        if self.add_prefix_space and not text.startswith(" "):
            text = " " + text
        return chain.from_iterable(map(self._ids_of_word.__getitem__, self._words(text)))

    def _finders_for(self, parse_special: bool) -> tuple[Finder, Finder]:
        """What finds added tokens in the text as it stands, and in the normalised text."""
        raw = [token for token in self.added_tokens if not token.normalized]
        rest = [self._normalised(token) for token in self.added_tokens if token.normalized]
        return Finder(raw, parse_special), Finder(rest, parse_special)

    def _normalised(self, token: AddedToken) -> AddedToken:
        """The token as it stands in a normalised text."""
        if self.normalizer is None:
            return token
        return replace(token, text=unicodedata.normalize(self.normalizer, token.text))

    def _id_of(self, name: str | int | None, role: str) -> int | None:
        """The id of a token by name, special or not."""
        if name is None:
            return None
        if isinstance(name, int):
            found = name if name in self._bytes_of else None
        else:
            found = self._id_of_name.get(name, self.vocab.get(to_bytes(name)))
        if found is None:
            raise ValueError(f"BPETokenizer: {role}={name!r} is not in the vocabulary")
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_dict, (self.to_dict(),)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BPETokenizer):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.vocab_size, self.splits, self.added_tokens))

    def __repr__(self) -> str:
        how = "by rank" if self.merges is None else f"{len(self.merges)} merges"
        return f"BPETokenizer({self.vocab_size} tokens, {how}, {len(self.special_tokens)} special)"


def _bytes_by_id(vocab: Mapping[bytes, int], added: Sequence[AddedToken]) -> dict[int, bytes]:
    """The bytes of every id, after making sure that ids are ids and none means two tokens."""
    found: dict[int, bytes] = {}
    named = [(to_bytes(token.text), token.id) for token in added]
    for token, i in chain(vocab.items(), named):
        if not isinstance(i, int) or i < 0:
            raise ValueError(f"BPETokenizer: the id of {token!r} is {i!r}, no number from 0 on")
        if found.setdefault(i, token) != token:
            raise ValueError(f"BPETokenizer: id {i} means both {found[i]!r} and {token!r}")
    return found

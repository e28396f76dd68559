"""SentencePiece's byte-pair encoding: scored pieces of characters, as in Llama 2 and Mistral.

A space is written U+2581 inside pieces. Of all neighbouring pairs whose join is a piece, the pair
with the best score is joined first (of equals the leftmost), until no pair is left (Kudo and
Richardson 2018). A character that is no piece becomes its UTF-8 bytes, ``<0x00>`` to ``<0xFF>``.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from transformer.tokenizers.base import END_TOKENS
from transformer.tokenizers.pieces import (
    BYTE,
    CONTROL,
    SPACE,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    Piece,
    any_of,
    byte_of,
    join_pairs,
    word_pattern,
)

__all__ = ["Piece", "SentencePieceTokenizer"]

PREFIXES = ("each", "missing", "first")  # which stretches of text get a dummy prefix

_LONGEST_CACHED = 64  # characters; longer words seldom come twice
_MOST_CACHED = 1 << 17


class SentencePieceTokenizer:
    """A tokenizer of scored pieces, token for token as ``sentencepiece`` with ``model_type=bpe``.

    ``space`` stands for a space in ``pieces``. ``add_dummy_prefix`` writes one space before each
    stretch of ordinary text (``whitespace_suffix``: after it), ``prefix`` to which of them: to
    ``"each"``, to each that lacks one (``"missing"``), or only to a ``"first"`` that lacks one, as
    Hugging Face's Metaspace does. ``remove_extra_whitespaces`` keeps
    one space of several, and none at the ends. ``user_defined_apart`` begins a new stretch after a
    user-defined piece, as Hugging Face does and SentencePiece does not. ``add_bos``/``add_eos`` say
    what ``encode(add_special=True)`` adds. Raises ValueError when a piece is empty or stands twice,
    when bytes are incomplete, or when neither bytes nor an unknown piece could stand for a
    stranger.

    ``decode(encode(text)) == text`` for every text when there are byte pieces,
    ``remove_extra_whitespaces`` is off and ``prefix`` is ``"each"``, but for U+2581 itself, which
    comes back as the space it stands for (``space=" "`` has no such exception). With
    ``add_dummy_prefix`` ids cut out of the middle of a text lose one leading space; with
    ``whitespace_suffix`` a text gains one at its end.

    >>> tokenizer = SentencePieceTokenizer(
    ...     [Piece("<unk>", 0, 2), Piece("a"), Piece("b"), Piece("ab", -1), Piece("\u2581", -2)])
    >>> tokenizer.encode("ab ba")
    [4, 3, 4, 2, 1]
    >>> tokenizer.decode([4, 3, 4, 2, 1])
    'ab ba'
    """

    def __init__(
        self,
        pieces: Iterable[Sequence[Any]],
        *,
        space: str = SPACE,
        add_dummy_prefix: bool = True,
        prefix: str = "each",
        remove_extra_whitespaces: bool = False,
        whitespace_suffix: bool = False,
        user_defined_apart: bool = False,
        add_bos: bool = True,
        add_eos: bool = False,
        bos_id: int | None = None,
        eos_id: int | None = None,
        stop_ids: Iterable[int] = (),
        chat_template: str | None = None,
        unknown_surface: str = " \u2047 ",
    ) -> None:
        self.pieces = tuple(Piece(*piece) for piece in pieces)
        self.space = space
        self.add_dummy_prefix = add_dummy_prefix
        if prefix not in PREFIXES:
            raise ValueError(f"SentencePieceTokenizer: prefix {prefix!r} is none of {PREFIXES}")
        self.prefix = prefix
        self.remove_extra_whitespaces = remove_extra_whitespaces
        self.whitespace_suffix = whitespace_suffix
        self.user_defined_apart = user_defined_apart
        self.add_bos, self.add_eos = add_bos, add_eos
        self.bos_id, self.eos_id = self._checked(bos_id, "bos_id"), self._checked(eos_id, "eos_id")
        self.chat_template = chat_template
        self.unknown_surface = unknown_surface
        self._index()
        ends = {i for text, i in self.special_tokens.items() if text in END_TOKENS}
        self.stop_ids = frozenset({*stop_ids, *ends} | ({eos_id} if eos_id is not None else set()))

    def _index(self) -> None:
        """Look-up tables: pieces to join, bytes, specials, and where a text may be cut in words."""
        self._id_of: dict[str, int] = {}
        self.special_tokens: dict[str, int] = {}
        self.unknown_id: int | None = None
        self._byte_ids: list[int] = [-1] * 256
        for i, (text, _, kind) in enumerate(self.pieces):
            if not text:
                raise ValueError(f"SentencePieceTokenizer: piece {i} is empty")
            table = self.special_tokens if kind == CONTROL else self._id_of
            if kind == UNKNOWN:
                self.unknown_id = i
            elif kind == BYTE:
                self._byte_ids[byte_of(text, i)] = i
            elif text in table:
                raise ValueError(
                    f"SentencePieceTokenizer: the piece {text!r} stands twice, at {table[text]} "
                    f"and {i}"
                )
            else:
                table[text] = i
        self._byte_fallback = self._complete_bytes()
        self._score_of = {text: self.pieces[i].score for text, i in self._id_of.items()}
        self._unused = frozenset(p.text for p in self.pieces if p.kind == UNUSED)
        self._user_defined = any_of(p.text for p in self.pieces if p.kind == USER_DEFINED)
        apart = {p.text: i for i, p in enumerate(self.pieces) if p.kind == USER_DEFINED}
        apart = apart if self.user_defined_apart else {}
        self._apart = {True: self.special_tokens | apart, False: apart}  # by parse_special
        self._parting = {parse: any_of(ids) for parse, ids in self._apart.items()}
        self._words = word_pattern(self.space, self._id_of)
        self._cache: dict[str, tuple[int, ...]] = {}
        self._kinds = [piece.kind for piece in self.pieces]

    def _complete_bytes(self) -> bool:
        missing = self._byte_ids.count(-1)
        if 0 < missing < 256:
            raise ValueError(
                f"SentencePieceTokenizer: {missing} of the 256 byte pieces (<0x00> to <0xFF>) are "
                f"missing, the first <0x{self._byte_ids.index(-1):02X}>"
            )
        if missing and self.unknown_id is None:
            raise ValueError(
                "SentencePieceTokenizer: there are neither byte pieces nor an unknown piece, so a "
                "character outside the vocabulary has no token; add Piece('<unk>', 0, 2)"
            )
        return not missing

    def _checked(self, i: int | None, name: str) -> int | None:
        if i is not None and not 0 <= i < len(self.pieces):
            raise ValueError(
                f"SentencePieceTokenizer: {name} {i} is outside the {len(self.pieces)} pieces"
            )
        return i

    @property
    def vocab_size(self) -> int:
        """How many pieces there are.

        >>> SentencePieceTokenizer([Piece("<unk>", 0, 2), Piece("a")]).vocab_size
        2
        """
        return len(self.pieces)

    def encode(
        self, text: str, *, add_special: bool = False, parse_special: bool = True
    ) -> list[int]:
        """The ids of ``text``.

        ``add_special`` adds BOS and EOS as the model wants them; ``parse_special`` reads the text
        of a control piece (``</s>``) as that piece. Each stretch of text between control pieces
        is encoded as a text of its own, dummy prefix included, as llama.cpp does.

        >>> tokenizer = SentencePieceTokenizer(
        ...     [("<unk>", 0, 2), ("<s>", 0, 3), ("a",), ("<",), ("s",), (">",)],
        ...     add_dummy_prefix=False, bos_id=1)
        >>> tokenizer.encode("a<s>", add_special=True)
        [1, 2, 1]
        >>> tokenizer.encode("a<s>", parse_special=False)
        [2, 3, 4, 5]
        """
        ids: list[int] = []
        if add_special and self.add_bos and self.bos_id is not None:
            ids.append(self.bos_id)
        parting, apart = self._parting[parse_special], self._apart[parse_special]
        for i, part in enumerate(parting.split(text) if parting is not None else [text]):
            if i % 2:  # what the pattern found
                ids.append(apart[part])
            else:
                self._encode_text(part, ids, first=i == 0)
        if add_special and self.add_eos and self.eos_id is not None:
            ids.append(self.eos_id)
        return ids

    def encode_inside(self, text: str) -> list[int]:
        """The ids of ordinary text that does not begin the whole: where special tokens come before.

        >>> pieces = [("<unk>", 0, 2), ("a",), ("\u2581",)]
        >>> tokenizer = SentencePieceTokenizer(pieces, prefix="first")
        >>> tokenizer.encode("a"), tokenizer.encode_inside("a")
        ([2, 1], [1])
        """
        ids: list[int] = []
        self._encode_text(text, ids, first=False)
        return ids

    def _encode_text(self, text: str, ids: list[int], first: bool) -> None:
        """Append the ids of ordinary text."""
        text = self._normalised(text, first)
        parts = self._user_defined.split(text) if self._user_defined is not None else [text]
        start = len(ids)
        for i, part in enumerate(parts):
            if i % 2:  # what the pattern found: never joined with its neighbours
                ids.append(self._id_of[part])
            elif part:
                self._encode_words(part, ids)
        if not self._byte_fallback:
            unknown = self.unknown_id
            ids[start:] = [  # a run of strangers is one unknown token
                i
                for at, i in enumerate(ids[start:], start)
                if i != unknown or at == start or ids[at - 1] != unknown
            ]

    def _encode_words(self, text: str, ids: list[int]) -> None:
        cache = self._cache
        for word in self._words.findall(text) if self._words is not None else [text]:
            found = cache.get(word)
            if found is None:
                found = tuple(self._encode_word(word))
                if len(word) <= _LONGEST_CACHED:
                    if len(cache) >= _MOST_CACHED:
                        cache.clear()
                    cache[word] = found
            ids.extend(found)

    def _encode_word(self, word: str) -> Iterable[int]:
        for symbol in join_pairs(word, self._score_of, self._unused):
            i = self._id_of.get(symbol)
            if i is not None:
                yield i
            elif self._byte_fallback:
                for byte in symbol.encode("utf-8", "surrogatepass"):
                    yield self._byte_ids[byte]
            else:
                assert self.unknown_id is not None  # _complete_bytes saw to it
                yield self.unknown_id

    def _normalised(self, text: str, first: bool) -> str:
        """``text`` with its spaces as pieces have them, and the dummy prefix or suffix."""
        if self.remove_extra_whitespaces:
            text = re.sub(" +", " ", text.lstrip(" "))
        if not text:
            return ""
        text = text.replace(" ", self.space)
        lacks = self.prefix == "each" or not text.startswith(self.space)
        wanted = self.add_dummy_prefix and lacks and (first or self.prefix != "first")
        if wanted and not self.whitespace_suffix:
            text = self.space + text
        if self.remove_extra_whitespaces:
            text = text.rstrip(self.space)
        if wanted and self.whitespace_suffix:
            text += self.space
        return text

    def decode(self, ids: Iterable[int], *, skip_special: bool = False) -> str:
        """The text of ``ids``; each byte of invalid UTF-8 becomes U+FFFD, as in ``sentencepiece``.

        The dummy prefix is taken off again: at the start and, unless ``skip_special`` leaves
        control pieces out, after each of them. Raises ValueError for an id that is no piece's.

        >>> tokenizer = SentencePieceTokenizer([("<unk>", 0, 2), ("</s>", 0, 3), ("\u2581a",)])
        >>> tokenizer.decode([2, 2, 1, 2])
        'a a</s>a'
        >>> tokenizer.decode([2, 2, 1, 2], skip_special=True)
        'a a a'
        """
        return self._bytes(ids, skip_special).decode("utf-8", "transformer.each_byte")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of ``ids``, whether or not they end inside a character.

        >>> tokenizer = SentencePieceTokenizer([(f"<0x{b:02X}>", 0, 6) for b in range(256)])
        >>> tokenizer.decode_bytes(tokenizer.encode("\u00e9")[1:3])
        b'\\x96\\x81'
        """
        return self._bytes(ids, skip_special=False)

    def _bytes(self, ids: Iterable[int], skip_special: bool) -> bytes:
        out = bytearray()
        strips = self.add_dummy_prefix or self.remove_extra_whitespaces
        fresh = True  # a leading space here would be the dummy prefix
        for i in ids:
            if not 0 <= i < len(self.pieces):
                raise ValueError(
                    f"decode: id {i} is outside the vocabulary of {self.vocab_size} pieces "
                    f"(ids 0 to {self.vocab_size - 1})"
                )
            kind = self._kinds[i]
            if kind == CONTROL:
                if not skip_special:
                    out += self.pieces[i].text.encode("utf-8", "surrogatepass")
                    fresh = self.prefix != "first"
                continue
            text = self.piece_bytes(i)
            is_prefix = kind not in (UNKNOWN, BYTE) and self.pieces[i].text.startswith(self.space)
            if fresh and strips and is_prefix:
                text = text[1:]
                fresh = self.remove_extra_whitespaces and not text
            else:
                apart = self.user_defined_apart and self.prefix != "first"
                fresh = kind == USER_DEFINED and apart
            out += text
        return bytes(out)

    def piece_bytes(self, i: int) -> bytes:
        """The bytes one id stands for, its leading space included.

        >>> SentencePieceTokenizer([("<unk>", 0, 2), ("\u2581a",)]).piece_bytes(1)
        b' a'
        """
        text, _, kind = self.pieces[i]
        if kind == BYTE:
            return bytes([int(text[3:5], 16)])
        if kind == UNKNOWN:
            text = self.unknown_surface
        elif kind != CONTROL:
            text = text.replace(self.space, " ")
        return text.encode("utf-8", "surrogatepass")

    def to_dict(self) -> dict[str, Any]:
        """All there is to know, as JSON-able values.

        >>> tokenizer = SentencePieceTokenizer([("<unk>", 0, 2), ("a",)])
        >>> SentencePieceTokenizer.from_dict(tokenizer.to_dict()) == tokenizer
        True
        """
        return {
            "type": "sentencepiece",
            "pieces": [list(piece) for piece in self.pieces],
            "space": self.space,
            "add_dummy_prefix": self.add_dummy_prefix,
            "prefix": self.prefix,
            "remove_extra_whitespaces": self.remove_extra_whitespaces,
            "whitespace_suffix": self.whitespace_suffix,
            "user_defined_apart": self.user_defined_apart,
            "add_bos": self.add_bos,
            "add_eos": self.add_eos,
            "bos_id": self.bos_id,
            "eos_id": self.eos_id,
            "stop_ids": sorted(self.stop_ids),
            "chat_template": self.chat_template,
            "unknown_surface": self.unknown_surface,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "SentencePieceTokenizer":
        """The tokenizer ``to_dict`` described.

        Raises ValueError when ``values`` does not describe one.

        >>> SentencePieceTokenizer.from_dict(
        ...     {"type": "sentencepiece", "pieces": [["<unk>", 0.0, 2], ["a", 0.0, 1]]}).vocab_size
        2
        """
        options = dict(values)
        if options.pop("type", None) != "sentencepiece" or "pieces" not in options:
            raise ValueError(
                "SentencePieceTokenizer.from_dict: expected {'type': 'sentencepiece', 'pieces': "
                f"[...]}}, got type {values.get('type')!r} and keys {sorted(values)}"
            )
        return cls(options.pop("pieces"), **options)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SentencePieceTokenizer):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.pieces, self.space, self.bos_id, self.eos_id))

    def __repr__(self) -> str:
        return f"SentencePieceTokenizer({self.vocab_size} pieces)"

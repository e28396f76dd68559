"""The tokenizer inside a GGUF file, as the metadata ``tokenizer.ggml.*`` describes it.

``gpt2`` vocabularies are byte-level BPE: tokens in GPT-2's printable bytes, merges, and in ``pre``
the name under which llama.cpp knows where words are cut. ``llama`` vocabularies are those of
SentencePiece: pieces with scores. ``tokenizer_from_gguf`` reads both, ``gguf_fields`` writes both.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from transformer.tokenizers.added import AddedToken
from transformer.tokenizers.base import END_TOKENS, Tokenizer
from transformer.tokenizers.bpe import BPETokenizer
from transformer.tokenizers.byte_alphabet import from_printable, printable, read_merge
from transformer.tokenizers.bytes import ByteTokenizer
from transformer.tokenizers.gguf_patterns import IGNORES_MERGES, WANTS_BOS, name_of, pattern_of
from transformer.tokenizers.merging import merges_of_ranks
from transformer.tokenizers.pieces import (
    BYTE,
    CONTROL,
    NORMAL,
    SPACE,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    Piece,
)
from transformer.tokenizers.sentencepiece import SentencePieceTokenizer

_KEY = "tokenizer.ggml."
_ENDS = ("eot_token_id", "eom_token_id")  # end an answer, beside eos_token_id


def tokenizer_from_gguf(fields: Mapping[str, Any]) -> BPETokenizer | SentencePieceTokenizer:
    """The tokenizer of a GGUF file's metadata: the same ids as llama.cpp gives.

    ``fields`` are plain values by their full keys. Raises ValueError for a kind of vocabulary that
    is not read (``bert``, ``t5``, ...), for an unknown ``tokenizer.ggml.pre``, and for metadata
    that is incomplete or contradicts itself.

    >>> tokenizer = tokenizer_from_gguf({
    ...     "tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": ["<unk>", "<s>", "\u2581a"],
    ...     "tokenizer.ggml.scores": [0.0, 0.0, -1.0], "tokenizer.ggml.token_type": [2, 3, 1]})
    >>> tokenizer.encode("b", add_special=True)
    [1, 0]
    """
    model = fields.get(_KEY + "model")
    if model == "gpt2":
        return _byte_level(fields)
    if model == "llama":
        return _pieces(fields)
    raise ValueError(
        f"tokenizer_from_gguf: the vocabulary is of the kind {model!r}; 'gpt2' (byte-level BPE) "
        f"and 'llama' (SentencePiece BPE) are read"
    )


def _tokens(fields: Mapping[str, Any]) -> tuple[list[str], list[int]]:
    """The tokens and their kinds; what begins or ends a text is a control token in any case."""
    tokens = _get(fields, "tokens", None)
    if not tokens:
        raise ValueError("tokenizer_from_gguf: the metadata has no tokenizer.ggml.tokens")
    tokens = [str(token) for token in tokens]
    kinds = [int(kind) for kind in _get(fields, "token_type", [NORMAL] * len(tokens))]
    if len(kinds) != len(tokens):
        raise ValueError(
            f"tokenizer_from_gguf: {len(tokens)} tokens, but {len(kinds)} entries in "
            f"tokenizer.ggml.token_type"
        )
    for name in ("bos_token_id", "eos_token_id", *_ENDS):
        i = _id(fields, name, len(tokens))
        if i is not None and kinds[i] != UNKNOWN:
            kinds[i] = CONTROL
    return tokens, kinds


def _get(fields: Mapping[str, Any], name: str, default: Any) -> Any:
    return fields.get(_KEY + name, default)


def _id(fields: Mapping[str, Any], name: str, n: int, default: int | None = None) -> int | None:
    """A token's id; None when it is no token's, as files write it that have no such token."""
    i = _get(fields, name, default)
    return int(i) if i is not None and 0 <= int(i) < n else None


def _byte_level(fields: Mapping[str, Any]) -> BPETokenizer:
    tokens, kinds = _tokens(fields)
    merges = _get(fields, "merges", None)
    if merges is None:
        raise ValueError("tokenizer_from_gguf: a 'gpt2' vocabulary needs tokenizer.ggml.merges")
    pre = str(_get(fields, "pre", "default"))
    vocab: dict[bytes, int] = {}
    added: list[AddedToken] = []
    for i, (token, kind) in enumerate(zip(tokens, kinds, strict=True)):
        if kind in (CONTROL, USER_DEFINED, UNKNOWN):
            added.append(AddedToken(token, i, special=kind != USER_DEFINED))
        elif (first := vocab.setdefault(from_printable(token), i)) != i:
            raise ValueError(
                f"tokenizer_from_gguf: the token {token!r} stands twice, at {first} and {i}"
            )
    bos, eos = (_id(fields, name, len(tokens)) for name in ("bos_token_id", "eos_token_id"))
    ends = [_id(fields, name, len(tokens)) for name in _ENDS]
    adds_bos = _get(fields, "add_bos_token", pre in WANTS_BOS)
    return BPETokenizer(
        vocab,
        [read_merge(merge) for merge in merges],
        pattern_of(pre),
        added_tokens=added,
        bos=None if bos is None else tokens[bos],
        eos=None if eos is None else tokens[eos],
        stop=[tokens[i] for i in ends if i is not None],
        before=[bos] if adds_bos and bos is not None else [],
        after=[eos] if _get(fields, "add_eos_token", False) and eos is not None else [],
        chat_template=fields.get("tokenizer.chat_template"),
        add_prefix_space=bool(_get(fields, "add_space_prefix", False)),
        ignore_merges=pre in IGNORES_MERGES,
        drop_unknown=True,  # SmolLM2 has no token for some control characters
    )


def _pieces(fields: Mapping[str, Any]) -> SentencePieceTokenizer:
    tokens, kinds = _tokens(fields)
    scores = _get(fields, "scores", None)
    if scores is None or len(scores) != len(tokens):
        raise ValueError(
            f"tokenizer_from_gguf: a 'llama' vocabulary of {len(tokens)} tokens needs as many "
            f"tokenizer.ggml.scores, not {'none' if scores is None else len(scores)}"
        )
    n = len(tokens)
    bos, eos = _id(fields, "bos_token_id", n, 1), _id(fields, "eos_token_id", n, 2)
    ends = (_id(fields, name, n) for name in _ENDS)
    return SentencePieceTokenizer(
        [Piece(t, float(s), k or NORMAL) for t, s, k in zip(tokens, scores, kinds, strict=True)],
        add_dummy_prefix=bool(_get(fields, "add_space_prefix", True)),
        remove_extra_whitespaces=bool(_get(fields, "remove_extra_whitespaces", False)),
        add_bos=bool(_get(fields, "add_bos_token", True)),
        add_eos=bool(_get(fields, "add_eos_token", False)),
        bos_id=bos,
        eos_id=eos,
        stop_ids=[i for i in ends if i is not None],
        chat_template=fields.get("tokenizer.chat_template"),
    )


def gguf_fields(tokenizer: Tokenizer) -> dict[str, Any]:
    """The metadata that describes ``tokenizer``, for a GGUF file's writer.

    Values are plain: texts, numbers, truth values and lists of these. Raises ValueError for what
    the format cannot say: cuts of words that llama.cpp has no name for, a normaliser (NFC, which
    GGUF files of Qwen leave out, is left out), ids around a text other than BOS and EOS; TypeError
    for a tokenizer of another kind.

    >>> fields = gguf_fields(BPETokenizer.train("to be to be", 258))
    >>> fields["tokenizer.ggml.pre"], fields["tokenizer.ggml.merges"]
    ('gpt-2', ['b e', 't o'])
    """
    if isinstance(tokenizer, ByteTokenizer):
        tokenizer = BPETokenizer({bytes([byte]): byte for byte in range(256)}, [])
    if isinstance(tokenizer, BPETokenizer):
        return _fields_of_bytes(tokenizer)
    if isinstance(tokenizer, SentencePieceTokenizer):
        return _fields_of_pieces(tokenizer)
    raise TypeError(
        f"gguf_fields: GGUF has no vocabulary for a {type(tokenizer).__name__}; train the model "
        f"with a BPETokenizer or ByteTokenizer"
    )


def _fields_of_bytes(tokenizer: BPETokenizer) -> dict[str, Any]:
    if tokenizer.normalizer not in (None, "NFC"):
        raise ValueError(
            f"gguf_fields: GGUF cannot say that text is normalised to {tokenizer.normalizer}"
        )
    tokens = [f"[PAD{i}]" for i in range(tokenizer.vocab_size)]
    kinds = [UNUSED] * len(tokens)
    for token, i in tokenizer.vocab.items():
        tokens[i], kinds[i] = printable(token), NORMAL
    for added in tokenizer.added_tokens:
        tokens[added.id], kinds[added.id] = added.text, CONTROL if added.special else USER_DEFINED
    merges = tokenizer.merges
    if merges is None:
        merges = merges_of_ranks(tokenizer.vocab)
    around = ((tokenizer.before, tokenizer.bos_id), (tokenizer.after, tokenizer.eos_id))
    return {
        _KEY + "model": "gpt2",
        _KEY + "pre": name_of(tokenizer.splits, tokenizer.ignore_merges),
        _KEY + "tokens": tokens,
        _KEY + "token_type": kinds,
        _KEY + "merges": [f"{printable(left)} {printable(right)}" for left, right in merges],
        _KEY + "add_bos_token": _is_there(*around[0]),
        _KEY + "add_eos_token": _is_there(*around[1]),
        _KEY + "add_space_prefix": tokenizer.add_prefix_space,
        **_common(tokenizer),
    }


def _is_there(ids: Sequence[int], end: int | None) -> bool:
    if list(ids) not in ([], [end]):
        raise ValueError(
            f"gguf_fields: the ids {list(ids)} stand beside every text, where GGUF can only say "
            f"BOS or EOS ({end})"
        )
    return bool(ids)


def _fields_of_pieces(tokenizer: SentencePieceTokenizer) -> dict[str, Any]:
    if tokenizer.whitespace_suffix:
        raise ValueError("gguf_fields: GGUF cannot say that a space follows a word (suffix)")
    texts = [
        piece.text if piece.kind in (BYTE, CONTROL) else piece.text.replace(tokenizer.space, SPACE)
        for piece in tokenizer.pieces
    ]
    return {
        _KEY + "model": "llama",
        _KEY + "pre": "default",
        _KEY + "tokens": texts,
        _KEY + "scores": [piece.score for piece in tokenizer.pieces],
        _KEY + "token_type": [piece.kind for piece in tokenizer.pieces],
        _KEY + "add_bos_token": tokenizer.add_bos,
        _KEY + "add_eos_token": tokenizer.add_eos,
        _KEY + "add_space_prefix": tokenizer.add_dummy_prefix,
        _KEY + "remove_extra_whitespaces": tokenizer.remove_extra_whitespaces,
        **_common(tokenizer),
    }


def _common(tokenizer: BPETokenizer | SentencePieceTokenizer) -> dict[str, Any]:
    """What both kinds have, as far as there is such a thing."""
    by_name = {i for name, i in tokenizer.special_tokens.items() if name in END_TOKENS}
    turn = min(tokenizer.stop_ids - by_name - {tokenizer.eos_id}, default=None)
    found = {
        _KEY + "bos_token_id": tokenizer.bos_id,
        _KEY + "eos_token_id": tokenizer.eos_id,
        _KEY + "eot_token_id": turn,
        "tokenizer.chat_template": tokenizer.chat_template,
    }
    return {key: value for key, value in found.items() if value is not None}

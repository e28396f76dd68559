"""SentencePiece's ``.model`` files, read and written: a protocol buffer of pieces and settings.

Only the fields that change ids or texts are read, by their numbers in SentencePiece's
``sentencepiece_model.proto``. A reader of the wire format (protobuf.dev, "Encoding") is short
enough to need no library.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformer.io.atomic import replace_file
from transformer.tokenizers.pieces import BYTE, SPACE, Piece
from transformer.tokenizers.sentencepiece import SentencePieceTokenizer

# Field numbers of the messages: ModelProto, its SentencePiece, TrainerSpec and NormalizerSpec.
_PIECES, _TRAINER, _NORMALIZER, _DENORMALIZER = 1, 2, 3, 5
_TEXT, _SCORE, _KIND = 1, 2, 3
_MODEL_TYPE, _SUFFIX, _BYTE_FALLBACK, _BOS, _EOS, _SURFACE = 3, 24, 35, 41, 42, 44
_NAME, _CHARSMAP, _DUMMY, _EXTRA, _ESCAPE = 1, 2, 3, 4, 5
_MODEL_TYPES = {1: "unigram", 2: "bpe", 3: "word", 4: "char"}


def load_sentencepiece(path: str | Path) -> SentencePieceTokenizer:
    """The tokenizer in a ``.model`` file.

    Raises ValueError when the file is not such a file, is damaged, or holds another kind of model
    than byte-pair encoding (unigram, word, char) or one that normalises text beyond its spaces.

    >>> import tempfile
    >>> tokenizer = SentencePieceTokenizer([("<unk>", 0, 2), ("\u2581a", -1.5)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_sentencepiece(tokenizer, folder + "/tiny.model")
    ...     load_sentencepiece(folder + "/tiny.model") == tokenizer
    True
    """
    data = Path(path).read_bytes()
    try:
        model = list(_fields(data))
        pieces = [_piece(_last(value)) for number, value in model if number == _PIECES]
        specs = (_TRAINER, _NORMALIZER, _DENORMALIZER)
        messages = {number: _last(value) for number, value in model if number in specs}
    except (ValueError, TypeError, struct.error) as error:
        raise ValueError(f"{path} is not a SentencePiece model, or is damaged: {error}") from None
    if not pieces:
        raise ValueError(f"{path} is not a SentencePiece model: it holds no pieces")
    trainer, normalizer = messages.get(_TRAINER, {}), messages.get(_NORMALIZER, {})
    _refuse_others(path, trainer, normalizer, messages.get(_DENORMALIZER, {}))
    return SentencePieceTokenizer(pieces, **_options(trainer, normalizer, len(pieces)))


def _refuse_others(path: str | Path, trainer: dict, normalizer: dict, denormalizer: dict) -> None:
    kind = _MODEL_TYPES.get(trainer.get(_MODEL_TYPE, 1), "unknown")
    if kind != "bpe":
        raise ValueError(
            f"{path} is a SentencePiece model of type {kind!r}; only 'bpe' models are read "
            f"(train one with model_type=bpe, or use the sentencepiece library)"
        )
    for spec in (normalizer, denormalizer):
        if spec.get(_CHARSMAP):
            name = bytes(spec.get(_NAME, b"")).decode("utf-8", "replace")
            raise ValueError(
                f"{path} rewrites text with the normalisation {name!r} before it splits it; only "
                f"models without one (normalization_rule_name=identity) are read"
            )
    if not normalizer.get(_ESCAPE, 1):
        raise ValueError(
            f"{path} keeps spaces as they are (escape_whitespaces=false): not supported"
        )


def _options(trainer: dict, normalizer: dict, n: int) -> dict[str, Any]:
    """The settings of the tokenizer; a field left out has the default of the format."""
    bos, eos = _signed(trainer.get(_BOS, 1)), _signed(trainer.get(_EOS, 2))
    surface = trainer.get(_SURFACE)
    return {
        "add_dummy_prefix": bool(normalizer.get(_DUMMY, 1)),
        "remove_extra_whitespaces": bool(normalizer.get(_EXTRA, 1)),
        "whitespace_suffix": bool(trainer.get(_SUFFIX, 0)),
        "bos_id": bos if 0 <= bos < n else None,
        "eos_id": eos if 0 <= eos < n else None,
        **({"unknown_surface": bytes(surface).decode()} if surface is not None else {}),
    }


def save_sentencepiece(tokenizer: SentencePieceTokenizer, path: str | Path) -> None:
    """Write ``tokenizer`` as a ``.model`` file that the sentencepiece library reads.

    What the format has no place for is left out: the chat template, and which ids end an answer.
    Where spaces stand for themselves in its pieces (llama2.c's files), U+2581 takes their place.

    >>> import tempfile
    >>> tokenizer = SentencePieceTokenizer([("<unk>", 0, 2), ("a",)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_sentencepiece(tokenizer, folder + "/m.model")
    """
    if tokenizer.space == " ":
        pieces = [Piece(p.text.replace(" ", SPACE), p.score, p.kind) for p in tokenizer.pieces]
    else:
        pieces = list(tokenizer.pieces)
    out = bytearray()
    for text, score, kind in pieces:
        body = _bytes_field(_TEXT, text.encode()) + _float_field(_SCORE, score)
        out += _bytes_field(_PIECES, body + _int_field(_KIND, kind))
    trainer = _int_field(_MODEL_TYPE, 2) + _int_field(4, len(pieces))
    trainer += _int_field(_SUFFIX, tokenizer.whitespace_suffix)
    trainer += _int_field(_BYTE_FALLBACK, any(piece.kind == BYTE for piece in pieces))
    trainer += _int_field(40, -1 if tokenizer.unknown_id is None else tokenizer.unknown_id)
    trainer += _int_field(_BOS, -1 if tokenizer.bos_id is None else tokenizer.bos_id)
    trainer += _int_field(_EOS, -1 if tokenizer.eos_id is None else tokenizer.eos_id)
    trainer += _bytes_field(_SURFACE, tokenizer.unknown_surface.encode())
    normalizer = _bytes_field(_NAME, b"identity")
    normalizer += _int_field(_DUMMY, tokenizer.add_dummy_prefix)
    normalizer += _int_field(_EXTRA, tokenizer.remove_extra_whitespaces) + _int_field(_ESCAPE, 1)
    out += _bytes_field(_TRAINER, trainer) + _bytes_field(_NORMALIZER, normalizer)
    replace_file(path, lambda file: file.write(out))


def _piece(fields: dict[int, Any]) -> Piece:
    text = bytes(fields.get(_TEXT, b"")).decode("utf-8")
    return Piece(text, float(fields.get(_SCORE, 0.0)), int(fields.get(_KIND, 1)))


def _last(value: Any) -> dict[int, Any]:
    """The fields of an embedded message; of a field that is given twice, the last."""
    return dict(_fields(bytes(value)))


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message: number, and an int, a float or bytes.

    Raises ValueError where the bytes end too early or name a type the format does not have.
    """
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError(f"field {number} at byte {at} has the unknown type {wire}")
        if at + size > len(data):
            raise ValueError(f"field {number} ends at byte {at + size} of {len(data)}")
        body, at = data[at : at + size], at + size
        yield number, struct.unpack("<f", body)[0] if wire == 5 else body


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, lowest first; and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError(f"it ends within a number, at byte {at}")
        value |= (data[at] & 0x7F) << shift
        at += 1
        if not data[at - 1] & 0x80:
            return value, at
    raise ValueError(f"the number that ends at byte {at} is longer than 64 bits")


def _signed(value: int) -> int:
    """An int32 or int64 field: negative numbers are written as 64 bits."""
    return value - (1 << 64) if value >> 63 else value


def _number(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _int_field(number: int, value: int) -> bytes:
    return _number(number << 3) + _number(int(value))


def _bytes_field(number: int, value: bytes) -> bytes:
    return _number(number << 3 | 2) + _number(len(value)) + value


def _float_field(number: int, value: float) -> bytes:
    return _number(number << 3 | 5) + struct.pack("<f", value)

"""The vocabulary files of llama2.c: ``tokenizer.bin`` beside a model's ``.bin``.

The file is the longest piece's length (int32), then of each piece its score (float32), its length
(int32) and its UTF-8, in which a space is a space. Id 0 is unknown, 1 begins and 2 ends a text,
3 to 258 are the bytes; this order is the program's, the file does not say it.
"""

import struct
from pathlib import Path

from transformer.io.atomic import replace_file
from transformer.tokenizers.pieces import BYTE, CONTROL, NORMAL, UNKNOWN, Piece
from transformer.tokenizers.sentencepiece import SentencePieceTokenizer

_UNK, _BOS, _EOS, _FIRST_BYTE = 0, 1, 2, 3
_LONGEST_PIECE = 8000  # bytes; a larger number is no length but another file's contents


def load_llama2c_tokenizer(path: str | Path) -> SentencePieceTokenizer:
    """The tokenizer in a llama2.c vocabulary file, which gives the ids the C program gives.

    Raises ValueError when the file is no such file, or ends too early.

    >>> import tempfile
    >>> tokenizer = SentencePieceTokenizer(
    ...     [("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3)]
    ...     + [(f"<0x{b:02X}>", 0, 6) for b in range(256)] + [(" ",), ("a", -1)],
    ...     space=" ", bos_id=1, eos_id=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_llama2c_tokenizer(tokenizer, folder + "/tok.bin")
    ...     load_llama2c_tokenizer(folder + "/tok.bin").encode("a\\n", add_special=True)
    [1, 259, 260, 13]
    """
    data = Path(path).read_bytes()
    texts: list[tuple[bytes, float]] = []
    at = 4
    while at < len(data):
        if at + 8 > len(data):
            raise ValueError(_broken(path, f"it ends in the header of piece {len(texts)}"))
        score, length = struct.unpack_from("<fi", data, at)
        at += 8
        if not 0 < length <= _LONGEST_PIECE or at + length > len(data):
            raise ValueError(_broken(path, f"piece {len(texts)} is {length} bytes long"))
        texts.append((data[at : at + length], score))
        at += length
    if len(texts) < _FIRST_BYTE + 256:
        raise ValueError(_broken(path, f"it has {len(texts)} pieces, fewer than 259"))
    try:
        pieces = [_piece(i, text, score) for i, (text, score) in enumerate(texts)]
        return SentencePieceTokenizer(pieces, space=" ", bos_id=_BOS, eos_id=_EOS)
    except ValueError as error:
        raise ValueError(_broken(path, str(error))) from None


def _broken(path: str | Path, why: str) -> str:
    return f"{path} is not a llama2.c tokenizer.bin, or is damaged: {why}"


def _piece(i: int, data: bytes, score: float) -> Piece:
    """Piece ``i``; its kind follows from its number."""
    text = data.decode("utf-8")
    if i < _FIRST_BYTE:
        return Piece(text.strip("\n"), score, UNKNOWN if i == _UNK else CONTROL)
    return Piece(text, score, BYTE if i < _FIRST_BYTE + 256 else NORMAL)


def save_llama2c_tokenizer(tokenizer: SentencePieceTokenizer, path: str | Path) -> None:
    """Write ``tokenizer`` as llama2.c reads it.

    Raises ValueError unless its ids 0, 1, 2 are unknown, BOS and EOS, its bytes are 3 to 258, and
    it puts a space before a text: the C program takes all of that for granted.

    >>> save_llama2c_tokenizer(SentencePieceTokenizer([("<unk>", 0, 2), ("a",)]), "tok.bin")
    Traceback (most recent call last):
    ValueError: llama2.c wants the pieces unknown, BOS, EOS, 256 bytes, then the others; piece 1 ...
    """
    if not isinstance(tokenizer, SentencePieceTokenizer):
        raise ValueError(
            f"llama2.c knows SentencePiece vocabularies, not a {type(tokenizer).__name__}; "
            f"save_llama2c(model, None, path) writes the model alone"
        )
    kinds = [UNKNOWN, CONTROL, CONTROL, *[BYTE] * 256]
    found = [piece.kind for piece in tokenizer.pieces[: len(kinds)]]
    if found != kinds or (tokenizer.bos_id, tokenizer.eos_id) != (_BOS, _EOS):
        wrong = next((i for i, k in enumerate(kinds) if found[i : i + 1] != [k]), len(found))
        raise ValueError(
            "llama2.c wants the pieces unknown, BOS, EOS, 256 bytes, then the others; piece "
            f"{wrong} is another, or BOS {tokenizer.bos_id} and EOS {tokenizer.eos_id} are not 1, 2"
        )
    if not tokenizer.add_dummy_prefix or tokenizer.remove_extra_whitespaces:
        raise ValueError(
            "llama2.c puts one space before a text and keeps all others; this tokenizer has "
            f"add_dummy_prefix={tokenizer.add_dummy_prefix}, "
            f"remove_extra_whitespaces={tokenizer.remove_extra_whitespaces}"
        )
    out = bytearray()
    longest = 0
    for i, (text, score, _) in enumerate(tokenizer.pieces):
        text = f"\n{text}\n" if i in (_BOS, _EOS) else text.replace(tokenizer.space, " ")
        data = text.encode()
        longest = max(longest, len(data))
        out += struct.pack("<fi", score, len(data)) + data
    replace_file(path, lambda file: file.write(struct.pack("<i", longest) + out))

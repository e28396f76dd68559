"""GPT-2's two files: the ids of the tokens, and the merges in order.

OpenAI called them ``encoder.json`` and ``vocab.bpe``, Hugging Face ``vocab.json`` and
``merges.txt``.
"""

from pathlib import Path
from typing import Any

from transformer.io.json_file import read_json
from transformer.tokenizers.bpe import BPETokenizer
from transformer.tokenizers.byte_alphabet import read_merge, read_vocab
from transformer.tokenizers.utf8 import to_bytes

END = "<|endoftext|>"
_PAIRS = (("encoder.json", "vocab.bpe"), ("vocab.json", "merges.txt"))


def load(path: Path) -> BPETokenizer:
    """The tokenizer of a folder with the two files, or of one of them with the other beside it.

    Raises FileNotFoundError when one is missing, ValueError when they do not fit each other.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "encoder.json").write_text('{"t": 0, "o": 1, "to": 2}')
    >>> _ = (folder / "vocab.bpe").write_text("#version: 0.2\\nt o\\n")
    >>> load(folder).encode("toot")
    [2, 1, 0]
    """
    return BPETokenizer(**settings(path))


def settings(path: Path) -> dict[str, Any]:
    """The arguments of ``BPETokenizer`` that the two files give.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "vocab.json").write_text('{"t": 0, "o": 1, "to": 2}')
    >>> _ = (folder / "merges.txt").write_text("#version: 0.2\\nt o\\n")
    >>> settings(folder)["merges"]
    [(b't', b'o')]
    """
    vocab_file, merges_file = _files(path)
    vocab = read_vocab(read_json(vocab_file).items())
    merges = _merges(merges_file)
    special = to_bytes(END) in vocab
    return {
        "merges": merges,
        "pattern": "gpt2",
        "special_tokens": {END: vocab.pop(to_bytes(END))} if special else {},
        "vocab": vocab,
        "bos": END if special else None,
        "eos": END if special else None,
    }


def _files(path: Path) -> tuple[Path, Path]:
    """The file of ids and the file of merges."""
    folder = path if path.is_dir() else path.parent
    for pair in _PAIRS:
        if path.is_dir() and not (folder / pair[1]).is_file():
            continue
        if not path.is_dir() and not any(path.name.endswith(name) for name in pair):
            continue
        stem = "" if path.is_dir() else _stem(path.name, pair)
        ids, merges = folder / (stem + pair[0]), folder / (stem + pair[1])
        for file in (ids, merges):
            if not file.is_file():
                raise FileNotFoundError(f"{path}: needs {file.name!r} beside it")
        return ids, merges
    raise FileNotFoundError(f"{path}: has no vocab.bpe with encoder.json, nor merges.txt")


def _stem(name: str, pair: tuple[str, str]) -> str:
    """What stands before the file's usual name, as in ``small-vocab.bpe``."""
    return next(name.removesuffix(ending) for ending in pair if name.endswith(ending))


def _merges(path: Path) -> list[tuple[bytes, bytes]]:
    """The merges of a file with one a line, after a line with the version."""
    merges = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        line = line.rstrip("\r")
        if not line or (number == 1 and line.startswith("#version")):
            continue
        try:
            merges.append(read_merge(line))
        except ValueError as error:
            raise ValueError(f"{path}: line {number}, {error}") from None
    return merges

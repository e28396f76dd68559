"""A tokenizer from a file or folder, whichever format it is in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformer.tokenizers.base import Tokenizer


def _hf_folder(path: Path) -> Tokenizer:
    from transformer.io.json_file import read_json
    from transformer.tokenizers.hf_folder import load
    from transformer.tokenizers.sentencepiece_hf import has_pieces, load_hf_sentencepiece

    whole = path / "tokenizer.json"
    values = read_json(whole) if whole.is_file() else None
    if has_pieces(path, values):
        return load_hf_sentencepiece(path, values)
    return _described(values or {}) or load(path, values)


def _hf_json(path: Path) -> Tokenizer:
    from transformer.io.json_file import read_json
    from transformer.tokenizers.hf_json import load

    values = read_json(path)
    model = values.get("model")
    pieces = isinstance(model, dict) and model.get("byte_fallback")
    if pieces and path.name == "tokenizer.json":
        return _hf_folder(path.parent)  # the files beside it say which pieces begin and end a text
    return _described(values) or load(path, values)


def _described(values: dict[str, Any]) -> Tokenizer | None:
    """The tokenizer whose ``to_dict`` a file holds, as a folder of tokens does; None if none."""
    from transformer.tokenizers.table import TOKENIZERS, tokenizer_from_dict

    return tokenizer_from_dict(values) if values.get("type") in TOKENIZERS else None


def _gpt2(path: Path) -> Tokenizer:
    from transformer.tokenizers.gpt2 import load

    return load(path)


def _sentencepiece(path: Path) -> Tokenizer:
    from transformer.tokenizers.model_file import load_sentencepiece

    return load_sentencepiece(path)


def _tiktoken(path: Path) -> Tokenizer:
    from transformer.tokenizers.tiktoken import load_tiktoken

    return load_tiktoken(path)


def _llama2c(path: Path) -> Tokenizer:
    from transformer.tokenizers.llama2c import load_llama2c_tokenizer

    return load_llama2c_tokenizer(path)


# What a file's name ends with, and what reads it. The first that fits is taken.
READERS: dict[str, Callable[[Path], Tokenizer]] = {
    "vocab.bpe": _gpt2,
    "merges.txt": _gpt2,
    "encoder.json": _gpt2,
    "vocab.json": _gpt2,
    ".json": _hf_json,
    ".model": _sentencepiece,
    ".tiktoken": _tiktoken,
    ".bin": _llama2c,
}

# What makes a folder a tokenizer's, in order of preference: a file of that name, and its reader.
FOLDERS: dict[str, Callable[[Path], Tokenizer]] = {
    "tokenizer.json": _hf_folder,
    "tokenizer.model": _hf_folder,
    "vocab.bpe": _hf_folder,
    "merges.txt": _hf_folder,
}


def load_tokenizer(path: str | Path) -> Tokenizer:
    """The tokenizer of a file or folder.

    A folder is Hugging Face's (``tokenizer.json`` with its companions) or GPT-2's (``vocab.bpe``
    and ``encoder.json``, or ``merges.txt`` and ``vocab.json``); a file is one of these, or another
    of ``READERS``. Raises FileNotFoundError when there is nothing, ValueError for what it is not.

    >>> import tempfile
    >>> from transformer import BPETokenizer
    >>> folder = tempfile.mkdtemp()
    >>> BPETokenizer.train("to be to be", 258).save(folder)
    >>> load_tokenizer(folder).encode("to be")
    [257, 220, 256]
    """
    path = Path(path)
    if path.is_dir():
        for name, read in FOLDERS.items():
            if (path / name).is_file():
                return read(path)
        raise FileNotFoundError(
            f"load_tokenizer: {str(path)!r} has no tokenizer (looked for {', '.join(FOLDERS)})"
        )
    if not path.is_file():
        raise FileNotFoundError(f"load_tokenizer: there is no file or folder {str(path)!r}")
    for ending, read in READERS.items():
        if path.name.endswith(ending):
            return read(path)
    raise ValueError(
        f"load_tokenizer: {path.name!r} is no file of a tokenizer that is known by its name "
        f"({', '.join(READERS)})"
    )

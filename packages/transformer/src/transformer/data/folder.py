"""A folder of tokens: ``train.bin``, ``val.bin``, the tokenizer they are of, and facts on both."""

import json
import os
import shutil
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from transformer.data.nanogpt import read_meta, write_meta
from transformer.data.tokens import TokenFile, write_tokens
from transformer.tokenizers import CharTokenizer, Tokenizer, tokenizer_from_dict

META, TOKENIZER, NANOGPT = "meta.json", "tokenizer.json", "meta.pkl"
FILES = {"train": "train.bin", "val": "val.bin"}
GPT2_VOCABULARY = 50257
_FORMAT = {"format": "gradine-tokens", "version": 1}
_READ_WHOLE = 1 << 30  # bytes; what is larger is checked only when asked, as it takes long

Facts = dict[str, Any]


def write_folder(
    folder: str | Path,
    ids: Iterable[Any],
    tokenizer: Tokenizer,
    *,
    val_fraction: float = 0.1,
    facts: Callable[[], Facts] = dict,
) -> Facts:
    """Write ids as they come into ``folder``: the head for training, the tail held out.

    The cut is :func:`~transformer.data.train_val_split`'s. ``ids`` yields numbers or sequences of
    numbers; ``facts`` is called when they have all come, for what else ``meta.json`` should say.
    All files are made beside and put in place at the end: a failure leaves the folder as it was.
    nanoGPT reads the folder, with a ``meta.pkl`` if the tokenizer is of characters. Returns
    what ``meta.json`` says. Raises ValueError when there is nothing to learn from.

    >>> import tempfile
    >>> tokenizer = CharTokenizer("ab")
    >>> made = write_folder(tempfile.mkdtemp(), [[0, 1] * 10], tokenizer)
    >>> made["parts"]["train"]["tokens"], made["parts"]["val"]["tokens"]
    (18, 2)
    """
    if not 0 <= val_fraction < 1:
        raise ValueError(f"val_fraction must be in [0, 1), got {val_fraction}")
    folder = Path(folder)
    stage = folder / ".part"  # one fixed name: what a killed process left is overwritten
    shutil.rmtree(stage, ignore_errors=True)
    is_new = not folder.exists()
    stage.mkdir(parents=True)
    try:
        parts = _write_parts(stage, ids, tokenizer.vocab_size, val_fraction)
        described = json.dumps(tokenizer.to_dict(), ensure_ascii=True).encode()
        (stage / TOKENIZER).write_bytes(described)
        meta: Facts = {
            **_FORMAT,
            "vocab_size": tokenizer.vocab_size,
            "dtype": parts["train"].pop("dtype"),
            "tokenizer": {"file": TOKENIZER, "sha256": sha256(described).hexdigest()},
            "parts": parts,
            **facts(),
        }
        (stage / META).write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
        if isinstance(tokenizer, CharTokenizer):
            write_meta(stage / NANOGPT, tokenizer)
        _put_in_place(stage, folder)
    except OSError as error:
        if error.filename is not None and Path(error.filename).parent != stage:
            raise
        reason = f"{error.strerror}; the tokens could not be written, the folder is as it was"
        raise OSError(error.errno, reason, str(folder)) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        if is_new and not any(folder.iterdir()):
            folder.rmdir()
    return meta


def _write_parts(stage: Path, ids: Iterable[Any], vocab_size: int, val_fraction: float) -> Facts:
    """Write all ids, then move the tail into a file of its own."""
    path = stage / FILES["train"]
    written = write_tokens(path, ids, vocab_size)
    cut = int(written.tokens * (1 - val_fraction))
    if cut == 0:
        raise ValueError(
            f"{written.tokens} tokens are too few to learn from with val_fraction {val_fraction}"
        )
    parts: Facts = {"train": {"file": path.name, "tokens": cut, "dtype": written.dtype}}
    if cut == written.tokens:
        return {"train": {**parts["train"], "sha256": written.sha256}}
    whole = TokenFile(path, written.dtype)
    tail = whole.pieces(start=cut)
    held_out = write_tokens(stage / FILES["val"], tail, vocab_size)
    del whole, tail  # some systems do not truncate a file that is mapped
    os.truncate(path, cut * (2 if written.dtype == "uint16" else 4))
    parts["train"]["sha256"] = TokenFile(path, written.dtype).sha256()
    val = {"file": FILES["val"], "tokens": held_out.tokens, "sha256": held_out.sha256}
    return {**parts, "val": val}


def _put_in_place(stage: Path, folder: Path) -> None:
    """Rename all files; ``meta.json`` first, whose sums tell the others from older ones."""
    names = [META, TOKENIZER, NANOGPT, *FILES.values()]
    for name in names:
        if (stage / name).exists():
            os.replace(stage / name, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)


def holds_tokens(folder: str | Path) -> bool:
    """Whether there is a folder of tokens: ours, or one that nanoGPT prepared.

    >>> holds_tokens("no-such-folder")
    False
    """
    return any((Path(folder) / name).exists() for name in (META, FILES["train"]))


def open_tokens(
    folder: str | Path, tokenizer: Tokenizer | None = None, *, verify: bool | None = None
) -> tuple[TokenFile, TokenFile | None, Tokenizer | None, Facts]:
    """The training tokens, those held out (None if none were), their tokenizer, and the facts.

    Opens what :func:`write_folder` and ``gradine tokenize`` wrote, and folders nanoGPT prepared:
    uint16, characters if there is a ``meta.pkl``, else GPT-2's vocabulary by convention, whose
    tokenizer must be given (otherwise it is None, and ``facts["tokenizer"]`` says which it needs).
    ``verify`` reads the files from end to end, comparing checksums and looking for ids outside
    the vocabulary; by default when they have less than a gibibyte. Sizes are always compared.
    Raises FileNotFoundError when there are no tokens, ValueError naming the file that is cut
    off, altered, empty or not of this vocabulary.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> _ = write_folder(folder, [0, 1] * 10, CharTokenizer("ab"))
    >>> train, val, tokenizer, facts = open_tokens(folder)
    >>> len(train), tokenizer.decode(val[:].tolist()), facts["dtype"]
    (18, 'ab', 'uint16')
    """
    folder = Path(folder)
    if not holds_tokens(folder):
        raise FileNotFoundError(
            f"{str(folder)!r} holds no tokens (train.bin): make it with "
            f"gradine tokenize FILE... --out {folder}"
        )
    ours = (folder / META).exists()
    facts = _read_facts(folder) if ours else _nanogpt_facts(folder)
    own = _own_tokenizer(folder, facts) if tokenizer is None else tokenizer
    if own is not None:
        _check_vocabulary(folder, own, facts)
    parts = {name: _opened(folder, facts, name) for name in FILES if name in facts["parts"]}
    size = sum(len(part) * part.dtype.itemsize for part in parts.values())
    for name, part in parts.items() if verify or (verify is None and size < _READ_WHOLE) else ():
        _verify(part, facts["parts"][name].get("sha256"))
    return parts["train"], parts.get("val"), own, facts


def _read_facts(folder: Path) -> Facts:
    path = folder / META
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        _ = facts["vocab_size"] + 0, facts["tokenizer"]["sha256"] + "", facts["parts"]["train"]
        for part in facts["parts"].values():
            _ = part["tokens"] + 0, part["sha256"] + ""
        if facts["format"] != _FORMAT["format"]:
            raise ValueError(facts["format"])
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f"{path} is damaged or does not describe tokens; make the folder anew with "
            f"gradine tokenize --overwrite, or delete the file if nanoGPT prepared the folder"
        ) from None
    if facts.get("version") != _FORMAT["version"]:
        raise ValueError(f"{path} has version {facts.get('version')}; this program reads 1")
    return facts


def _nanogpt_facts(folder: Path) -> Facts:
    """What is known of a folder that nanoGPT's ``prepare.py`` wrote."""
    characters = (folder / NANOGPT).exists()
    parts = {
        name: {"file": file, "tokens": (folder / file).stat().st_size // 2}
        for name, file in FILES.items()
        if (folder / file).exists()
    }
    needs = {"file": NANOGPT} if characters else {"needs": "GPT-2's byte-level BPE"}
    return {"format": "nanoGPT", "dtype": "uint16", "parts": parts, "tokenizer": needs,
            "vocab_size": None if characters else GPT2_VOCABULARY}  # fmt: skip


def read_tokenizer(folder: str | Path) -> Tokenizer | None:
    """The tokenizer of a folder of tokens; None where there are no tokens, or it was left out.

    Raises ValueError or FileNotFoundError as :func:`open_tokens` does.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> _ = write_folder(folder, [0, 1] * 10, CharTokenizer("ab"))
    >>> read_tokenizer(folder)
    CharTokenizer(2 characters, unknown=None)
    """
    folder = Path(folder)
    if not (folder / META).is_file() and not (folder / NANOGPT).is_file():
        return None
    facts = _read_facts(folder) if (folder / META).is_file() else _nanogpt_facts(folder)
    return _own_tokenizer(folder, facts)


def _own_tokenizer(folder: Path, facts: Facts) -> Tokenizer | None:
    """The tokenizer that lies in the folder; None when nanoGPT left none there."""
    if "needs" in facts["tokenizer"]:
        return None
    path = folder / TOKENIZER
    if facts["format"] == "nanoGPT":
        tokenizer = read_meta(folder / NANOGPT)
        facts["vocab_size"] = tokenizer.vocab_size
        return tokenizer
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing: the tokens cannot be read without") from None
    if sha256(raw).hexdigest() != facts["tokenizer"]["sha256"]:
        raise ValueError(f"{path} is not the tokenizer these tokens were made with (SHA-256)")
    return tokenizer_from_dict(json.loads(raw))


def _check_vocabulary(folder: Path, tokenizer: Tokenizer, facts: Facts) -> None:
    if facts["vocab_size"] is None:
        facts["vocab_size"] = tokenizer.vocab_size
    if tokenizer.vocab_size != facts["vocab_size"]:
        raise ValueError(
            f"{folder} holds tokens of a vocabulary of {facts['vocab_size']}, the tokenizer has "
            f"{tokenizer.vocab_size}: give the tokenizer they were made with"
        )


def _opened(folder: Path, facts: Facts, name: str) -> TokenFile:
    part = facts["parts"][name]
    file = TokenFile(folder / FILES[name], facts.get("dtype"), facts["vocab_size"])
    if len(file) != part["tokens"]:
        raise ValueError(
            f"{file.path} has {len(file)} tokens, {META} says {part['tokens']}: it is cut off, or "
            f"of another making; make the folder anew with gradine tokenize --overwrite"
        )
    return file


def _verify(file: TokenFile, digest: str | None) -> None:
    """Raise ValueError when the bytes are not those written, or hold ids that cannot be."""
    if digest is not None and file.sha256() != digest:
        raise ValueError(
            f"{file.path} was altered since it was made (its SHA-256 is not the one in {META}): "
            f"make the folder anew with gradine tokenize --overwrite"
        )
    file.check()

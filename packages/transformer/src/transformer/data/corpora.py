"""Text to learn from: a corpus by name, a file by path, or standard input."""

import hashlib
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from transformer.data.download import tiny_shakespeare


def python_reference() -> str:
    """Python's own language reference: the pages behind ``help("topics")``, in sorted order.

    Shipped with Python, so it needs no network; some 460 kB that differ a little from one Python
    version to the next. Raises ModuleNotFoundError when this Python came without its help pages.

    >>> python_reference() == python_reference()
    True
    """
    try:
        from pydoc_data.topics import topics
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "python-reference: this Python was installed without its help pages "
            "(pydoc_data.topics); give a file instead"
        ) from error
    return "\n".join(topics[name] for name in sorted(topics))


def names() -> str:
    """First names and surnames of the 1990 US census, lower case, one a line, each once.

    They come with the ``names`` package. Their order is fixed and mixed (by SHA-256), so that the
    tail kept for validation is like the rest. Raises ModuleNotFoundError when it is missing.

    >>> "\\nmary\\n" in names()
    True
    """
    spec = find_spec("names")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "names: this corpus comes with the package 'names', which is not installed: "
            'pip install "gradine-transformer[names]"'
        )
    folder = Path(spec.origin).parent
    found: set[str] = set()
    for part in ("dist.female.first", "dist.male.first", "dist.all.last"):
        lines = (folder / part).read_text(encoding="ascii").splitlines()
        found.update(line.split()[0].lower() for line in lines if line.strip())
    return "\n".join(sorted(found, key=lambda name: hashlib.sha256(name.encode()).digest())) + "\n"


CORPORA: dict[str, Callable[[], str]] = {
    "python-reference": python_reference,
    "names": names,
    "tiny-shakespeare": tiny_shakespeare,
}


def load_text(source: str | Path = "python-reference") -> str:
    """The text of a corpus by name, of a UTF-8 file by path, or of standard input (``"-"``).

    Names: ``python-reference`` (the default), ``names``, ``tiny-shakespeare``. Raises ValueError
    when there is no text to learn from or it is not UTF-8, OSError when it cannot be read, and
    ModuleNotFoundError when a corpus needs a package that is missing.

    >>> "lambda" in load_text("python-reference")
    True
    """
    if isinstance(source, str) and source in CORPORA:
        return CORPORA[source]()
    if source == "-":
        return _decoded(sys.stdin.buffer.read(), "standard input")
    return _decoded(_read(Path(source)), str(source))


def _read(path: Path) -> bytes:
    """The bytes of a file; an unknown name is told the names there are."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"load_text: there is no file {str(path)!r}, nor a corpus of that name "
            f"(corpora: {', '.join(CORPORA)})"
        ) from None
    except IsADirectoryError:
        raise IsADirectoryError(f"load_text: {str(path)!r} is a folder; give a file") from None


def _decoded(raw: bytes, what: str) -> str:
    """The text of ``raw``, checked to be UTF-8 and long enough to predict something in."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"load_text: {what} is not UTF-8: byte 0x{raw[error.start]:02x} at offset "
            f"{error.start}; convert it to UTF-8 first"
        ) from None
    if not text:
        raise ValueError(f"load_text: {what} is empty; there is nothing to learn from")
    if len(text) < 2:
        raise ValueError(
            f"load_text: {what} has a single character; a model needs at least 2, "
            f"one to read and one to predict"
        )
    return text

"""A corpus fetched once from its public address, checked, and kept in the user's cache."""

import hashlib
import http.client
import os
import sys
import tempfile
import urllib.request
from pathlib import Path

ADDRESS = (
    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
)
SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
SIZE = 1_115_394  # bytes
TIMEOUT = 30.0  # seconds without an answer


def cache_dir() -> Path:
    """Where this program keeps what it has fetched; ``XDG_CACHE_HOME`` goes before the system's.

    >>> cache_dir().name
    'gradine'
    """
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(xdg):  # the XDG specification says to ignore a relative one
        return Path(xdg) / "gradine"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "gradine"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "gradine"
    return Path.home() / ".cache" / "gradine"


def tiny_shakespeare() -> str:
    """Forty thousand lines of Shakespeare (1,115,394 bytes), fetched once and kept.

    Source: Karpathy, "The Unreasonable Effectiveness of Recurrent Neural Networks", 2015.
    Raises OSError when it is not in the cache and cannot be fetched or kept, and ValueError
    when what came is another file; both say which file to put where.
    """
    path = cache_dir() / "tiny-shakespeare.txt"
    if path.is_file() and _is_right(raw := path.read_bytes()):
        return raw.decode("ascii")
    raw = _fetched(path)
    _write(path, raw)
    return raw.decode("ascii")


def _is_right(raw: bytes) -> bool:
    return hashlib.sha256(raw).hexdigest() == SHA256


def _way_out(path: Path) -> str:
    return (
        f"save the file of {ADDRESS} ({SIZE} bytes, SHA-256 {SHA256}) as {path}, "
        f"or give the path of another text"
    )


def _fetched(path: Path) -> bytes:
    """The bytes at the public address, checked."""
    try:
        with urllib.request.urlopen(ADDRESS, timeout=TIMEOUT) as answer:
            raw: bytes = answer.read(SIZE + 1)  # one more than right is enough to know it is wrong
    except (OSError, http.client.HTTPException) as error:  # no network, no answer, cut off
        reason = getattr(error, "reason", error)
        raise OSError(f"tiny-shakespeare: cannot be fetched ({reason}); {_way_out(path)}") from None
    if not _is_right(raw):
        raise ValueError(
            f"tiny-shakespeare: what came is not the expected file (SHA-256 "
            f"{hashlib.sha256(raw).hexdigest()}); {_way_out(path)}"
        )
    return raw


def _write(path: Path, raw: bytes) -> None:
    """Writes beside and renames: no other process ever reads half a file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(raw)
            os.replace(beside, path)
        except BaseException:
            os.unlink(beside)
            raise
    except OSError as error:
        raise OSError(
            f"tiny-shakespeare: cannot be kept in {path.parent} ({error.strerror}); "
            f"set XDG_CACHE_HOME to a folder you may write to"
        ) from None

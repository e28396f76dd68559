"""Fetching weights by their address, once."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import tempfile
import urllib.parse
import urllib.request
from contextlib import suppress
from typing import Any

from .serialization import load

__all__ = ["download_url_to_file", "get_dir", "load_state_dict_from_url", "set_dir"]

_CHECKSUM = re.compile(r"-([a-f0-9]*)\.")  # resnet18-f37072fd.pth begins with f37072fd
_CHUNK = 1 << 17
_chosen: list[str] = []


def get_dir() -> str:
    """The folder weights are kept in: what ``set_dir`` says, ``$TORCH_HOME/hub``, or a default."""
    if _chosen:
        return _chosen[0]
    cache = os.getenv("XDG_CACHE_HOME", "~/.cache")
    home = os.path.expanduser(os.getenv("TORCH_HOME", os.path.join(cache, "torch")))
    return os.path.join(home, "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    """Keep weights in another folder."""
    _chosen[:] = [os.path.expanduser(d)]


def download_url_to_file(
    url: str, dst: str, hash_prefix: str | None = None, progress: bool = True
) -> None:
    """Fetch a file; it appears under its name only when it is there as a whole.

    Raises:
        RuntimeError: its SHA-256 does not begin with ``hash_prefix``.
        urllib.error.URLError: it cannot be fetched.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "torch.hub"})
    folder = os.path.dirname(os.path.abspath(dst))
    digest = hashlib.sha256()
    with urllib.request.urlopen(request) as answer:
        total = int(answer.headers.get("Content-Length") or 0)
        handle, part = tempfile.mkstemp(prefix=os.path.basename(dst), suffix=".part", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                while chunk := answer.read(_CHUNK):
                    file.write(chunk)
                    digest.update(chunk)
                    if progress:
                        _report(file.tell(), total)
                got = file.tell()
            if total and got != total:
                raise RuntimeError(f"{url}: the connection ended after {got} of {total} bytes")
            found = digest.hexdigest()
            if hash_prefix is not None and not found.startswith(hash_prefix):
                raise RuntimeError(f'invalid hash value (expected "{hash_prefix}", got "{found}")')
            shutil.move(part, dst)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(part)


def _report(done: int, total: int) -> None:
    if sys.stderr.isatty():
        share = f"{done / total:4.0%}" if total else f"{done / 1e6:.1f} MB"
        end = "\n" if done == total else ""
        print(f"\r{share}", end=end, file=sys.stderr, flush=True)


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> Any:
    """Load weights from an address, or from the folder where an earlier call has put them.

    ``check_hash`` compares with the digits in the file's name. Unlike torch, pickles that may run
    code are read only if ``weights_only=False`` is said: the network is not to be trusted.
    """
    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else model_dir
    os.makedirs(folder, exist_ok=True)
    name = file_name or os.path.basename(urllib.parse.urlparse(url).path)
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        print(f'Downloading: "{url}" to {path}\n', file=sys.stderr)
        match = _CHECKSUM.search(name) if check_hash else None
        download_url_to_file(url, path, match.group(1) if match else None, progress)
    return load(path, map_location=map_location, weights_only=weights_only)

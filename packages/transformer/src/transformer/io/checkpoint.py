"""A checkpoint: one safetensors file that carries its JSON, so that no two parts can differ.

A run's folder holds ``last.safetensors``, to continue from, and ``best.safetensors``, with the
lowest loss on held-out text. Nothing here needs an engine.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from transformer.io.safetensors import (
    Arrays,
    TensorFileError,
    read_metadata,
    read_tensors,
    write_tensors,
)

LAST, BEST = "last.safetensors", "best.safetensors"
VERSION = 1
_KEY = "gradine"


def write_checkpoint(
    path: str | Path, arrays: Mapping[str, NDArray[Any]], state: Mapping[str, Any]
) -> None:
    """Replace the checkpoint at ``path``, atomically, by these arrays and this JSON state.

    >>> import tempfile, numpy as np
    >>> path = Path(tempfile.mkdtemp()) / LAST
    >>> write_checkpoint(path, {"model.w": np.ones(3)}, {"step": 7})
    >>> read_state(path)
    {'step': 7, 'version': 1}
    """
    text = json.dumps({**state, "version": VERSION})
    write_tensors(path, arrays, {"format": "pt", _KEY: text})


def read_checkpoint(path: str | Path) -> tuple[Arrays, dict[str, Any]]:
    """Return a checkpoint's arrays and state.

    The arrays are mapped: they take no memory beside the model they are copied into. Raises
    ``TensorFileError`` naming the file when it is cut short, altered or no checkpoint.

    >>> import tempfile, numpy as np
    >>> path = Path(tempfile.mkdtemp()) / LAST
    >>> write_checkpoint(path, {"model.w": np.ones(3)}, {"step": 7})
    >>> arrays, state = read_checkpoint(path)
    >>> arrays["model.w"].tolist(), state["step"]
    ([1.0, 1.0, 1.0], 7)
    """
    arrays, metadata = read_tensors(path, mapped=True)
    return arrays, _state_of(metadata, path)


def read_state(path: str | Path) -> dict[str, Any]:
    """Return a checkpoint's state alone, without reading the arrays.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / BEST
    >>> write_checkpoint(path, {}, {"best_loss": 1.5})
    >>> read_state(path)["best_loss"]
    1.5
    """
    return _state_of(read_metadata(path), path)


def find_checkpoint(run: str | Path, *preferred: str) -> Path:
    """Return the checkpoint a run's folder holds, or ``run`` itself when it is a file.

    ``preferred`` names are tried in order. Raises ``FileNotFoundError`` saying what is missing.

    >>> import tempfile
    >>> run = Path(tempfile.mkdtemp())
    >>> write_checkpoint(run / LAST, {}, {"step": 7})
    >>> find_checkpoint(run, BEST, LAST).name
    'last.safetensors'
    """
    run = Path(run)
    if run.is_file():
        return run
    if not run.is_dir():
        raise FileNotFoundError(f"there is no run {run}")
    for name in preferred:
        if (run / name).is_file():
            return run / name
    raise FileNotFoundError(f"{run} holds no {' or '.join(preferred)}")


def _state_of(metadata: Mapping[str, str], path: str | Path) -> dict[str, Any]:
    if _KEY not in metadata:
        raise TensorFileError(f"{path}: a safetensors file, but not a checkpoint of this program")
    if "sha256" not in metadata:
        raise TensorFileError(f"{path}: altered: the checksum it was written with is gone")
    try:
        state: dict[str, Any] = json.loads(metadata[_KEY])
        version = state["version"]
    except (ValueError, KeyError, TypeError):
        raise TensorFileError(f"{path}: altered: its record of the run cannot be read") from None
    if version > VERSION:
        raise TensorFileError(
            f"{path}: written by a newer version of this program (format {version}, this reads up "
            f"to {VERSION}): update gradine-transformer"
        )
    return state

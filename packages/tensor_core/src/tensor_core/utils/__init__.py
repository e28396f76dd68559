"""What programs need beside the mathematics: data, checkpoints, interchange."""

import importlib
from typing import Any

from . import _pytree, data, dlpack, hooks

__all__ = ["_pytree", "checkpoint", "data", "dlpack", "hooks", "model_zoo", "tensorboard"]

_LATER = {"checkpoint", "model_zoo", "tensorboard"}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)

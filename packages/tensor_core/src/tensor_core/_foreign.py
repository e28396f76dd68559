"""Reading pickles of a trusted source, with torch's names standing for ours."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from . import _allowed, _utils

_RENAMED = {
    "torch._C.Generator": ("tensor_core", "Generator"),
    "torch.serialization._get_layout": ("tensor_core._allowed", "_get_layout"),
}


def ForeignUnpickler(file: Any, storage: Callable[[Any], Any], pickle_module: Any) -> Any:
    """An unpickler that imports what the file names: only for files that are trusted."""

    class Foreign(pickle_module.Unpickler):  # type: ignore[misc]
        def find_class(self, module: str, name: str) -> Any:
            if module.split(".")[0] == "torch":
                return ours(module, name)
            return super().find_class(module, name)

        def persistent_load(self, pid: Any) -> Any:
            return storage(pid)

    return Foreign(file, encoding="utf-8")


def ours(module: str, name: str) -> Any:
    """What a name of torch's stands for here.

    Raises:
        AttributeError: nothing; the message gives torch's name.
    """
    full = f"{module}.{name}"
    if full == "torch._tensor._rebuild_from_type_v2":
        return _utils._rebuild_from_type_v2
    if full in _allowed.GLOBALS and not full.startswith("torch.serialization"):
        return _allowed.GLOBALS[full]
    place, name = _RENAMED.get(full, (f"tensor_core{module.removeprefix('torch')}", name))
    place = place.replace(".nn.modules.", ".nn.")
    while place:
        try:
            found: Any = importlib.import_module(place)
        except ImportError:
            place = place.rpartition(".")[0]
            continue
        if hasattr(found, name):
            return getattr(found, name)
        place = place.rpartition(".")[0]
    raise AttributeError(f"the file needs {full}, which has no counterpart here")

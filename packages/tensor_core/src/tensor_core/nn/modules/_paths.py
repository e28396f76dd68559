"""Names by torch's longer paths: a module here is a second address of a module of ``nn``."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

_NN = __name__.rpartition(".modules")[0]


def found_in(*modules: str) -> Callable[[str], Any]:
    """A module's ``__getattr__`` that looks into these modules of ``nn``, then into ``nn``.

    It looks when a name is asked for, so that no import waits for another.
    """
    places = [f"{_NN}.{module}" for module in modules]

    def lookup(name: str) -> Any:
        if name == "__path__" or (name.startswith("__") and name != "__all__"):
            raise AttributeError(name)
        for place in places:
            if importlib.util.find_spec(place) is not None:
                module = importlib.import_module(place)
                if hasattr(module, name):
                    return getattr(module, name)
        if not name.startswith("_") and hasattr(nn := importlib.import_module(_NN), name):
            return getattr(nn, name)
        raise AttributeError(f"module 'torch.nn.modules.{modules[0]}' has no attribute {name!r}")

    return lookup

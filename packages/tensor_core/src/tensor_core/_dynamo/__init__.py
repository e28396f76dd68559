"""The front end of ``torch.compile``: settings are kept, nothing is compiled."""

from __future__ import annotations

from typing import Any

from .._missing import missing
from ..compiler import allow_in_graph, disable, is_compiling, reset
from ..compiler._compile import OptimizedModule
from . import config

__all__ = [
    "OptimizedModule",
    "allow_in_graph",
    "config",
    "disable",
    "graph_break",
    "is_compiling",
    "mark_dynamic",
    "mark_static",
    "reset",
]


def graph_break(msg: str = "") -> None:
    """Accepted: there is no graph to break."""


def mark_dynamic(t: Any, index: Any, **limits: Any) -> None:
    """Accepted: every dimension may change."""


def mark_static(t: Any, index: Any = None) -> None:
    """Accepted: nothing is compiled for one size."""


__getattr__ = missing(__name__)

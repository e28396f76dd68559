"""Is this gradient right?

A name is imported when it is first asked for: what pytest loads in every run (the plugin), and
what needs an extra (``given_op``), must not cost those who do not use it.
"""

# ruff: noqa: F401
import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradcheck.card_cases import check_case
    from gradcheck.cards import check_all, check_card
    from gradcheck.check import assert_grads, check_grads, check_vjp
    from gradcheck.engines import Engine, Pair, get_engine, register_engine
    from gradcheck.given import given_op
    from gradcheck.jvp import check_jvp
    from gradcheck.outcomes import Inconclusive, WrongGradient
    from gradcheck.report import Finding, Report, table
    from gradcheck.settings import defaults
    from gradcheck.specs import Arg, Axis, Case, OpSpec

__version__ = "0.1.0"

_HOMES = {
    "card_cases": ("check_case",),
    "cards": ("check_all", "check_card"),
    "check": ("assert_grads", "check_grads", "check_vjp"),
    "engines": ("Engine", "Pair", "get_engine", "register_engine"),
    "given": ("given_op",),
    "jvp": ("check_jvp",),
    "outcomes": ("Inconclusive", "WrongGradient"),
    "report": ("Finding", "Report", "table"),
    "settings": ("defaults",),
    "specs": ("Arg", "Axis", "Case", "OpSpec"),
}
"""Every public name by the module it lives in; the imports above say the same to type checkers."""

_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [name for name in _HOME if name != "given_op"]  # `import *` works without Hypothesis


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'gradcheck' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"gradcheck.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})

"""Is this gradient right?"""

from gradcheck.cards import check_all, check_card
from gradcheck.check import assert_grads, check_grads, check_vjp
from gradcheck.engines import Engine, Pair, get_engine, register_engine
from gradcheck.report import Finding, Report, table

__version__ = "0.1.0"

__all__ = [
    "Engine",
    "Finding",
    "Pair",
    "Report",
    "assert_grads",
    "check_all",
    "check_card",
    "check_grads",
    "check_vjp",
    "get_engine",
    "register_engine",
    "table",
]

"""Which engine a command runs on, settled before anything imports it."""

import os
from enum import StrEnum


class Engine(StrEnum):
    """The engines by their names on the command line."""

    TENSOR_CORE = "tensor_core"
    TORCH = "torch"


def choose_engine(wanted: str | None) -> None:
    """Make ``wanted`` the engine of this process; None leaves the environment's choice."""
    if wanted is not None:
        os.environ["GRADINE_ENGINE"] = str(wanted)

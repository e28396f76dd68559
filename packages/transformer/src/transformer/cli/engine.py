"""Which engine a command runs on, settled before anything imports it."""

import os
from enum import StrEnum
from typing import Annotated

import typer


class Engine(StrEnum):
    """The engines by their names on the command line."""

    TENSOR_CORE = "tensor_core"
    TORCH = "torch"


EngineOption = Annotated[
    Engine | None, typer.Option("--engine", help="What computes (default tensor_core).")
]


def choose_engine(wanted: str | None) -> None:
    """Make ``wanted`` the engine of this process; None leaves the environment's choice."""
    if wanted is not None:
        os.environ["GRADINE_ENGINE"] = str(wanted)

"""The command line: ``gradine train | generate | plot | info``."""

from transformer.cli.app import main

__all__ = ["main"]

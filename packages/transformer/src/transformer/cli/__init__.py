"""The command line ``gradine``: one file a command, and what they share."""

from transformer.cli.app import main

__all__ = ["main"]

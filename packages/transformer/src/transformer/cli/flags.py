"""The flags of ``gradine train``, as a table, and the command's signature made from it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from transformer.cli.engine import Engine
from transformer.cli.options import Preset
from transformer.train.config import TrainConfig

Schedule = StrEnum("Schedule", ["cosine", "constant"])


@dataclass(frozen=True)
class Flag:
    """One option: its name in Python, its type, its line of help, how its value is called."""

    name: str
    kind: Any
    help: str
    metavar: str | None = None
    short: str | None = None

    def parameter(self, panel: str) -> Parameter:
        """Return the flag as a parameter that typer understands; not given is None or False."""
        help, default = self.help, getattr(_DEFAULTS, self.name, None)
        if default is not None:  # one place says what the default is
            default = " ".join(map(str, default)) if isinstance(default, tuple) else default
            help = f"{help} (default {default})"
        long = "--" + self.name.strip("_").replace("_", "-")
        names = [long, *([self.short] if self.short else [])]
        option = typer.Option(*names, help=help, metavar=self.metavar, rich_help_panel=panel)
        switch = self.kind is bool
        return Parameter(
            self.name,
            Parameter.KEYWORD_ONLY,
            default=False if switch else None,
            annotation=Annotated[bool if switch else self.kind | None, option],
        )


_DEFAULTS = TrainConfig()

MODEL_FLAGS = [
    Flag("n_layer", int, "Blocks of attention and feed-forward net, in gpt"),
    Flag("n_head", int, "Attention heads a block, in gpt"),
    Flag("n_embd", int, "Numbers that stand for a token"),
    Flag("dropout", float, "Share of activations dropped while training, in gpt"),
]
RUN_FLAGS = [
    Flag("resume", str, "Continue the run in this folder", "RUN"),
    Flag("overwrite", bool, "Begin anew in a folder that holds a run"),
    Flag("until", int, "Stop and save after this many updates, to resume later"),
    Flag("preset", Preset, "Settings to begin with: demo are the defaults, quick takes seconds"),
    Flag("quick", bool, "The same as --preset quick"),
    Flag("config", Path, "Settings to begin with, from another run's config.json"),
    Flag("engine", Engine, "What computes (default tensor_core)"),
    Flag("sample", int, "Characters to write at the end (default 400)"),
    Flag("quiet", bool, "Print nothing but the sample", short="-q"),
]
PANELS = {
    "Text and model": [
        Flag("text", str, "A corpus (python-reference, names, tiny-shakespeare), a file, "
             "or - for standard input", "NAME|FILE|-"),
        Flag("model", str, "gpt, head, ngram, bigram-embedded or bigram"),
        *MODEL_FLAGS,
        Flag("set_", list[str], "Any setting of the model, by name; repeatable", "NAME=VALUE"),
        Flag("block_size", int, "Tokens the model sees at once"),
    ],
    "Learning": [
        Flag("steps", int, "Updates to make"),
        Flag("batch_size", int, "Sequences an update learns from"),
        Flag("accumulate", int, "Pieces a batch is computed in, to save memory"),
        Flag("lr", float, "Highest learning rate"),
        Flag("min_lr", float, "Learning rate at the end (default a tenth of --lr)"),
        Flag("warmup_steps", int, "Updates over which the rate rises to --lr"),
        Flag("schedule", Schedule, "How it goes on from there"),
        Flag("weight_decay", float, "How strongly matrices are pulled to zero"),
        Flag("betas", tuple[float, float], "How long AdamW's two averages remember"),
        Flag("grad_clip", float, "Longest gradient allowed; 0 never clips"),
        Flag("seed", int, "Decides every random draw"),
        Flag("val_fraction", float, "Share of the text held out"),
        Flag("eval_every", int, "Updates between evaluations, each of which saves"),
        Flag("eval_batches", int, "Batches an evaluation looks at"),
    ],
    "The run": [
        Flag("out", str, "Folder of the run (default runs/MODEL-1, -2, ...)"),
        *RUN_FLAGS,
        Flag("workers", str, "Threads, each with a slice of the batch", "N|auto"),
    ],
}  # fmt: skip


def names(flags: Iterable[Flag]) -> set[str]:
    """Return the names of flags in Python."""
    return {flag.name for flag in flags}


def with_flags(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command of ``**typed`` the signature that :data:`PANELS` spells out."""
    parameters = [flag.parameter(panel) for panel, flags in PANELS.items() for flag in flags]
    command.__signature__ = signature(command).replace(  # type: ignore[attr-defined]
        parameters=parameters
    )
    return command

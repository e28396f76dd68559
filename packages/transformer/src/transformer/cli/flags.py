"""The flags of ``gradine train``, as a table, and the command's signature made from it."""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand

from transformer.cli.engine import Engine
from transformer.cli.options import Misuse, Preset
from transformer.train.config import TrainConfig
from transformer.train.rules import OPTIMIZERS, SCHEDULES

Command = TypeVar("Command", bound=Callable[..., Any])
Schedule = StrEnum("Schedule", list(SCHEDULES))  # type: ignore[misc]
Optimizer = StrEnum("Optimizer", list(OPTIMIZERS))  # type: ignore[misc]


@dataclass(frozen=True)
class Flag:
    """One option: its name in Python, its type, its line of help, how its value is called."""

    name: str
    kind: Any
    help: str
    metavar: str | None = None
    short: str | None = None
    default: Any = None  # where it is not TrainConfig's

    def with_default(self, default: Any) -> "Flag":
        """Return the flag of a command whose default is another, if it is."""
        return self if default is None else replace(self, default=default)

    def parameter(self, panel: str) -> Parameter:
        """Return the flag as a parameter that typer understands; not given is None or False."""
        help, default = self.help, getattr(_DEFAULTS, self.name, None)
        default = default if self.default is None else self.default
        if default not in (None, 0, ()) and "(default" not in help:  # one place says which it is
            default = " ".join(map(str, default)) if isinstance(default, tuple) else default
            help = f"{help} (default {str(default).lower()})"
        long = "--" + self.name.strip("_").replace("_", "-")
        either = self.kind is bool and self.name in _DEFAULTS.__dict__  # of a setting: on or off
        names = [
            f"{long}/--no-{long[2:]}" if either else long,
            *([self.short] if self.short else []),
        ]
        option = typer.Option(*names, help=help, metavar=self.metavar, rich_help_panel=panel)
        switch = self.kind is bool and not either
        return Parameter(
            self.name,
            Parameter.KEYWORD_ONLY,
            default=False if switch else None,
            annotation=Annotated[bool if switch else self.kind | None, option],
        )


def _either(choices: tuple[str, ...]) -> str:
    return f"{', '.join(choices[:-1])} or {choices[-1]}"


_DEFAULTS = TrainConfig()

MODEL_FLAGS = [
    Flag("n_layer", int, "Blocks of attention and feed-forward net"),
    Flag("n_head", int, "Attention heads a block"),
    Flag("n_embd", int, "Numbers that stand for a token"),
    Flag("dropout", float, "Share of activations dropped while training"),
]
RUN_FLAGS = [
    Flag("resume", str, "Continue the run in this folder", "RUN"),
    Flag("overwrite", bool, "Begin anew in a folder that holds a run"),
    Flag("until", int, "Stop and save after this many updates, to resume later"),
    Flag("preset", Preset, "Settings to begin with: demo are the defaults, quick takes seconds"),
    Flag("quick", bool, "The same as --preset quick"),
    Flag("config", Path, "Settings to begin with: a .toml file, or a run's config.json"),
    Flag("engine", Engine, "What computes (default tensor_core)"),
    Flag("sample", int, "Tokens to write at the end (default 400)"),
    Flag("quiet", bool, "Print nothing but the sample", short="-q"),
    Flag("json", bool, "At the end print the result for programs, and no sample"),
]
LEARNING = [
    Flag("steps", int, "Updates to make"),
    Flag("batch_size", int, "Sequences an update learns from"),
    Flag("accumulate", int, "Pieces a batch is computed in, to save memory"),
    Flag("optimizer", Optimizer, _either(OPTIMIZERS), "NAME"),
    Flag("lr", float, "Highest learning rate"),
    Flag("min_lr", float, "Learning rate at the end (default a tenth of --lr)"),
    Flag("warmup_steps", int, "Updates over which the rate rises to --lr"),
    Flag("schedule", Schedule, f"How it goes on from there: {_either(SCHEDULES)}", "NAME"),
    Flag("decay_fraction", float, "Share of the updates, the last, over which wsd decays"),
    Flag("weight_decay", float, "How strongly matrices are pulled to zero"),
    Flag(
        "betas",
        tuple[float, float],
        "How long the two averages of adam, adamw and lion remember",
        "B1 B2",
    ),
    Flag("momentum", float, "How long sgd and muon keep their direction"),
    Flag("nesterov", bool, "Whether they look ahead along it"),
    Flag("grad_clip", float, "Longest gradient allowed; 0 never clips"),
    Flag("label_smoothing", float, "Share of each target given to all tokens (default 0)"),
    Flag(
        "ema",
        float,
        "Evaluate and save an average of the weights, of which this much stays "
        "each update, such as 0.999 (default 0, none)",
    ),
    Flag("seed", int, "Decides every random draw"),
    Flag("eval_every", int, "Updates between evaluations, each of which saves"),
    Flag("eval_batches", int, "Batches an evaluation looks at"),
    Flag("patience", int, "Evaluations without a new best after which to stop (default never)"),
]
ADAPTERS = [
    Flag("init", str, "A trained model to begin with: a run, file, folder or name", "MODEL"),
    Flag("lora_rank", int, "Train adapters of this width only; 0 trains every weight"),
    Flag("lora_alpha", float, "How much they count (default twice their width)"),
    Flag("lora_targets", list[str], "Layers that get one, such as q_proj; repeatable", "NAME"),
]
PANELS = {
    "Text and model": [
        Flag("text", str, "A corpus (python-reference, names, tiny-shakespeare), a file, "
             "or - for standard input", "NAME|FILE|-"),
        Flag("data", str, "Tokens instead: a folder of gradine tokenize, or of nanoGPT", "DIR"),
        Flag("tokenizer", str, "char, bytes, bpe, or a tokenizer's file or folder", "NAME|PATH"),
        Flag("vocab_size", int, "Tokens that bpe learns"),
        Flag("val_fraction", float, "Share of the text held out"),
        Flag("model", str, "A model's name, such as gpt, llama, lstm or ngram", "NAME"),
        *MODEL_FLAGS,
        Flag("set_", list[str], "Any setting of the model by name, also as --model.NAME VALUE; "
             "repeatable", "NAME=VALUE"),
        Flag("block_size", int, "Tokens the model sees at once"),
    ],
    "Learning": LEARNING,
    "Beginning with a trained model (see also gradine finetune)": ADAPTERS,
    "The run": [
        Flag("out", str, "Folder of the run (default runs/MODEL-1, -2, ...)", short="-o"),
        *RUN_FLAGS,
        Flag("workers", str, "Threads, each with a slice of the batch", "N|auto"),
    ],
}  # fmt: skip


def names(flags: Iterable[Flag]) -> set[str]:
    """Return the names of flags in Python."""
    return {flag.name for flag in flags}


def with_flags(panels: dict[str, list[Flag]]) -> Callable[[Command], Command]:
    """Give a command of ``**typed`` the signature that ``panels`` spell out."""

    def decorate(command: Command) -> Command:
        of_command = signature(command)
        named = [p for p in of_command.parameters.values() if p.kind is not Parameter.VAR_KEYWORD]
        flags = [flag.parameter(panel) for panel, row in panels.items() for flag in row]
        command.__signature__ = of_command.replace(  # type: ignore[attr-defined]
            parameters=[*named, *flags]
        )
        return command

    return decorate


class SettingsCommand(TyperCommand):
    """A command that takes ``--model.NAME VALUE``, and settings as they stand in a file."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments, ``--model.n_layer 6`` as ``--set n_layer=6``, ``_`` as ``-``."""
        known = {name for parameter in self.params for name in parameter.opts}
        return super().parse_args(ctx, as_flags(args, known))


def as_flags(arguments: Sequence[str], known: Container[str]) -> list[str]:
    """Write settings as flags: ``--model.n_layer 6``, ``--batch_size=4``.

    >>> as_flags(["--model.n_layer", "6", "--model.name=gpt", "--batch_size=4"], ["--batch-size"])
    ['--set', 'n_layer=6', '--model=gpt', '--batch-size=4']
    """
    written, rest = [], list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        dashed = name.replace("_", "-")
        if name == "--model.name":
            written.append("--model" + equals + value)
        elif name.startswith("--model."):
            if not equals and not rest:
                raise Misuse(f"{name} needs a value")
            value = value if equals else rest.pop(0)
            written += ["--set", f"{name.removeprefix('--model.')}={value}"]
        elif name.startswith("--") and dashed in known:
            written.append(dashed + equals + value)
        else:
            written.append(word)
    return written

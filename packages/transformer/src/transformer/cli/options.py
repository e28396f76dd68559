"""What commands share: options, and the way from what was typed to a TrainConfig."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

# What several commands take, in the same words.
ModelArgument = Annotated[str, typer.Argument(help="A run, a model's file or folder, or a name.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]


class Misuse(ValueError):
    """What was typed cannot be done; the program ends with exit code 2."""


PRESETS: dict[str, dict[str, Any]] = {
    "demo": {},  # the defaults: a GPT that writes recognisable English after a minute or two
    "quick": {  # about five seconds
        "model_settings": {"n_layer": 2, "n_head": 2, "n_embd": 64},
        "block_size": 32,
        "batch_size": 8,
        "steps": 600,
        "warmup_steps": 50,
        "lr": 6e-3,
        "eval_every": 150,
        "eval_batches": 10,
    },
}


class Preset(StrEnum):
    """The presets by their names on the command line."""

    DEMO = "demo"
    QUICK = "quick"


def overlay(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Lay settings over others; the model's own are laid one by one, unless it is another model.

    >>> overlay({"lr": 1, "model_settings": {"a": 1}}, {"model_settings": {"b": 2}})
    {'lr': 1, 'model_settings': {'a': 1, 'b': 2}}
    >>> overlay({"model_settings": {"n_layer": 2}}, {"model": "ngram"})
    {'model': 'ngram'}
    """
    base = dict(base)
    if top.get("model", base.get("model", "gpt")) != base.get("model", "gpt"):
        base.pop("model_settings", None)
    inner = {**base.get("model_settings", {}), **top.get("model_settings", {})}
    return {**base, **top, **({"model_settings": inner} if inner else {})}


def parse_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Read ``NAME=VALUE`` pairs; a value that is no number, true or false is taken as text.

    >>> parse_settings(["bias=false", "n-layer=3", "gelu=none"])
    {'bias': False, 'n_layer': 3, 'gelu': 'none'}
    """
    settings = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise Misuse(f"--set takes NAME=VALUE, such as bias=false, not {pair!r}")
        try:
            settings[name.replace("-", "_")] = json.loads(value)
        except ValueError:
            settings[name.replace("-", "_")] = value
    return settings


def parse_workers(text: str | None) -> int | str | None:
    """Read ``auto`` or a number of threads.

    >>> parse_workers("2"), parse_workers("auto")
    (2, 'auto')
    """
    if text is None or text == "auto":
        return text
    if not text.isdigit():
        raise Misuse(f"--workers takes auto or a number, not {text!r}")
    return int(text)


def full_path(text: str) -> str:
    """Return a file's full path, so that the run resumes from any folder; names stay names."""
    return str(Path(text).resolve()) if Path(text).is_file() else text


def free_folder(model: str) -> str:
    """Return the first of ``runs/MODEL-1``, ``runs/MODEL-2``, ... that is not there yet."""
    number = 1
    while Path(f"runs/{model}-{number}").exists():
        number += 1
    return f"runs/{model}-{number}"


def examples(*commands: str) -> str:
    """Return the examples that end a command's help, one a line."""
    return "\n\n".join(["Examples:", *(f"  {command}" for command in commands)])

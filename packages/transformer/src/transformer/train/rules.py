"""What each setting of a training run may be, and how to say so."""

from collections.abc import Callable
from typing import Any

Rule = tuple[Callable[[Any], bool], str]

OPTIMIZERS = ("adamw", "adam", "sgd", "lion", "muon")
MADE = ("char", "bytes", "bpe")  # tokenizers that are made here; any other is read from a file
SCHEDULES = ("cosine", "linear", "wsd", "constant")


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _at_least(least: int) -> Rule:
    return lambda v: _is_int(v) and v >= least, f"a whole number of at least {least}"


def _one_of(names: tuple[str, ...]) -> Rule:
    return lambda v: v in names, f"{', '.join(names[:-1])} or {names[-1]}"


def _or_none(rule: Rule) -> Rule:
    return lambda v: v is None or rule[0](v), f"{rule[1]}, or None"


def _is_betas(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and all(_is_number(b) and 0 <= b < 1 for b in value)
    )


def _is_settings(value: Any) -> bool:
    # In a file the model's settings stand in one table with its name.
    return isinstance(value, dict) and "name" not in value


_NOT_NEGATIVE: Rule = (lambda v: _is_number(v) and 0 <= v < float("inf"), "a number of at least 0")
_SHARE: Rule = (
    lambda v: _is_number(v) and 0 <= v < 1,
    "a number from 0 up to, not including, 1",
)
_POSITIVE: Rule = (lambda v: _is_number(v) and 0 < v < float("inf"), "a number above 0")

# setting -> (what it accepts, how to say so)
RULES: dict[str, Rule] = {
    "text": (_is_text, "a corpus's name, a file, or - for standard input"),
    "data": _or_none((_is_text, "a folder of tokens or a file of conversations")),
    "tokenizer": (_is_text, "char, bytes, bpe, or a tokenizer's file or folder"),
    "vocab_size": _at_least(2),
    "model": (_is_text, "a model's name"),
    "model_settings": (_is_settings, "a table of the model's settings"),
    "init": _or_none((_is_text, "a model's name, file or folder")),
    "lora_rank": _at_least(0),
    "lora_alpha": _or_none(_POSITIVE),
    "lora_targets": (
        lambda v: isinstance(v, tuple) and all(_is_text(name) for name in v),
        "names of layers",
    ),
    "out": _or_none((_is_text, "a folder's name")),
    "block_size": _at_least(1),
    "batch_size": _at_least(1),
    "accumulate": _at_least(1),
    "steps": _at_least(1),
    "seed": (lambda v: _is_int(v) and 0 <= v < 2**63, "a whole number from 0 to 2**63 - 1"),
    "optimizer": _one_of(OPTIMIZERS),
    "lr": _POSITIVE,
    "min_lr": _or_none(_NOT_NEGATIVE),
    "warmup_steps": _at_least(0),
    "schedule": _one_of(SCHEDULES),
    "decay_fraction": (lambda v: _is_number(v) and 0 < v <= 1, "a number above 0, at most 1"),
    "weight_decay": _NOT_NEGATIVE,
    "betas": (_is_betas, "two numbers from 0 up to, not including, 1"),
    "momentum": _SHARE,
    "nesterov": (lambda v: isinstance(v, bool), "true or false"),
    "grad_clip": _NOT_NEGATIVE,
    "label_smoothing": _SHARE,
    "ema": _SHARE,
    "val_fraction": (lambda v: _is_number(v) and 0 < v < 1, "a number between 0 and 1"),
    "eval_every": _at_least(1),
    "eval_batches": _at_least(1),
    "patience": _or_none(_at_least(1)),
    "workers": (lambda v: v == "auto" or (_is_int(v) and v >= 1), "auto or at least 1"),
}

# What a resumed run may change: all else decides what the model is or which text it has seen.
CHANGEABLE = (
    *("out", "steps", "lr", "min_lr", "warmup_steps", "schedule", "decay_fraction"),
    *(
        "weight_decay",
        "betas",
        "momentum",
        "nesterov",
        "grad_clip",
        "label_smoothing",
        "eval_every",
    ),
    *("eval_batches", "patience", "accumulate", "workers"),
)

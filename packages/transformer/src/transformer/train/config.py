"""Everything a training run is told, in one record that checks itself and travels as JSON."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TrainConfig:
    """The settings of one training run; the defaults train a small character-level GPT.

    Raises ``ValueError`` naming the setting, its value and what it may be.

    >>> config = TrainConfig(steps=500, model_settings={"n_layer": 2})
    >>> TrainConfig.from_json(config.to_json()) == config
    True
    """

    text: str = "python-reference"  # a corpus's name, a file, or "-" for standard input
    model: str = "gpt"
    model_settings: dict[str, Any] = field(default_factory=dict)  # arguments of build_model
    out: str | None = None  # the run's folder; None keeps nothing on disk

    block_size: int = 64  # tokens the model sees at once
    batch_size: int = 12  # sequences a step learns from
    accumulate: int = 1  # computed in this many pieces, to fit in memory; the result is the same
    steps: int = 2000
    seed: int = 1337

    lr: float = 3e-3
    min_lr: float | None = None  # where the schedule ends; None is a tenth of lr
    warmup_steps: int = 100
    schedule: str = "cosine"
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.99)
    grad_clip: float = 1.0  # longest gradient, as a 2-norm; 0 never clips

    val_fraction: float = 0.1  # of the text, held out
    eval_every: int = 250  # steps between evaluations, each of which saves a checkpoint
    eval_batches: int = 20
    workers: int | str = "auto"  # threads of the NumPy engine, each with a slice of the batch

    def __post_init__(self) -> None:
        object.__setattr__(self, "betas", tuple(self.betas))
        for name, (accepts, meaning) in _RULES.items():
            value = getattr(self, name)
            if not accepts(value):
                raise ValueError(f"{name} must be {meaning}, not {value!r}")
        if self.accumulate > self.batch_size:
            raise ValueError(
                f"accumulate={self.accumulate} pieces are more than the batch has sequences "
                f"(batch_size={self.batch_size})"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return {**asdict(self), "betas": list(self.betas)}

    def to_json(self) -> str:
        """Return the settings as readable JSON."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "TrainConfig":
        """Build a config from named settings.

        >>> TrainConfig.from_dict({"batchsize": 4})
        Traceback (most recent call last):
        ValueError: unknown setting batchsize: did you mean batch_size?
        """
        check_names(settings, [f.name for f in fields(cls)])
        return cls(**settings)

    @classmethod
    def from_json(cls, text: str) -> "TrainConfig":
        """Build a config from the JSON of :meth:`to_json`; settings left out keep their default."""
        settings = json.loads(text)
        if not isinstance(settings, dict):
            raise ValueError(f"settings must be a JSON object, not {type(settings).__name__}")
        return cls.from_dict(settings)

    @classmethod
    def from_file(cls, path: str | Path) -> "TrainConfig":
        """Read a config from a JSON file; raises ``ValueError`` naming the file."""
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None


def check_names(given: Iterable[str], known: Iterable[str], of: str = "") -> None:
    """Raise ``ValueError`` for the first name that is not known, with the nearest that is.

    >>> check_names(["n_layers"], ["n_layer", "n_head"], of="gpt")
    Traceback (most recent call last):
    ValueError: unknown setting n_layers of gpt: did you mean n_layer?
    """
    known = list(known)
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise ValueError(f"unknown setting {name}{f' of {of}' if of else ''}: {hint}")


# What a resumed run may change: all else decides what the model is or which text it has seen.
_CHANGEABLE = (
    *("out", "steps", "lr", "min_lr", "warmup_steps", "schedule", "weight_decay", "betas"),
    *("grad_clip", "eval_every", "eval_batches", "accumulate", "workers"),
)


def check_changes(names: Iterable[str]) -> None:
    """Raise ``ValueError`` for a setting that a resumed run cannot change.

    >>> check_changes(["steps", "block_size"])
    Traceback (most recent call last):
    ValueError: a resumed run keeps its block_size: begin a new run to change it
    """
    for name in names:
        if name not in _CHANGEABLE:
            raise ValueError(f"a resumed run keeps its {name}: begin a new run to change it")


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _at_least(least: int) -> tuple[Callable[[Any], bool], str]:
    return lambda v: _is_int(v) and v >= least, f"a whole number of at least {least}"


def _is_betas(value: Any) -> bool:
    return len(value) == 2 and all(_is_number(b) and 0 <= b < 1 for b in value)


_not_negative = (lambda v: _is_number(v) and 0 <= v < float("inf"), "a number of at least 0")

# setting -> (what it accepts, how to say so)
_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "text": (_is_text, "a corpus's name, a file, or - for standard input"),
    "model": (_is_text, "a model's name"),
    "model_settings": (lambda v: isinstance(v, dict), "a table of the model's settings"),
    "out": (lambda v: v is None or _is_text(v), "a folder's name or None"),
    "block_size": _at_least(1),
    "batch_size": _at_least(1),
    "accumulate": _at_least(1),
    "steps": _at_least(1),
    "seed": (lambda v: _is_int(v) and 0 <= v < 2**63, "a whole number from 0 to 2**63 - 1"),
    "lr": (lambda v: _is_number(v) and 0 < v < float("inf"), "a number above 0"),
    "min_lr": (lambda v: v is None or _not_negative[0](v), "a number of at least 0, or None"),
    "warmup_steps": _at_least(0),
    "schedule": (lambda v: v in ("cosine", "constant"), "cosine or constant"),
    "weight_decay": _not_negative,
    "betas": (_is_betas, "two numbers from 0 up to, not including, 1"),
    "grad_clip": _not_negative,
    "val_fraction": (lambda v: _is_number(v) and 0 < v < 1, "a number between 0 and 1"),
    "eval_every": _at_least(1),
    "eval_batches": _at_least(1),
    "workers": (lambda v: v == "auto" or (_is_int(v) and v >= 1), "auto or at least 1"),
}

"""Everything a training run is told, in one record that checks itself and travels as a file.

A file of settings is TOML or JSON of one shape: every setting by its name, and a table ``model``
that holds the model's ``name`` and its sizes. On the command line the same names are flags::

    steps = 500                      --steps 500
    lr = 1e-3                        --lr 1e-3
    [model]
    name = "gpt"                     --model gpt
    n_layer = 6                      --model.n_layer 6
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from transformer.train.rules import CHANGEABLE, RULES


@dataclass(frozen=True)
class TrainConfig:
    """The settings of one training run; the defaults train a small character-level GPT.

    Raises ``ValueError`` naming the setting, its value and what it may be.

    >>> config = TrainConfig(steps=500, model_settings={"n_layer": 2})
    >>> TrainConfig.from_json(config.to_json()) == config
    True
    """

    text: str = "python-reference"  # a corpus's name, a file, or "-" for standard input
    data: str | None = None  # a folder of tokens, or a .jsonl of conversations; instead of text
    tokenizer: str = "char"  # char, bytes, bpe (trained on the text), or a file or folder
    vocab_size: int = 1024  # tokens that bpe is trained to; the others bring their own
    model: str = "gpt"
    model_settings: dict[str, Any] = field(default_factory=dict)  # arguments of build_model
    init: str | None = None  # a trained model to begin with, instead of a new one
    lora_rank: int = 0  # width of the adapters that alone are trained; 0 trains every weight
    lora_alpha: float | None = None  # how much the adapters count; None is twice the rank
    lora_targets: tuple[str, ...] = ()  # layers that get one; none named are the model's usual ones
    out: str | None = None  # the run's folder; None keeps nothing on disk

    block_size: int = 64  # tokens the model sees at once
    batch_size: int = 12  # sequences a step learns from
    accumulate: int = 1  # computed in this many pieces, to fit in memory; the result is the same
    steps: int = 2000
    seed: int = 1337

    optimizer: str = "adamw"
    lr: float = 3e-3
    min_lr: float | None = None  # where the schedule ends; None is a tenth of lr
    warmup_steps: int = 100
    schedule: str = "cosine"
    decay_fraction: float = 0.2  # of the steps, at the end, over which wsd decays
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.99)  # of adam, adamw and lion
    momentum: float = 0.95  # of sgd and muon
    nesterov: bool = True  # the same two look ahead along it
    grad_clip: float = 1.0  # longest gradient, as a 2-norm; 0 never clips
    label_smoothing: float = 0.0  # share of each target spread over the whole vocabulary
    ema: float = 0.0  # how much of the weights' moving average stays each step; 0 keeps none

    val_fraction: float = 0.1  # of the text, held out
    eval_every: int = 250  # steps between evaluations, each of which saves a checkpoint
    eval_batches: int = 20
    patience: int | None = None  # evaluations without a new best after which to stop
    workers: int | str = "auto"  # threads of the NumPy engine, each with a slice of the batch

    def __post_init__(self) -> None:
        for name in ("betas", "lora_targets"):
            value = getattr(self, name)
            object.__setattr__(self, name, tuple(value) if isinstance(value, list) else value)
        for name, (accepts, meaning) in RULES.items():
            value = getattr(self, name)
            if not accepts(value):
                raise ValueError(f"{name} must be {meaning}, not {value!r}")
        if self.accumulate > self.batch_size:
            raise ValueError(
                f"accumulate={self.accumulate} pieces are more than the batch has sequences "
                f"(batch_size={self.batch_size})"
            )
        if self.lora_rank and self.init is None:
            raise ValueError(f"lora_rank={self.lora_rank} needs init, a trained model to adapt")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain JSON values.

        >>> TrainConfig(lr=1e-3).to_dict()["betas"]
        [0.9, 0.99]
        """
        lists = {"betas": list(self.betas), "lora_targets": list(self.lora_targets)}
        return {**asdict(self), **lists}

    def to_json(self) -> str:
        """Return the settings as readable JSON, in the shape of a settings file.

        >>> config = TrainConfig(model="llama", model_settings={"n_layer": 2})
        >>> json.loads(config.to_json())["model"]
        {'name': 'llama', 'n_layer': 2}
        """
        settings = self.to_dict()
        settings["model"] = {"name": settings["model"], **settings.pop("model_settings")}
        return json.dumps(settings, indent=2) + "\n"

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "TrainConfig":
        """Build a config from named settings; ``model`` may be a name, or a table with one.

        >>> TrainConfig.from_dict({"batchsize": 4})
        Traceback (most recent call last):
        ValueError: unknown setting batchsize: did you mean batch_size?
        """
        check_names(settings, [f.name for f in fields(cls)])
        return cls(**flattened(settings))

    @classmethod
    def from_json(cls, text: str) -> "TrainConfig":
        """Build a config from the JSON of :meth:`to_json`; settings left out keep their default.

        >>> config = TrainConfig.from_json('{"steps": 9, "model": {"name": "gpt", "n_layer": 2}}')
        >>> config.steps, config.model_settings
        (9, {'n_layer': 2})
        """
        settings = json.loads(text)
        if not isinstance(settings, dict):
            raise ValueError(f"settings must be a JSON object, not {type(settings).__name__}")
        return cls.from_dict(settings)

    @classmethod
    def from_toml(cls, text: str) -> "TrainConfig":
        """Build a config from TOML; settings left out keep their default.

        >>> TrainConfig.from_toml('steps = 9\\n[model]\\nname = "gpt"\\nn_layer = 2').model_settings
        {'n_layer': 2}
        """
        return cls.from_dict(tomllib.loads(text))

    @classmethod
    def from_file(cls, path: str | Path) -> "TrainConfig":
        """Read a config from a ``.toml`` or a JSON file; raises ``ValueError`` naming the file.

        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "settings.toml"
        >>> _ = path.write_text("steps = 9")
        >>> TrainConfig.from_file(path).steps
        9
        """
        path = Path(path)
        read = cls.from_toml if path.suffix.lower() == ".toml" else cls.from_json
        try:
            return read(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None


def flattened(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with a ``model`` table taken apart into its name and its sizes.

    >>> flattened({"lr": 1.0, "model": {"name": "gpt", "n_layer": 2}})
    {'lr': 1.0, 'model_settings': {'n_layer': 2}, 'model': 'gpt'}
    """
    if not isinstance(settings.get("model"), Mapping):
        return dict(settings)
    table = dict(settings["model"])
    name = table.pop("name", None)
    inner = {**settings.get("model_settings", {}), **table}
    rest = {key: value for key, value in settings.items() if key != "model"}
    return {**rest, "model_settings": inner, **({} if name is None else {"model": name})}


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


def check_changes(names: Iterable[str]) -> None:
    """Raise ``ValueError`` for a setting that a resumed run cannot change.

    >>> check_changes(["steps", "block_size"])
    Traceback (most recent call last):
    ValueError: a resumed run keeps its block_size: begin a new run to change it
    """
    for name in names:
        if name not in CHANGEABLE:
            raise ValueError(f"a resumed run keeps its {name}: begin a new run to change it")

"""From a model, its optimizer and its average to named arrays, and back into them."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from transformer._engine import nn, torch
from transformer.io.checkpoint import BEST, LAST, find_checkpoint, read_checkpoint
from transformer.io.safetensors import Arrays
from transformer.models import build_model
from transformer.tokenizers import tokenizer_from_dict
from transformer.train.config import TrainConfig
from transformer.train.ema import EMA
from transformer.train.randomness import ON_TORCH

# What a checkpoint's arrays are called: model.<parameter>, optimizer.<parameter>.<moment>,
# ema.<parameter>. A run that trains adapters keeps these alone, and where their base is.
_MODEL, _OPTIMIZER, _EMA = "model.", "optimizer.", "ema."


def pack(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    ema: EMA | None = None,
    trained_only: bool = False,
) -> Arrays:
    """Return everything that changes while training, as arrays; they share memory with it.

    ``trained_only`` leaves out weights that are frozen.

    >>> model = nn.Linear(2, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> list(pack(model, optimizer, EMA(model)))
    ['model.weight', 'model.bias', 'ema.weight', 'ema.bias', 'ema.updates']
    """
    left_out = {_MODEL + name for name in _frozen(model)} if trained_only else set()
    arrays = {name: array for name, array in model_arrays(model).items() if name not in left_out}
    names = _names_by_index(model, optimizer)
    for index, moments in optimizer.state_dict()["state"].items():
        for key, value in moments.items():
            if value is None:
                continue
            array = torch.as_tensor(value).detach().numpy()
            arrays[f"{_OPTIMIZER}{names[index]}.{key}"] = array
    if ema:
        arrays |= {_EMA + name: array for name, array in ema.arrays().items()}
    return arrays


def model_arrays(model: nn.Module) -> Arrays:
    """Return a model's weights as a checkpoint names them; they share memory with it.

    >>> arrays = model_arrays(nn.Linear(2, 1))
    >>> {name: array.shape for name, array in arrays.items()}
    {'model.weight': (1, 2), 'model.bias': (1,)}
    """
    return {_MODEL + name: t.detach().numpy() for name, t in model.state_dict().items()}


def unpack_model(arrays: Arrays, model: nn.Module) -> None:
    """Copy a checkpoint's weights into a model of the same shape.

    Weights that the checkpoint leaves out, since they never changed, stay as they are. Raises
    ``RuntimeError`` naming what does not fit.

    >>> model = nn.Linear(2, 1, bias=False)
    >>> unpack_model({"model.weight": np.ones((1, 2), np.float32)}, model)
    >>> model.weight.tolist()
    [[1.0, 1.0]]
    """
    weights = {name: torch.from_numpy(array) for name, array in _under(arrays, _MODEL).items()}
    own = model.state_dict()
    model.load_state_dict({**{name: own[name] for name in _frozen(model)}, **weights})


def load_model(run: str | Path, merged: bool = True) -> tuple[Any, Any, dict[str, Any]]:
    """Return the model of a run with its best weights, its tokenizer, and its checkpoint's state.

    ``run`` is a run's folder, or one checkpoint. Weights trained on one engine load on the other;
    where an average of the weights was kept, it is what is loaded; adapters are merged into the
    model they adapt, unless told otherwise. Raises ``FileNotFoundError`` when there is none,
    ``TensorFileError`` when it is damaged. The tokenizer is None where the run's tokens came
    without one.

    >>> import tempfile, transformer
    >>> config = TrainConfig(model="bigram", block_size=4, out=tempfile.mkdtemp())
    >>> transformer.Trainer.from_config(config, text="to be or not to be " * 9).save()
    >>> model, tokenizer, state = load_model(config.out)
    >>> model.name, tokenizer.vocab_size, state["step"]
    ('bigram', 7, 0)
    """
    arrays, state = read_checkpoint(find_checkpoint(run, BEST, LAST))
    config = TrainConfig.from_dict(state["config"])
    model = rebuild(config, state)
    unpack_model(arrays, model)
    averages = _under(arrays, _EMA)
    with torch.no_grad():  # by parameter: layers that share one have it twice among the arrays
        for name, p in model.named_parameters():
            if name in averages:
                p.copy_(torch.from_numpy(averages[name]))
    if config.lora_rank and merged:
        from transformer.layers.lora import merge_lora

        merge_lora(model)
    model.eval()
    tokenizer = state["tokenizer"]
    return model, tokenizer and tokenizer_from_dict(tokenizer), state


def rebuild(config: TrainConfig, state: dict[str, Any]) -> Any:
    """Return the model a checkpoint's weights belong into.

    Raises ``ValueError`` when adapters belong to a model that is no longer the same.

    >>> rebuild(TrainConfig(model="bigram"), {"model_config": {"vocab_size": 3}}).name
    'bigram'
    """
    if not config.lora_rank:
        return build_model(config.model, **state["model_config"])
    from transformer import load

    model, _ = load(str(config.init))
    if weights_sha256(model) != state["base_sha256"]:
        raise ValueError(
            f"{config.init} is not the model it was when adapters were trained for it: put that "
            "one back"
        )
    adapt(model, config)
    return model


def adapt(model: nn.Module, config: TrainConfig) -> None:
    """Give a model the adapters ``config`` asks for; all but these are frozen.

    >>> model = build_model("gpt", vocab_size=3, n_layer=1)
    >>> adapt(model, TrainConfig(init="base", lora_rank=2, lora_targets=("mlp.c_fc",)))
    >>> [name for name, p in model.named_parameters() if p.requires_grad]
    ['h.0.mlp.c_fc.lora_A', 'h.0.mlp.c_fc.lora_B']
    """
    from transformer.layers.lora import add_lora

    alpha = config.lora_alpha or 2.0 * config.lora_rank
    add_lora(model, config.lora_rank, alpha, config.lora_targets)


def weights_sha256(model: nn.Module) -> str:
    """Return the SHA-256 of a model's weights, names and shapes.

    >>> model = nn.Linear(2, 1)
    >>> before = weights_sha256(model)
    >>> with torch.no_grad():
    ...     _ = model.bias.add_(1.0)
    >>> len(before), weights_sha256(model) == before
    (64, False)
    """
    total = sha256()
    for name, tensor in sorted(model.state_dict().items()):
        array = np.ascontiguousarray(tensor.detach().numpy())
        total.update(f"{name} {array.shape} {array.dtype};".encode())
        total.update(array.reshape(-1).view(np.uint8).data)
    return total.hexdigest()


def unpack(
    arrays: Arrays,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    ema: EMA | None = None,
) -> None:
    """Put a model, its optimizer and its average back as they were packed.

    >>> model, other = nn.Linear(2, 1), nn.Linear(2, 1)
    >>> arrays = pack(model, torch.optim.SGD(model.parameters(), lr=0.1))
    >>> unpack(arrays, other, torch.optim.SGD(other.parameters(), lr=0.1))
    >>> weights_sha256(other) == weights_sha256(model)
    True
    """
    unpack_model(arrays, model)
    fresh = optimizer.state_dict()
    index_of = {name: index for index, name in enumerate(_names_by_index(model, optimizer))}
    state: dict[int, dict[str, Any]] = {}
    for name, array in _under(arrays, _OPTIMIZER).items():
        parameter, key = name.rsplit(".", 1)
        if ON_TORCH:  # which keeps what it is given: a file that stays mapped, cannot be replaced
            array = array.copy()  # on Windows
        state.setdefault(index_of[parameter], {})[key] = torch.from_numpy(array)
    optimizer.load_state_dict({"state": state, "param_groups": fresh["param_groups"]})
    if ema:
        ema.restore(_under(arrays, _EMA))


def _frozen(model: nn.Module) -> set[str]:
    """Return the names, all of them where layers share, of the parameters that are not trained."""
    named = model.named_parameters(remove_duplicate=False)
    return {name for name, p in named if not p.requires_grad}


def _under(arrays: Arrays, prefix: str) -> Arrays:
    """Return the arrays whose names begin so, by the rest of their names."""
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}


def _names_by_index(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[str]:
    """Return the parameters' names in the order in which the optimizer numbers them."""
    name_of = {id(parameter): name for name, parameter in model.named_parameters()}
    return [name_of[id(p)] for group in optimizer.param_groups for p in group["params"]]

"""From a model, an optimizer and a generator to named arrays, and back into them."""

from pathlib import Path
from typing import Any

from transformer._engine import nn, torch
from transformer.io.checkpoint import BEST, LAST, find_checkpoint, read_checkpoint
from transformer.io.safetensors import Arrays
from transformer.models import build_model
from transformer.tokenizers import Tokenizer, tokenizer_from_dict

# What a checkpoint's arrays are called: model.<parameter>, optimizer.<parameter>.<moment>.
_MODEL, _OPTIMIZER, _GENERATOR = "model.", "optimizer.", "generator"


def pack(model: nn.Module, optimizer: torch.optim.Optimizer, generator: torch.Generator) -> Arrays:
    """Return everything that changes while training, as arrays; they share memory with it."""
    arrays = {_MODEL + name: t.detach().numpy() for name, t in model.state_dict().items()}
    names = _names_by_index(model, optimizer)
    for index, moments in optimizer.state_dict()["state"].items():
        for key, value in moments.items():
            array = torch.as_tensor(value).detach().numpy()
            arrays[f"{_OPTIMIZER}{names[index]}.{key}"] = array
    arrays[_GENERATOR] = generator.get_state().numpy()
    return arrays


def unpack_model(arrays: Arrays, model: nn.Module) -> None:
    """Copy a checkpoint's weights into a model of the same shape."""
    weights = {
        name.removeprefix(_MODEL): torch.from_numpy(array)
        for name, array in arrays.items()
        if name.startswith(_MODEL)
    }
    model.load_state_dict(weights)


def load_model(run: str | Path) -> tuple[Any, Tokenizer, dict[str, Any]]:
    """Return the model of a run with its best weights, its tokenizer, and its checkpoint's state.

    ``run`` is a run's folder, or one checkpoint. Weights trained on one engine load on the other.
    Raises ``FileNotFoundError`` when there is none, ``TensorFileError`` when it is damaged.
    """
    arrays, state = read_checkpoint(find_checkpoint(run, BEST, LAST))
    model = build_model(state["config"]["model"], **state["model_config"])
    unpack_model(arrays, model)
    model.eval()
    return model, tokenizer_from_dict(state["tokenizer"]), state


def unpack(
    arrays: Arrays,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> None:
    """Put a model, its optimizer and the generator of batches back as they were packed."""
    unpack_model(arrays, model)
    fresh = optimizer.state_dict()
    index_of = {name: index for index, name in enumerate(_names_by_index(model, optimizer))}
    state: dict[int, dict[str, Any]] = {}
    for name, array in arrays.items():
        if name.startswith(_OPTIMIZER):
            parameter, key = name.removeprefix(_OPTIMIZER).rsplit(".", 1)
            state.setdefault(index_of[parameter], {})[key] = torch.from_numpy(array)
    optimizer.load_state_dict({"state": state, "param_groups": fresh["param_groups"]})
    generator.set_state(torch.from_numpy(arrays[_GENERATOR]))


def _names_by_index(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[str]:
    """Return the parameters' names in the order in which the optimizer numbers them."""
    name_of = {id(parameter): name for name, parameter in model.named_parameters()}
    return [name_of[id(p)] for group in optimizer.param_groups for p in group["params"]]

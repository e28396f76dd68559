"""LoRA adapters in a folder of their own, as the library peft writes and reads them.

``adapter_config.json`` says which layers are corrected and how much, ``adapter_model.safetensors``
holds the A and B of each, under the names the layers have in Hugging Face's models.
"""

from pathlib import Path
from typing import Any

from transformer._engine import nn, torch
from transformer.io.json_file import read_json, write_json
from transformer.io.safetensors import TensorFileError, read_tensors, write_tensors
from transformer.layers.lora import LoRALinear, add_lora, load_lora_state, lora_state

CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"

# Where a model of ours stands inside Hugging Face's of the same kind.
_INSIDE = {"gpt": "transformer.", "llama": "model."}
_PREFIX = "base_model.model."  # peft's own two wrappings

# Settings of peft that would change what is computed, and the values that do not.
_PLAIN: dict[str, Any] = {
    **{"bias": ("none", None), "use_dora": (False, None), "use_rslora": (False, None)},
    **{"rank_pattern": ({}, None), "alpha_pattern": ({}, None), "lora_bias": (False, None)},
    **{"modules_to_save": ([], None), "trainable_token_indices": ({}, None)},
    **{"target_parameters": ([], None), "layer_replication": ([], None)},
    **{"use_qalora": (False, None), "use_bdlora": (False, None)},
}


def save_adapter(model: nn.Module, folder: str | Path, base: str | None = None) -> None:
    """Write a model's adapters alone into ``folder``, for peft or :func:`load_adapter`.

    ``base`` is what to remember as the model they correct. Raises ``ValueError`` when the model
    has no adapters.

    >>> import tempfile
    >>> from transformer.models import build_model
    >>> model, folder = build_model("gpt", vocab_size=3, n_layer=1), Path(tempfile.mkdtemp())
    >>> _ = add_lora(model, rank=2, targets=["mlp.c_fc"])
    >>> save_adapter(model, folder)
    >>> read_json(folder / CONFIG)["target_modules"]
    ['transformer.h.0.mlp.c_fc']
    """
    layers = [m for m in model.modules() if isinstance(m, LoRALinear)]
    if not layers:
        raise ValueError("save_adapter: the model has no LoRA adapters: add_lora gives it some")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    state = {_peft_name(model, name): t.numpy() for name, t in lora_state(model).items()}
    write_tensors(folder / TENSORS, state, {"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": layers[0].rank,
        "lora_alpha": layers[0].alpha,
        "lora_dropout": layers[0].dropout,
        "target_modules": sorted(_whole_names(model)),
        "fan_in_fan_out": getattr(model, "name", "") == "gpt",  # where GPT-2 has Conv1D layers
        "bias": "none",
        "inference_mode": True,
    }
    write_json(folder / CONFIG, config)


def export_adapter(run: str | Path, folder: str | Path) -> None:
    """Write the adapters of a fine-tuned run, with the lowest held-out loss, into ``folder``.

    Raises ``ValueError`` when the run trained the weights themselves.
    """
    from transformer.train.checkpoint import load_model

    model, _, state = load_model(run, merged=False)
    if not state["config"].get("lora_rank"):
        raise ValueError(f"{run} has no LoRA adapters: it trained the weights themselves")
    save_adapter(model, folder, base=state["config"]["init"])


def load_adapter(model: nn.Module, folder: str | Path) -> list[str]:
    """Give ``model`` the adapters of a folder written here or by peft; return the layers' names.

    Raises ``FileNotFoundError`` when there are none, ``TensorFileError`` when they are damaged or
    of a kind this package lacks, ``ValueError`` when they do not fit the model.

    >>> import tempfile
    >>> from transformer.models import build_model
    >>> model, folder = build_model("gpt", vocab_size=3, n_layer=1), tempfile.mkdtemp()
    >>> _ = add_lora(model, rank=2, targets=["mlp.c_fc"])
    >>> save_adapter(model, folder)
    >>> load_adapter(build_model("gpt", vocab_size=3, n_layer=1), folder)
    ['h.0.mlp.c_fc']
    """
    folder = Path(folder)
    config = _read_config(folder / CONFIG)
    arrays, _ = read_tensors(folder / TENSORS)
    state = {_own_name(model, name): torch.from_numpy(a) for name, a in arrays.items()}
    targets = list(dict.fromkeys(name.rpartition(".lora_")[0] for name in state))
    _check_fit(model, folder / TENSORS, state, targets, config["r"])
    options = {"rank": config["r"], "alpha": config["lora_alpha"]}
    names = add_lora(model, targets=targets, dropout=config.get("lora_dropout", 0.0), **options)
    load_lora_state(model, state)
    return names


def _check_fit(
    model: nn.Module, path: Path, state: dict[str, torch.Tensor], targets: list[str], rank: int
) -> None:
    """Raise ``ValueError`` unless each target is a layer there is, with an A and B of its size."""
    layers = {name: m for name, m in model.named_modules() if isinstance(m, nn.Linear)}
    expected: dict[str, tuple[int, int]] = {}
    for name in targets:
        if name not in layers:
            raise ValueError(f"{path}: the model has no linear layer {name!r} to correct")
        n_out, n_in = layers[name].weight.shape
        expected |= {f"{name}.lora_A": (rank, n_in), f"{name}.lora_B": (n_out, rank)}
    for name, shape in expected.items():
        found = tuple(state[name].shape) if name in state else "not there"
        if found != shape:
            raise ValueError(f"{path}: {name} is {found}, the model wants {shape}")
    if strange := sorted(state.keys() - expected.keys()):
        raise ValueError(f"{path}: {strange[0]} is neither the A nor the B of an adapter")


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = read_json(path)
        kind = config["peft_type"], config["r"], config["lora_alpha"]
    except (ValueError, KeyError, TypeError) as why:
        raise TensorFileError(f"{path}: not the settings of LoRA adapters ({why!r})") from None
    if kind[0] != "LORA":
        raise TensorFileError(f"{path}: adapters of kind {kind[0]}; only LORA can be read")
    for name, harmless in _PLAIN.items():
        if config.get(name) not in harmless:
            raise TensorFileError(f"{path}: {name}={config[name]!r}, which cannot be read")
    return config


def _whole_names(model: nn.Module) -> list[str]:
    inside = _INSIDE.get(getattr(model, "name", ""), "")
    adapted = [name for name, m in model.named_modules() if isinstance(m, LoRALinear)]
    return [name if name == "lm_head" else inside + name for name in adapted]


def _peft_name(model: nn.Module, name: str) -> str:
    """``h.0.mlp.c_fc.lora_A`` -> ``base_model.model.transformer.h.0.mlp.c_fc.lora_A.weight``."""
    inside = "" if name.startswith("lm_head.") else _INSIDE.get(getattr(model, "name", ""), "")
    return f"{_PREFIX}{inside}{name}.weight"


def _own_name(model: nn.Module, name: str) -> str:
    inside = _INSIDE.get(getattr(model, "name", ""), "")
    return name.removeprefix(_PREFIX).removeprefix(inside).removesuffix(".weight")

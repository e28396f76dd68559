"""``gradine info``."""

import json
from collections import Counter
from typing import Annotated, Any

import typer

from transformer.cli.options import JsonOption, examples


def info(
    model: Annotated[
        str,
        typer.Argument(help="A run's folder, a checkpoint, a model's file or folder, or a name."),
    ],
    tensors: Annotated[
        bool, typer.Option("--tensors", help="List every tensor of a model's file.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what a run or a model's file is: its sizes, its settings, how far it came."""
    from transformer.io.load import as_run, describe
    from transformer.io.names import find_model

    path = find_model(model)
    run = as_run(path)
    if run is not None:
        from transformer.io.checkpoint import BEST, LAST, find_checkpoint, read_state

        path = find_checkpoint(run, LAST, BEST)
        facts, key = _facts(read_state(path)), "checkpoint"
    else:
        facts, key = _described(describe(path), as_json or tensors), "path"
    if as_json:
        print(json.dumps({key: str(path), **facts}, indent=2))
        return
    print(path)
    listed = facts.pop("tensors", []) if tensors else []
    for name, value in facts.items():
        print(f"  {name.replace('_', ' '):26}{_readable(name, value)}")
    for tensor in listed:
        shape = " x ".join(map(str, tensor["shape"]))
        print(f"  {tensor['name']:50} {tensor['dtype']:5} {shape}")


info.epilog = examples(  # type: ignore[attr-defined]
    "gradine info demo-run",
    "gradine info smollm2",
    "gradine info Qwen3-0.6B --json",
)


def _readable(name: str, value: Any) -> str:
    from transformer.train.memory import readable

    if isinstance(value, dict):
        return ", ".join(f"{key} {inner}" for key, inner in value.items() if inner is not None)
    if isinstance(value, float):
        return f"{value:.4g}"
    if name.endswith("_bytes"):
        return readable(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _described(found: Any, with_tensors: bool) -> dict[str, Any]:
    """What is known of a model's file without reading the weights."""
    stored = found.tensors.values()
    facts = {
        "format": found.format,
        "architecture": found.architecture,
        "model": found.model,
        "parameters": sum(tensor.size for tensor in stored),
        "context": found.config["block_size"],
        "model_config": found.config,
        "dtypes": dict(Counter(tensor.dtype for tensor in stored).most_common()),
        "stored_bytes": sum(tensor.nbytes for tensor in stored),
        "memory_bytes": 4 * sum(tensor.size for tensor in stored),  # in float32
        "of_it_mapped_bytes": 4 * sum(tensor.size for tensor in stored if tensor.mapped),
        "tokenizer": _tokenizer(found),
    }
    if with_tensors:
        facts["tensors"] = [
            {"name": name, "stored_as": t.name, "shape": list(t.shape), "dtype": t.dtype}
            for name, t in found.tensors.items()
        ]
    return facts


def _tokenizer(found: Any) -> dict[str, Any] | str:
    """The tokenizer's kind and special ids, or why there is none."""
    try:
        tokenizer = found.tokenizer()
    except (OSError, ValueError) as error:
        return str(error).replace(str(found.path.parent) + "/", "")
    return {
        "type": tokenizer.to_dict()["type"],
        "vocab_size": tokenizer.vocab_size,
        "bos_id": tokenizer.bos_id,
        "eos_id": tokenizer.eos_id,
        "stop_ids": sorted(tokenizer.stop_ids),
        "chat_template": tokenizer.chat_template is not None,
    }


def _facts(state: dict[str, Any]) -> dict[str, Any]:
    from transformer.train.units import bits_per_byte

    config = dict(state["config"])
    config.pop("model_settings")
    best = state["best_loss"]
    # An older checkpoint of characters has their number; it is that of bytes in plain English.
    per_token = state.get("bytes_per_token", state.get("characters_per_token"))
    bits = None if best is None or not per_token else bits_per_byte(best, per_token)
    return {
        "model": config.pop("model"),
        "parameters": state["parameters"],
        "model_config": state["model_config"],
        "step": state["step"],
        "steps": config.pop("steps"),
        "held_out_loss": state["val_loss"],
        "best_held_out_loss": best,
        "best_bits_per_byte": bits,
        "seconds": state["elapsed"],
        "engine": state["engine"],
        "workers": state["workers"],
        "tokenizer": state["tokenizer"] and state["tokenizer"]["type"],
        "config": config,
    }

"""``gradine info``."""

import json
from math import log
from typing import Annotated, Any

import typer

from transformer.cli.options import examples


def info(
    run: Annotated[str, typer.Argument(help="A run's folder, or one of its checkpoints.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say what a run is: its model, its settings, how far it came."""
    from transformer.io.checkpoint import find_checkpoint, read_state

    path = find_checkpoint(run, "last.safetensors", "best.safetensors")
    facts = _facts(read_state(path))
    if as_json:
        print(json.dumps({"checkpoint": str(path), **facts}, indent=2))
        return
    print(path)
    for name, value in facts.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {inner}" for key, inner in value.items())
        elif isinstance(value, float):
            value = f"{value:.4g}"
        elif isinstance(value, int):
            value = f"{value:,}"
        print(f"  {name.replace('_', ' '):26}{value}")


info.epilog = examples(  # type: ignore[attr-defined]
    "gradine info demo-run",
    "gradine info demo-run --json",
)


def _facts(state: dict[str, Any]) -> dict[str, Any]:
    config = dict(state["config"])
    config.pop("model_settings")
    best = state["best_loss"]
    # An older checkpoint of characters has their number; it is that of bytes in plain English.
    per_token = state.get("bytes_per_token", state.get("characters_per_token"))
    bits = None if best is None or not per_token else best / log(2) / per_token
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

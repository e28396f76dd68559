"""From settings to a model and what it learns from, checked against each other and the memory."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from transformer._engine import torch
from transformer.models import MODELS, build_model
from transformer.tokenizers import Tokenizer
from transformer.train.checkpoint import adapt, weights_sha256
from transformer.train.config import TrainConfig, check_names
from transformer.train.material import Material, load_material
from transformer.train.memory import check_memory, estimate_bytes
from transformer.train.randomness import ON_TORCH


def begin(config: TrainConfig, text: str | None = None) -> tuple[Any, Material, str | None]:
    """Return the model a new run begins with, its material, and what its adapters' base hashes to.

    Raises ``ValueError`` when settings, text and model do not go together, ``MemoryError`` when a
    step would need more memory than is free.

    >>> config = TrainConfig(model="bigram", block_size=4)
    >>> model, material, _ = begin(config, text="to be or not to be " * 9)
    >>> model.config.vocab_size, material.tokenizer.decode([1, 2])
    (7, 'be')
    """
    if config.init is not None:
        from transformer import load

        model, tokenizer = load(config.init)
        return begin_with(config, model, tokenizer, text)
    if config.model in MODELS:
        check_names(config.model_settings, _settings_of(config.model), of=config.model)
    material = load_material(config, text)
    settings = {"block_size": config.block_size, **config.model_settings}
    settings["vocab_size"] = material.vocab_size
    if config.model in MODELS:
        sizes = MODELS[config.model][1](**settings)  # with the model's own defaults
        check_step_fits(config, vars(sizes), sizes.estimated_parameters())
    torch.manual_seed(config.seed)
    return build_model(config.model, **settings), material, None


def begin_with(
    config: TrainConfig, model: Any, tokenizer: Tokenizer | None, text: str | None = None
) -> tuple[Any, Material, str | None]:
    """Begin with ``config.init``, loaded as ``model`` and its ``tokenizer``, instead of a new one.

    Returns and raises what :func:`begin` does.

    >>> parent = build_model("gpt", vocab_size=3, n_layer=1, block_size=8)
    >>> begin_with(TrainConfig(init="parent", block_size=16), parent, None)
    Traceback (most recent call last):
    ValueError: block_size=16 is more than parent can look back on: 8 tokens
    """
    init = config.init
    if config.out and Path(config.out).resolve() == Path(str(init)).resolve():
        raise ValueError(f"{init} cannot begin a run in its own folder: choose another --out")
    if config.block_size > model.block_size:
        raise ValueError(
            f"block_size={config.block_size} is more than {init} can look back on: "
            f"{model.block_size} tokens"
        )
    material = load_material(config, text, tokenizer)
    if material.vocab_size > model.config.vocab_size:
        raise ValueError(
            f"{material.name} has a vocabulary of {material.vocab_size} tokens, {init} one of "
            f"{model.config.vocab_size}: tokenize the text with the model's own tokenizer"
        )
    check_step_fits(config, vars(model.config), model.num_parameters(), held=True)
    if not config.lora_rank:
        return model, material, None
    base_sha256 = weights_sha256(model)
    torch.manual_seed(config.seed)
    adapt(model, config)
    return model, material, base_sha256


def check_step_fits(
    config: TrainConfig, sizes: dict[str, Any], parameters: int, held: bool = False
) -> None:
    """Raise ``MemoryError`` when a step of a model of these sizes needs more than is free.

    ``held`` tells that the weights are in memory already.

    >>> sizes = {"n_embd": 16, "n_layer": 1, "n_head": 2, "vocab_size": 65}
    >>> check_step_fits(TrainConfig(), sizes, parameters=5_000)  # says nothing: it fits
    """
    width, layers, heads, vocabulary = (
        sizes.get(name) or 1 for name in ("n_embd", "n_layer", "n_head", "vocab_size")
    )
    tokens = config.batch_size * config.block_size // config.accumulate
    trained = parameters if not config.lora_rank else 0
    scores = 0 if ON_TORCH else heads * config.block_size  # where torch computes them again
    new = 0 if held else parameters
    needed = estimate_bytes(new, trained, tokens, width, layers, vocabulary, scores)
    check_memory(
        needed,
        f"a step of {parameters:,} parameters on {tokens:,} tokens at once",
        "use a smaller model, batch_size or block_size, or more pieces (accumulate)",
    )


def _settings_of(model: str) -> list[str]:
    return [field.name for field in fields(MODELS[model][1])]

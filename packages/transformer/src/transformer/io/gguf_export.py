"""A model as a GGUF file that llama.cpp and ``transformers`` load."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from transformer.io.gguf import (
    EXPERTS,
    GPT2_NAMES,
    LLAMA3,
    LLAMA_NAMES,
    llama3_factors,
)
from transformer.io.gguf_write import Writable, write_gguf
from transformer.io.halves import in_pairs
from transformer.io.hf import model_tensors, token_ids
from transformer.io.hf_settings import llama_architecture
from transformer.io.stored import Float32, Stored

# Kept as: llama.cpp's number for a file that is mostly of this kind.
_FILE_TYPES = {"f32": 0, "f16": 1, "q8_0": 7, "bf16": 32}
_ARCHITECTURES = {
    "LlamaForCausalLM": "llama",
    "MistralForCausalLM": "llama",
    "MixtralForCausalLM": "llama",
    "Qwen2ForCausalLM": "qwen2",
    "Qwen3ForCausalLM": "qwen3",
}
_VOCABULARY, _UNUSED = "tokenizer.ggml", 5
_BLOCK = 32  # numbers of a row that Q8_0 keeps together


def save_gguf(model: Any, tokenizer: Any, path: str | Path, *, dtype: str = "f32") -> None:
    """Write a ``GPT`` or ``Llama`` and its tokenizer as one GGUF file.

    ``dtype`` is how matrices are kept: f32, f16, bf16 or q8_0; norms and biases stay f32, and so
    do matrices whose rows are no whole blocks. A ``window`` is written, but llama.cpp does not look
    at it in files of this architecture: texts longer than the window it computes otherwise. Raises
    ValueError for a model or tokenizer that has no such form.

    >>> import tempfile, transformer
    >>> path = Path(tempfile.mkdtemp()) / "tiny.gguf"
    >>> save_gguf(transformer.build_model("llama", vocab_size=3, n_layer=1), None, path)
    >>> path.read_bytes()[:4]
    b'GGUF'
    """
    if dtype not in _FILE_TYPES:
        raise ValueError(f"a GGUF file's dtype is {', '.join(_FILE_TYPES)}, not {dtype!r}")
    config = model.config
    token_ids(tokenizer, config.vocab_size)  # refuses a tokenizer of another model
    if model.name == "gpt":
        architecture, settings, tensors = "gpt2", _gpt2_settings(config), _gpt2_tensors(model)
    elif model.name == "llama":
        architecture = _ARCHITECTURES[llama_architecture(config)]
        settings, tensors = _llama_settings(config), _llama_tensors(model, architecture)
    else:
        raise ValueError(f"a {model.name} model has no form in GGUF; gpt and llama do")
    metadata = {
        "general.architecture": architecture,
        "general.type": "model",
        "general.name": Path(path).stem,
        "general.file_type": _FILE_TYPES[dtype],
        **({"general.quantization_version": 2} if dtype == "q8_0" else {}),
        **{f"{architecture}.{key}": value for key, value in settings.items()},
        **_tokenizer_fields(tokenizer, config.vocab_size),
    }
    write_gguf(path, metadata, [_writable(t, dtype.upper()) for t in tensors])


def _llama_settings(config: Any) -> dict[str, Any]:
    head_dim = config.width_of_head
    settings = {
        "context_length": config.block_size,
        "embedding_length": config.n_embd,
        "block_count": config.n_layer,
        "feed_forward_length": config.hidden,
        "vocab_size": config.vocab_size,
        "attention.head_count": config.n_head,
        "attention.head_count_kv": config.kv_heads,
        "attention.layer_norm_rms_epsilon": float(config.norm_eps),
        "attention.key_length": head_dim,
        "attention.value_length": head_dim,
        "rope.dimension_count": head_dim,
        "rope.freq_base": float(config.rope_theta),
    }
    if config.window:
        settings["attention.sliding_window"] = config.window
    if config.n_expert:
        settings["expert_count"] = config.n_expert
        settings["expert_used_count"] = config.n_expert_active
    scaling = dict(config.rope_scaling or {})
    kind = scaling.get("rope_type", scaling.get("type"))
    if kind == "linear":
        settings["rope.scaling.type"] = "linear"
        settings["rope.scaling.factor"] = float(scaling["factor"])
    elif kind == "llama3":  # the factors go into a tensor; these let them be told from others
        settings |= {f"rope.scaling.{name}": scaling[name] for name in LLAMA3}
    return settings


def _gpt2_settings(config: Any) -> dict[str, Any]:
    if config.gelu != "tanh":
        raise ValueError("GGUF's gpt2 has GPT-2's approximate GELU (gelu='tanh'), this model not")
    return {
        "context_length": config.block_size,
        "embedding_length": config.n_embd,
        "block_count": config.n_layer,
        "feed_forward_length": 4 * config.n_embd,
        "attention.head_count": config.n_head,
        "attention.layer_norm_epsilon": 1e-5,
    }


def _tokenizer_fields(tokenizer: Any, vocab_size: int) -> dict[str, Any]:
    if tokenizer is None:
        return {}
    from transformer.tokenizers.gguf import gguf_fields

    fields = dict(gguf_fields(tokenizer))
    # Rows of the model beyond the tokenizer's ids, which fill it up to a round number, want names.
    extra = range(len(fields[f"{_VOCABULARY}.tokens"]), vocab_size)
    fillers: dict[str, list[Any]] = {
        "tokens": [f"[PAD{i}]" for i in extra],
        "token_type": [_UNUSED for _ in extra],
        "scores": [-1000.0 for _ in extra],
    }
    for name, values in fillers.items():
        key = f"{_VOCABULARY}.{name}"
        if key in fields:
            fields[key] = [*fields[key], *values]
    return fields


def _gpt2_tensors(model: Any) -> Iterator[Stored]:
    names = {ours: theirs for theirs, ours in GPT2_NAMES.items()}
    for name, stored in model_tensors(model).items():
        yield replace(stored, name=_their_name(name, names, "h"))


def _llama_tensors(model: Any, architecture: str) -> Iterator[Stored]:
    config = model.config
    names = {ours: theirs for theirs, ours in LLAMA_NAMES.items()}
    tensors = model_tensors(model)
    for name, stored in tensors.items():
        if ".experts." in name:
            if ".experts.0." in name:
                yield _stacked(name, tensors, config.n_expert)
            continue
        if architecture == "llama":
            stored = in_pairs(name, stored, config.n_head, config.kv_heads)
        yield replace(stored, name=_their_name(name, names, "layers"))
    scaling = dict(config.rope_scaling or {})
    if scaling.get("rope_type", scaling.get("type")) == "llama3":
        factors = llama3_factors(scaling, config.rope_theta, config.width_of_head)
        yield Stored("rope_freqs.weight", factors.shape, "F32", factors.nbytes, factors.copy)


def _their_name(name: str, names: dict[str, str], layers: str) -> str:
    path, _, kind = name.rpartition(".")
    match = re.fullmatch(rf"{layers}\.(\d+)\.(.+)", path)
    return f"blk.{match[1]}.{names[match[2]]}.{kind}" if match else f"{names[path]}.{kind}"


def _stacked(name: str, tensors: dict[str, Stored], n_expert: int) -> Stored:
    """One matrix of every expert of a layer, stacked."""
    parts = [tensors[name.replace(".experts.0.", f".experts.{e}.")] for e in range(n_expert)]
    part = {ours: theirs for theirs, ours in EXPERTS.items()}[name.split(".")[-2]]
    theirs = f"blk.{name.split('.')[1]}.{part}.weight"
    shape = (n_expert, *parts[0].shape)

    def read() -> Float32:
        return np.stack([p.read() for p in parts])

    return Stored(theirs, shape, "F32", n_expert * parts[0].nbytes, read)


def _writable(stored: Stored, dtype: str) -> Writable:
    """Vectors are kept whole: they are few, and errors in them matter most."""
    whole = len(stored.shape) < 2 or (dtype == "Q8_0" and stored.shape[-1] % _BLOCK)
    router = stored.name.endswith("ffn_gate_inp.weight")  # llama.cpp keeps it whole, too
    return Writable(stored.name, stored.shape, "F32" if whole or router else dtype, stored.read)

"""GGUF model files: what llama.cpp's architectures mean in this package's words."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from transformer.io.gguf_file import read_gguf
from transformer.io.halves import in_halves
from transformer.io.hf import same_table
from transformer.io.safetensors import TensorFileError
from transformer.io.stored import Float32, Pretrained, Stored

Metadata = Mapping[str, Any]

# A tensor's name in the file and here, of the whole model and of a block.
LLAMA_NAMES = {
    "token_embd": "embed_tokens", "output_norm": "norm", "output": "lm_head",
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj", "ffn_gate_inp": "mlp.gate",
}  # fmt: skip
GPT2_NAMES = {
    "token_embd": "wte", "position_embd": "wpe", "output_norm": "ln_f", "output": "lm_head",
    "attn_norm": "ln_1", "attn_qkv": "attn.c_attn", "attn_output": "attn.c_proj",
    "ffn_norm": "ln_2", "ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj",
}  # fmt: skip
EXPERTS = {"ffn_gate_exps": "w1", "ffn_down_exps": "w2", "ffn_up_exps": "w3"}
# How Llama 3's frequencies were stretched. Most files do not say: this package's do.
LLAMA3 = {
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


def describe_gguf(path: Path) -> Pretrained:
    """Describe a GGUF model file of the architectures llama, qwen2, qwen3 and gpt2.

    Raises TensorFileError for a damaged file, ValueError naming an architecture or setting that
    is not computed here.

    >>> import tempfile, transformer
    >>> from transformer.io.gguf_export import save_gguf
    >>> path = Path(tempfile.mkdtemp()) / "tiny.gguf"
    >>> save_gguf(transformer.build_model("llama", vocab_size=3, n_layer=1), None, path)
    >>> describe_gguf(path).tensors["norm.weight"].shape
    (128,)
    """
    metadata, tensors = read_gguf(path)
    architecture = metadata.get("general.architecture")
    if metadata.get("split.count", 1) > 1:
        raise ValueError(
            f"{path} is one of {metadata['split.count']} parts: put them together first "
            f"(llama-gguf-split --merge {path.name} WHOLE.gguf)"
        )
    if architecture not in _ARCHITECTURES:
        raise ValueError(
            f"{path}: the architecture {architecture} is not known here; known are "
            f"{', '.join(_ARCHITECTURES)}"
        )
    try:
        model, config, named = _ARCHITECTURES[architecture](_Table(metadata, tensors))
    except KeyError as error:
        raise TensorFileError(f"{path}: it has no {error.args[0]}") from None
    except (ValueError, TypeError, ArithmeticError, IndexError) as error:
        raise ValueError(f"{path}: {error}") from None
    special = {
        key.removeprefix("tokenizer.ggml."): value
        for key, value in metadata.items()
        if key.startswith("tokenizer.ggml.") and key.endswith("_token_id")
    }
    return Pretrained(
        path=path,
        format="GGUF",
        architecture=architecture,
        model=model,
        config=config,
        tensors=named,
        tokenizer=lambda: _tokenizer(path, metadata),
        special=special,
    )


class _Table:
    """A file's settings, looked up under its architecture, and its tensors."""

    def __init__(self, metadata: Metadata, tensors: dict[str, Stored]) -> None:
        self.metadata, self.tensors = metadata, tensors
        self.architecture = metadata["general.architecture"]

    def __getitem__(self, key: str) -> Any:
        return self.metadata[f"{self.architecture}.{key}"]

    def get(self, key: str, default: Any = None) -> Any:
        return self.metadata.get(f"{self.architecture}.{key}", default)

    def same(self, key: str, default: Any = None) -> Any:
        """A setting that may be given once a layer, where every layer must have the same."""
        value = self.get(key, default)
        if isinstance(value, list):
            if len(set(value)) != 1:
                raise ValueError(f"{key} differs between layers, which is not computed here")
            return value[0]
        return value


def _llama(table: _Table) -> tuple[str, dict[str, Any], dict[str, Stored]]:
    n_head, n_embd = table.same("attention.head_count"), table["embedding_length"]
    head_dim = table.get("attention.key_length", n_embd // n_head)
    if table.get("attention.value_length", head_dim) != head_dim:
        raise ValueError("attention.key_length and value_length differ")
    if table.get("rope.dimension_count", head_dim) != head_dim:
        raise ValueError(
            f"rope.dimension_count is {table.get('rope.dimension_count')}; only whole heads of "
            f"{head_dim} are turned here"
        )
    tensors = dict(table.tensors)
    theta = float(table.get("rope.freq_base", 10000.0))
    config = {
        "vocab_size": tensors["token_embd.weight"].shape[0],
        "block_size": table["context_length"],
        "n_layer": table["block_count"],
        "n_head": n_head,
        "n_kv_head": table.same("attention.head_count_kv", n_head),
        "n_embd": n_embd,
        "n_hidden": table.same("feed_forward_length"),
        "head_dim": head_dim,
        "rope_theta": theta,
        "rope_scaling": _scaling(table, tensors.pop("rope_freqs.weight", None), theta, head_dim),
        "norm_eps": _decimal(table["attention.layer_norm_rms_epsilon"]),
        "tie_embeddings": "output.weight" not in tensors,
        "qk_norm": "blk.0.attn_q_norm.weight" in tensors,
        "attention_bias": "blk.0.attn_q.bias" in tensors,
        "output_bias": "blk.0.attn_output.bias" in tensors,
        "mlp_bias": "blk.0.ffn_up.bias" in tensors,
        "window": table.get("attention.sliding_window") or None,
        "n_expert": table.get("expert_count", 0),
        "n_expert_active": table.get("expert_used_count", 2),
    }
    named = _named(tensors, LLAMA_NAMES, "layers")
    if table.architecture == "llama":
        heads = config["n_head"], config["n_kv_head"]
        named = {n: in_halves(n, t, *heads) for n, t in named.items()}
    return "llama", config, named


def _gpt2(table: _Table) -> tuple[str, dict[str, Any], dict[str, Stored]]:
    epsilon = _decimal(table.get("attention.layer_norm_epsilon", 1e-5))
    if epsilon != 1e-5:
        raise ValueError(f"attention.layer_norm_epsilon is {epsilon}; only 1e-5 is computed here")
    n_embd = table["embedding_length"]
    if table.same("feed_forward_length") != 4 * n_embd:
        raise ValueError(f"feed_forward_length must be 4 times {n_embd}")
    config = {
        "vocab_size": table.tensors["token_embd.weight"].shape[0],
        "block_size": table["context_length"],
        "n_layer": table["block_count"],
        "n_head": table.same("attention.head_count"),
        "n_embd": n_embd,
    }
    named = _named(table.tensors, GPT2_NAMES, "h")
    second = named.get("lm_head.weight")  # often the same again, or the same rounded otherwise
    config["tie_embeddings"] = second is None or same_table(named["wte.weight"], second)
    if config["tie_embeddings"]:
        named.pop("lm_head.weight", None)
    return "gpt", config, named


_ARCHITECTURES: dict[str, Callable[[_Table], tuple[str, dict[str, Any], dict[str, Stored]]]] = {
    "llama": _llama,
    "qwen2": _llama,
    "qwen3": _llama,
    "gpt2": _gpt2,
}


def _decimal(value: float) -> float:
    """The number that was meant by a float32, such as 1e-5 by 9.999999747e-06."""
    return float(str(np.float32(value)))


def _named(
    tensors: Mapping[str, Stored], names: Mapping[str, str], layers: str
) -> dict[str, Stored]:
    """Tensors under this package's names; unknown names stay, for the reader to be told."""
    found: dict[str, Stored] = {}
    for name, stored in tensors.items():
        match = re.fullmatch(r"(?:blk\.(\d+)\.)?(\w+)\.(weight|bias)", name)
        block, part, kind = match.groups() if match else (None, name, "")
        prefix = f"{layers}.{block}." if block else ""
        if part in EXPERTS:
            for expert in range(stored.shape[0]):
                found[f"{prefix}mlp.experts.{expert}.{EXPERTS[part]}.weight"] = stored.row(expert)
        elif part in names:
            found[f"{prefix}{names[part]}.{kind}"] = stored
        else:
            found[name] = stored
    return found


def _scaling(
    table: _Table, factors: Stored | None, theta: float, head_dim: int
) -> dict[str, Any] | None:
    """How the rotary angles are stretched, in the words of a config.json."""
    if factors is not None:
        said = {name: table.get(f"rope.scaling.{name}", usual) for name, usual in LLAMA3.items()}
        return _llama3_scaling(factors.read(), said, theta, head_dim)
    kind = table.get("rope.scaling.type", "none")
    old = table.get("rope.scale_linear")
    if kind == "none":
        return {"rope_type": "linear", "factor": float(old)} if old not in (None, 1.0) else None
    if kind != "linear":
        raise ValueError(f"rope.scaling.type {kind} is not computed here; linear is")
    return {"rope_type": "linear", "factor": float(table["rope.scaling.factor"])}


def _llama3_scaling(
    factors: Float32, said: dict[str, Any], theta: float, head_dim: int
) -> dict[str, Any]:
    """The scaling of Llama 3 whose factors a file holds ready-made in ``rope_freqs``.

    Raises ValueError when no such scaling gives these factors.
    """
    scaling = {"rope_type": "llama3", "factor": float(factors.max()), **said}
    if factors.shape != (head_dim // 2,) or not np.allclose(
        factors, llama3_factors(scaling, theta, head_dim), rtol=1e-4
    ):
        raise ValueError(
            "rope_freqs.weight holds factors that are not those of Llama 3, with "
            + ", ".join(f"{name} {value:g}" for name, value in said.items())
        )
    return scaling


def llama3_factors(scaling: Mapping[str, Any], theta: float, head_dim: int) -> Float32:
    """What Llama 3's scaling divides each angle's rate by. (D / 2,)

    >>> scaling = {"rope_type": "llama3", "factor": 8.0, **LLAMA3}
    >>> llama3_factors(scaling, theta=5e5, head_dim=64)[[0, -1]].tolist()
    [1.0, 8.0]
    """
    from transformer.layers import Rotary

    rates = Rotary(head_dim, theta).rates / Rotary(head_dim, theta, scaling).rates
    return rates.numpy().astype(np.float32)


def _tokenizer(path: Path, metadata: Metadata) -> Any:
    from transformer.tokenizers.gguf import tokenizer_from_gguf

    if "tokenizer.ggml.model" not in metadata:
        raise FileNotFoundError(
            f"{path} holds no tokenizer: pass one, load(..., tokenizer=FILE) or --tokenizer FILE"
        )
    try:
        return tokenizer_from_gguf(metadata)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None

"""The settings of a Hugging Face ``config.json`` in this package's words.

What an architecture computes follows from the keys its class in ``transformers`` reads. Of those,
each is either translated here or must have the one value that this package computes; any other
key is not looked at there either.
"""

from collections.abc import Callable, Mapping
from typing import Any

Settings = dict[str, Any]

# What transformers assumes where a config.json says nothing.
_LLAMA_DEFAULTS: Settings = {
    "hidden_act": "silu",
    "num_key_value_heads": None,
    "rms_norm_eps": 1e-6,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": False,
}
_DEFAULTS: dict[str, Settings] = {
    "LlamaForCausalLM": {},
    "MistralForCausalLM": {"num_key_value_heads": 8, "max_position_embeddings": 131072,
                           "sliding_window": 4096},
    "Qwen2ForCausalLM": {"num_key_value_heads": 32, "max_position_embeddings": 32768,
                         "sliding_window": 4096},
    "Qwen3ForCausalLM": {"num_key_value_heads": 32, "max_position_embeddings": 32768,
                         "sliding_window": 4096, "head_dim": 128},
    "MixtralForCausalLM": {"num_key_value_heads": 8, "max_position_embeddings": 131072,
                           "rms_norm_eps": 1e-5, "rope_theta": 1e6, "num_experts_per_tok": 2,
                           "num_local_experts": 8},
}  # fmt: skip
_GPT2_DEFAULTS: Settings = {"n_positions": 1024, "activation_function": "gelu_new",
                            "tie_word_embeddings": True}  # fmt: skip
# Names that its class in transformers takes for the same.
_GPT2_NAMES = {"hidden_size": "n_embd", "max_position_embeddings": "n_positions",
               "num_attention_heads": "n_head", "num_hidden_layers": "n_layer"}  # fmt: skip
_GELU = {"gelu_new": "tanh", "gelu_pytorch_tanh": "tanh", "gelu": "none"}

# Keys that would change the numbers, and the only values that this package computes.
_LLAMA_FIXED: Settings = {
    "hidden_act": ("silu", "swish"),
    "partial_rotary_factor": (1.0,),
    "quantization_config": (None,),
}
_GPT2_FIXED: Settings = {
    "activation_function": tuple(_GELU),
    "layer_norm_epsilon": (1e-5,),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
    "quantization_config": (None,),
}
_SCALINGS = ("default", "linear", "llama3")


def from_hf(config: Mapping[str, Any]) -> tuple[str, str, Settings]:
    """The architecture that a config.json names, the model that computes it, its settings.

    Raises ValueError naming an architecture or a setting that this package does not compute, or
    a setting that is missing.

    >>> from_hf({"architectures": ["GPT2LMHeadModel"], "vocab_size": 65, "n_embd": 32,
    ...          "n_layer": 2, "n_head": 4, "n_positions": 16})[2]["gelu"]
    'tanh'
    """
    architecture = _architecture(config)
    try:
        return architecture, *_FAMILIES[architecture](architecture, config)
    except KeyError as error:
        raise ValueError(f"config.json of a {architecture} has no {error}") from None


def _architecture(config: Mapping[str, Any]) -> str:
    named = config.get("architectures") or []
    if not named:  # a folder may hold a bare model, without scores
        by_type = {"gpt2": "GPT2LMHeadModel"} | {
            name.removesuffix("ForCausalLM").lower(): name for name in _DEFAULTS
        }
        named = [by_type.get(config.get("model_type", ""), str(config.get("model_type")))]
    if named[0] not in _FAMILIES:
        raise ValueError(
            f"the architecture {named[0]} is not known here; known are {', '.join(_FAMILIES)}"
        )
    return str(named[0])


def _gpt2(architecture: str, given: Mapping[str, Any]) -> tuple[str, Settings]:
    config = {**_GPT2_DEFAULTS, **{_GPT2_NAMES.get(name, name): v for name, v in given.items()}}
    _require(architecture, config, _GPT2_FIXED)
    if config.get("n_inner") not in (None, 4 * config["n_embd"]):
        raise ValueError(
            f"{architecture}: n_inner is {config['n_inner']}; only 4 n_embd = "
            f"{4 * config['n_embd']} is computed here"
        )
    return "gpt", {
        "vocab_size": config["vocab_size"],
        "block_size": config["n_positions"],
        "n_layer": config["n_layer"],
        "n_head": config["n_head"],
        "n_embd": config["n_embd"],
        "gelu": _GELU[config["activation_function"]],
        "tie_embeddings": config["tie_word_embeddings"],
    }


def _llama(architecture: str, given: Mapping[str, Any]) -> tuple[str, Settings]:
    config = {**_LLAMA_DEFAULTS, **_DEFAULTS[architecture], **given}
    _require(architecture, config, _LLAMA_FIXED)
    theta, scaling = _rope(architecture, config)
    settings = {
        "vocab_size": config["vocab_size"],
        "block_size": config["max_position_embeddings"],
        "n_layer": config["num_hidden_layers"],
        "n_head": config["num_attention_heads"],
        "n_kv_head": config["num_key_value_heads"],
        "n_embd": config["hidden_size"],
        "n_hidden": config["intermediate_size"],
        "head_dim": config.get("head_dim"),
        "rope_theta": theta,
        "rope_scaling": scaling,
        "norm_eps": config["rms_norm_eps"],
        "tie_embeddings": config["tie_word_embeddings"],
        "window": _window(architecture, config),
        **_variant(architecture, config),
    }
    return "llama", settings


def _variant(architecture: str, config: Mapping[str, Any]) -> Settings:
    """What sets one architecture of the family apart from the others."""
    bias = bool(config.get("attention_bias", False))
    if architecture == "LlamaForCausalLM":
        mlp_bias = bool(config.get("mlp_bias", False))
        return {"attention_bias": bias, "output_bias": bias, "mlp_bias": mlp_bias}
    if architecture == "Qwen2ForCausalLM":
        return {"attention_bias": True}
    if architecture == "Qwen3ForCausalLM":
        return {"attention_bias": bias, "output_bias": bias, "qk_norm": True}
    if architecture == "MixtralForCausalLM":
        n_active = config["num_experts_per_tok"]
        return {"n_expert": config["num_local_experts"], "n_expert_active": n_active}
    return {}


def _window(architecture: str, config: Mapping[str, Any]) -> int | None:
    """How far back every layer looks; raises ValueError when layers differ in it."""
    window: int | None = config.get("sliding_window")
    if architecture == "LlamaForCausalLM":
        return None
    if architecture in ("MistralForCausalLM", "MixtralForCausalLM"):
        return window
    n_layer = config["num_hidden_layers"]
    kinds = config.get("layer_types")
    if not config.get("use_sliding_window", False) or window is None:
        window = None
    if kinds is None:
        first = config.get("max_window_layers", 28) if window else n_layer
        kinds = ["full_attention" if i < first else "sliding_attention" for i in range(n_layer)]
    if len(set(kinds)) > 1:
        raise ValueError(
            f"{architecture}: layer_types mix {' and '.join(sorted(set(kinds)))}; only the same "
            f"in every layer is computed here"
        )
    return window if kinds[0] == "sliding_attention" else None


def _rope(architecture: str, config: Mapping[str, Any]) -> tuple[float, Settings | None]:
    """The base of the rotary angles and their scaling, in the old or the new way of writing it."""
    new = dict(config.get("rope_parameters") or {})
    old = dict(config.get("rope_scaling") or {})
    scaling = {**new, **old}
    theta = scaling.pop("rope_theta", config.get("rope_theta", 10000.0))
    kind = scaling.pop("rope_type", scaling.pop("type", "default"))
    scaling.pop("type", None)
    if kind not in _SCALINGS:
        raise ValueError(
            f"{architecture}: rope_scaling of the kind {kind} is not computed here; known are "
            f"{', '.join(_SCALINGS)}"
        )
    if scaling.pop("partial_rotary_factor", 1.0) != 1.0:
        raise ValueError(f"{architecture}: partial_rotary_factor must be 1")
    return float(theta), None if kind == "default" else {"rope_type": kind, **scaling}


def _require(architecture: str, config: Mapping[str, Any], fixed: Mapping[str, Any]) -> None:
    for key, values in fixed.items():
        if key in config and config[key] not in values:
            shown = " or ".join(map(repr, values))
            raise ValueError(
                f"{architecture}: config.json sets {key} to {config[key]!r}; only {shown} is "
                f"computed here"
            )


_FAMILIES: dict[str, Callable[[str, Mapping[str, Any]], tuple[str, Settings]]] = {
    "GPT2LMHeadModel": _gpt2,
    **dict.fromkeys(_DEFAULTS, _llama),
}

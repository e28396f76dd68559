"""The ``config.json`` of a model: its settings in the words of ``transformers``."""

from typing import Any

from transformer.io.hf_config import Settings


def to_hf(model: Any) -> Settings:
    """The config.json, without token ids, that describes a ``GPT`` or ``Llama``.

    Raises ValueError for a model that no architecture of ``transformers`` computes.

    >>> from transformer import build_model
    >>> to_hf(build_model("llama", vocab_size=65, qk_norm=True))["architectures"]
    ['Qwen3ForCausalLM']
    """
    if model.name == "gpt":
        return _gpt2_settings(model.config)
    if model.name == "llama":
        return _llama_settings(model.config)
    raise ValueError(f"a {model.name} model has no form that transformers knows; gpt and llama do")


def _gpt2_settings(config: Any) -> Settings:
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": config.vocab_size,
        "n_positions": config.block_size,
        "n_embd": config.n_embd,
        "n_layer": config.n_layer,
        "n_head": config.n_head,
        "n_inner": None,
        "activation_function": "gelu_new" if config.gelu == "tanh" else "gelu",
        "layer_norm_epsilon": 1e-5,
        **{f"{part}_pdrop": config.dropout for part in ("resid", "embd", "attn")},
        "tie_word_embeddings": config.tie_embeddings,
    }


def _llama_settings(config: Any) -> Settings:
    architecture = llama_architecture(config)
    rope = {"rope_type": "default", **dict(config.rope_scaling or {})}
    settings = {
        "architectures": [architecture],
        "model_type": architecture.removesuffix("ForCausalLM").lower(),
        "vocab_size": config.vocab_size,
        "max_position_embeddings": config.block_size,
        "num_hidden_layers": config.n_layer,
        "num_attention_heads": config.n_head,
        "num_key_value_heads": config.kv_heads,
        "hidden_size": config.n_embd,
        "intermediate_size": config.hidden,
        "head_dim": config.width_of_head,
        "hidden_act": "silu",
        "rms_norm_eps": config.norm_eps,
        # transformers 5 reads the first, those before it the other two.
        "rope_parameters": {**rope, "rope_theta": config.rope_theta},
        "rope_theta": config.rope_theta,
        "rope_scaling": dict(config.rope_scaling) if config.rope_scaling else None,
        "attention_dropout": config.dropout,
        "tie_word_embeddings": config.tie_embeddings,
    }
    return {**settings, **_variant_settings(architecture, config)}


def llama_architecture(config: Any) -> str:
    """The architecture of ``transformers`` that computes what a ``LlamaConfig`` describes.

    Raises ValueError when none combines its settings.

    >>> from transformer.models.llama import LlamaConfig
    >>> llama_architecture(LlamaConfig(vocab_size=65, window=8))
    'MistralForCausalLM'
    """
    biases = (config.attention_bias, config.output_bias, config.mlp_bias)
    wants = {
        "MixtralForCausalLM": config.n_expert and not config.qk_norm and not any(biases),
        "Qwen3ForCausalLM": config.qk_norm and biases in ((False,) * 3, (True, True, False)),
        "Qwen2ForCausalLM": biases == (True, False, False),
        "MistralForCausalLM": config.window and not any(biases),
        "LlamaForCausalLM": not config.window and config.attention_bias == config.output_bias,
    }
    for name, fits in wants.items():
        plain = not (config.qk_norm and name != "Qwen3ForCausalLM")
        if fits and plain and bool(config.n_expert) == (name == "MixtralForCausalLM"):
            return name
    named = ("n_expert", "qk_norm", "window", "attention_bias", "output_bias", "mlp_bias")
    shown = ", ".join(f"{name}={getattr(config, name)}" for name in named)
    raise ValueError(f"no architecture of transformers combines {shown}")


def _variant_settings(architecture: str, config: Any) -> Settings:
    if architecture == "LlamaForCausalLM":
        return {"attention_bias": config.attention_bias, "mlp_bias": config.mlp_bias}
    if architecture == "MistralForCausalLM":
        return {"sliding_window": config.window}
    if architecture == "MixtralForCausalLM":
        return {
            "sliding_window": config.window,
            "num_local_experts": config.n_expert,
            "num_experts_per_tok": config.n_expert_active,
        }
    kind = "sliding_attention" if config.window else "full_attention"
    settings = {
        "use_sliding_window": bool(config.window),
        "sliding_window": config.window,
        "max_window_layers": 0 if config.window else config.n_layer,
        "layer_types": [kind] * config.n_layer,
    }
    if architecture == "Qwen3ForCausalLM":
        settings["attention_bias"] = config.attention_bias
    return settings

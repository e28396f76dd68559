"""Attention beside torch's own layer and the models its variants come from, and on torch's engine.

The models of transformers turn queries and keys in single precision, whatever theirs is, which
bounds how near to them we can be.
"""

import numpy as np
import pytest
import torch
from side_by_side import BOTH, tally, transformer_on

import tensor_core
from transformer.layers import Attention, Latent, Rotary
from transformer.layers.positions import alibi_slopes

T = {library: transformer_on(library) for library in BOTH}
C, H = 8, 4
ROPE = {"rope_type": "default", "rope_theta": 10000.0}


def made(**options):
    """Attention of some width in double precision, and its weights as tensors of torch."""
    tensor_core.manual_seed(0)
    module = Attention(C, **options).double()
    with tensor_core.no_grad():
        for p in module.parameters():
            p.add_(tensor_core.randn(*p.shape, dtype=p.dtype) * 0.3)
    return module, {k: torch.from_numpy(v.numpy().copy()) for k, v in module.state_dict().items()}


def values(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def hidden_future(length):
    """What transformers adds to the scores of a causal model."""
    return torch.full((length, length), -torch.inf, dtype=torch.float64).triu(1)[None, None]


@pytest.mark.parametrize("causal", [True, False])
def test_multi_head_attention_is_torchs(causal):
    module, w = made(n_head=H, causal=causal)
    layer = torch.nn.MultiheadAttention(C, H, batch_first=True).double()
    of_inputs = {f"in_proj_{k}": [w[f"{n}_proj.{k}"] for n in "qkv"] for k in ("weight", "bias")}
    layer.load_state_dict(
        {k: torch.cat(parts) for k, parts in of_inputs.items()}
        | {f"out_proj.{k}": w[f"o_proj.{k}"] for k in ("weight", "bias")}
    )
    x = values(2, 5, C)
    a = tensor_core.tensor(x, requires_grad=True)
    b = torch.tensor(x, requires_grad=True)
    mask = hidden_future(5)[0, 0] if causal else None
    ours, theirs = module(a), layer(b, b, b, attn_mask=mask, need_weights=False)[0]
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), atol=1e-13)
    (ours * ours).sum().backward()
    (theirs * theirs).sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), atol=1e-11)
    tally["attention beside other libraries"] += 1


def test_cross_attention_is_torchs():
    module, w = made(n_head=H, n_source=6, causal=False)
    layer = torch.nn.MultiheadAttention(C, H, kdim=6, vdim=6, batch_first=True).double()
    layer.load_state_dict(
        {f"{n}_proj_weight": w[f"{n}_proj.weight"] for n in "qkv"}
        | {"in_proj_bias": torch.cat([w[f"{n}_proj.bias"] for n in "qkv"])}
        | {f"out_proj.{k}": w[f"o_proj.{k}"] for k in ("weight", "bias")}
    )
    x, source = values(2, 4, C), values(2, 5, 6, seed=1)
    there = np.arange(5) < np.array([5, 2])[:, None]  # (B, S)
    ours = module(
        tensor_core.tensor(x),
        tensor_core.tensor(source),
        mask=tensor_core.tensor(there[:, None, None, :]),
    )
    s = torch.tensor(source)
    theirs, _ = layer(torch.tensor(x), s, s, key_padding_mask=torch.tensor(~there))
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), atol=1e-13)
    tally["attention beside other libraries"] += 1


def interleaved(rows):
    """Rows whose halves are turned together, in an order where neighbours are."""
    return torch.stack(rows.chunk(2), dim=1).flatten(0, 1)


@pytest.mark.parametrize("query_rank", [None, 6])
def test_latent_attention_is_deepseeks(query_rank):
    from transformers import DeepseekV2Config
    from transformers.models.deepseek_v2.modeling_deepseek_v2 import (
        DeepseekV2Attention,
        DeepseekV2RotaryEmbedding,
    )

    rank, R, D = 5, 4, C // H
    latent = Latent(rank, R, query_rank)
    module, w = made(n_head=H, latent=latent, rotary=Rotary(R), bias=False)
    config = DeepseekV2Config(
        hidden_size=C, num_attention_heads=H, num_key_value_heads=H, q_lora_rank=query_rank,
        qk_rope_head_dim=R, qk_nope_head_dim=D, v_head_dim=D, kv_lora_rank=rank,
        attention_bias=False, rope_parameters=ROPE, attn_implementation="eager",
    )  # fmt: skip
    layer = DeepseekV2Attention(config, 0).double()
    queries = "q_proj.weight" if query_rank is None else "q_b_proj.weight"
    by_head = w[queries].view(H, D + R, -1)
    w[queries] = torch.cat([torch.cat([h[:D], interleaved(h[D:])]) for h in by_head])
    joint = w["kv_a_proj_with_mqa.weight"]
    w["kv_a_proj_with_mqa.weight"] = torch.cat([joint[:rank], interleaved(joint[rank:])])
    layer.load_state_dict(w)
    x = values(2, 6, C)
    turns = DeepseekV2RotaryEmbedding(config)(torch.tensor(x), torch.arange(6)[None])
    theirs, _ = layer(torch.tensor(x), hidden_future(6), position_embeddings=turns)
    ours = module(tensor_core.tensor(x)).detach().numpy()
    np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=2e-6)
    tally["attention beside other libraries"] += 1


def test_soft_capped_attention_in_groups_is_gemmas():
    from transformers import Gemma2Config
    from transformers.models.gemma2.modeling_gemma2 import Gemma2Attention, Gemma2RotaryEmbedding

    D, cap = 6, 1.5
    module, w = made(
        n_head=H, n_kv_head=2, head_dim=D, softcap=cap, scale=0.5, rotary=Rotary(D), bias=False
    )
    config = Gemma2Config(
        hidden_size=C, num_attention_heads=H, num_key_value_heads=2, head_dim=D,
        query_pre_attn_scalar=4, attn_logit_softcapping=cap, attention_bias=False,
        rope_parameters=ROPE, attn_implementation="eager", num_hidden_layers=2,
    )  # fmt: skip
    layer = Gemma2Attention(config, 1).double().eval()
    layer.load_state_dict(w)
    x = values(2, 6, C)
    turns = Gemma2RotaryEmbedding(config)(torch.tensor(x), torch.arange(6)[None])
    theirs, _ = layer(torch.tensor(x), turns, hidden_future(6))
    ours = module(tensor_core.tensor(x)).detach().numpy()
    np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=2e-6)
    tally["attention beside other libraries"] += 1


@pytest.mark.parametrize("heads", [1, 2, 3, 4, 6, 8, 12, 16, 20, 32, 112])
def test_the_slopes_of_alibi_are_blooms(heads):
    from transformers.models.bloom.modeling_bloom import build_alibi_tensor

    theirs = build_alibi_tensor(torch.ones(1, 2), heads, torch.float32)[:, 0, 1]
    np.testing.assert_allclose(alibi_slopes(heads), theirs.numpy(), rtol=1e-6)


@pytest.mark.parametrize("theta", [10000.0, 500000.0])
@pytest.mark.parametrize(
    "scaling",
    [
        {"rope_type": "default"},
        {"rope_type": "linear", "factor": 4.0},
        {
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 8192,
        },
        {
            "rope_type": "llama3", "factor": 32.0, "low_freq_factor": 2.0,
            "high_freq_factor": 3.0, "original_max_position_embeddings": 512,
        },
    ],
)  # fmt: skip
def test_the_rates_of_turning_are_llamas(theta, scaling):
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    config = LlamaConfig(
        hidden_size=64, num_attention_heads=1, rope_parameters={**scaling, "rope_theta": theta}
    )
    theirs = LlamaRotaryEmbedding(config).inv_freq
    ours = Rotary(64, theta, scaling)
    np.testing.assert_allclose(ours.rates.numpy(), theirs.numpy(), rtol=1e-5)


VARIANTS = {
    "plain": {"n_head": 2},
    "in groups, rotary": {"n_head": 4, "n_kv_head": 2, "rope": 2, "qk_norm": 1e-6},
    "in a window, ALiBi": {"n_head": 2, "n_kv_head": 1, "window": 3, "alibi": True},
    "capped": {"n_head": 2, "softcap": 0.7},
    "latent": {"n_head": 2, "rope": 4, "latent": (5, 4)},
}
MODELS = {
    "gpt": {"n_head": 2},
    "llama": {"n_head": 4, "n_kv_head": 2, "qk_norm": True},
    "llama with a window": {"n_head": 2, "window": 3},
    "rnn": {"n_hidden": 6},
    "lstm": {"n_hidden": 6},
    "gru": {"n_hidden": 6},
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("library", BOTH, ids=lambda library: library.__name__)
@pytest.mark.parametrize("name", VARIANTS)
def test_no_position_sees_a_later_one_by_a_single_bit(name, library, dtype):
    layers, options = T[library].layers, dict(VARIANTS[name])
    if "rope" in options:
        options["rotary"] = layers.Rotary(options.pop("rope"))
    if "latent" in options:
        options["latent"] = layers.Latent(*options["latent"])
    library.manual_seed(0)
    module = layers.Attention(C, **options).to(getattr(library, dtype))
    x = values(2, 33, C).astype(dtype)
    before = module(library.tensor(x)).detach().numpy()
    for t in (1, 2, 16, 31, 32):
        changed = x.copy()
        changed[:, t:] = 3 * values(2, 33 - t, C, seed=t)
        after = module(library.tensor(changed)).detach().numpy()
        assert np.array_equal(after[:, :t], before[:, :t])
        assert not np.array_equal(after[:, t], before[:, t])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("library", BOTH, ids=lambda library: library.__name__)
@pytest.mark.parametrize("name", MODELS)
def test_no_logit_sees_a_later_token_by_a_single_bit(name, library, dtype):
    library.manual_seed(0)
    sizes = {"vocab_size": 11, "block_size": 33, "n_layer": 2, "n_embd": C, **MODELS[name]}
    model = T[library].models.build_model(name.split()[0], **sizes).to(getattr(library, dtype))
    x = np.random.default_rng(0).integers(0, 11, size=(2, 33))
    before = model(library.tensor(x))[0].detach().numpy()
    for t in (1, 2, 16, 31, 32):
        changed = x.copy()
        changed[:, t:] = (changed[:, t:] + 5) % 11
        after = model(library.tensor(changed))[0].detach().numpy()
        assert np.array_equal(after[:, :t], before[:, :t])
        assert not np.array_equal(after[:, t], before[:, t])


@pytest.mark.parametrize("name", MODELS)
def test_a_cache_of_one_engine_serves_the_other(name):
    """What tensor_core has read, torch goes on from, with the logits of having read it all."""
    x = np.random.default_rng(0).integers(0, 11, size=(2, 12))
    sizes = {"vocab_size": 11, "block_size": 12, "n_layer": 2, "n_embd": C, **MODELS[name]}
    ours, theirs = (
        T[t].models.build_model(name.split()[0], **sizes).double() for t in (tensor_core, torch)
    )
    state = {k: torch.from_numpy(v.numpy().copy()) for k, v in ours.state_dict().items()}
    theirs.load_state_dict(state)
    caches = ours.new_cache(), theirs.new_cache()
    with tensor_core.no_grad(), torch.no_grad():
        ours(tensor_core.tensor(x[:, :7]), cache=caches[0])
        caches[1].restore(caches[0].arrays())
        found = theirs(torch.tensor(x[:, 7:]), cache=caches[1])[0].numpy()
    whole = ours(tensor_core.tensor(x))[0].detach().numpy()
    np.testing.assert_allclose(found, whole[:, 7:], rtol=0, atol=1e-12)


def test_a_cache_begun_in_inference_mode_is_gone_on_with_outside_of_it():
    sizes = {"vocab_size": 11, "block_size": 12, "n_layer": 2, "n_embd": C, "n_head": 2}
    model = T[torch].models.build_model("llama", **sizes).eval()
    cache, x = model.new_cache(), torch.arange(6).view(1, 6)
    with torch.inference_mode():
        model(x[:, :4], cache=cache)
    with torch.no_grad():
        found = model(x[:, 4:], cache=cache)[0]
        torch.testing.assert_close(found, model(x)[0][:, 4:])

"""The fast path of decoding: one more token through a model, on its plain NumPy arrays.

For a single token the engine's bookkeeping costs as much as the arithmetic, whose floor is reading
all weights from memory once. So here, and nowhere else in this package, the formulas of ``GPT`` and
``Llama`` are written once more on the arrays behind their tensors, without copying any. Whatever is
not exactly such a model (another engine, adapters, experts, hooks, half precision) takes the
ordinary way, and so does every longer piece of text.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transformer._engine import ENGINE, nn, torch
from transformer.layers.attention import Attention
from transformer.layers.cache import KVCache, LayerCache
from transformer.layers.lora import LoRALinear
from transformer.layers.mlp import MLP
from transformer.layers.swiglu import SwiGLU

Array = NDArray[np.float32]
Map = Callable[[Array], Array]
Turn = tuple[Array, Array]  # cosines and signed sines of one position, (D,) each
Attend = Callable[[Array, LayerCache, Turn | None], Array]
Step = Callable[[torch.Tensor, KVCache], torch.Tensor]  # (B, 1), cache -> (B, 1, V)

FEW = 4  # rows: with more, one product for all of them is worth the engine's care
_GELU = np.float32((2 / np.pi) ** 0.5)


def fast_step(model: Any) -> Step | None:
    """``step(idx, cache)``: (B, 1) -> logits (B, 1, V), as ``model(idx, cache=cache)`` gives them.

    Up to rounding. None where the fast path has no formula for the model. The arrays are looked up
    once: make a new one when parameters were replaced.

    >>> from transformer import build_model
    >>> model = build_model("gpt", vocab_size=5, n_layer=1, n_embd=8, n_head=2).eval()
    >>> step, cache = fast_step(model), model.new_cache()
    >>> step(torch.tensor([[3]]), cache).shape if step else None
    torch.Size([1, 1, 5])
    """
    from transformer.models import GPT, Llama

    if ENGINE != "tensor_core" or not _plain(model):
        return None
    if type(model) is GPT and model.config.gelu == "tanh":
        return _gpt(model)
    if type(model) is Llama and not model.config.n_expert:
        return _llama(model)
    return None


def _plain(model: nn.Module) -> bool:
    """Whether the model computes in float32, at rest, with all maps plain and nobody listening."""
    return all(p.dtype == torch.float32 for p in model.parameters()) and not any(
        m.training or m._forward_hooks or m._forward_pre_hooks or isinstance(m, LoRALinear)
        for m in model.modules()
    )


def _gpt(model: Any) -> Step:
    wte, wpe = _array(model.wte.weight), _array(model.wpe.weight)
    blocks = [
        (_layer_norm(b.ln_1), _attention(b.attn), _layer_norm(b.ln_2), _mlp(b.mlp)) for b in model.h
    ]
    last = _layer_norm(model.ln_f)
    return _step(model, lambda ids, seen: (wte[ids] + wpe[seen], None), blocks, last)


def _llama(model: Any) -> Step:
    table = _array(model.embed_tokens.weight)
    blocks = [
        (
            _rms_norm(b.input_layernorm),
            _attention(b.self_attn),
            _rms_norm(b.post_attention_layernorm),
            _swiglu(b.mlp),
        )
        for b in model.layers
    ]
    rotary = model.layers[0].self_attn.rotary  # one for all layers
    last = _rms_norm(model.norm)
    return _step(model, lambda ids, seen: (table[ids], _turn(rotary, seen)), blocks, last)


def _step(
    model: Any,
    embed: Callable[[NDArray[np.int64], int], tuple[Array, Turn | None]],
    blocks: Sequence[tuple[Map, Attend, Map, Map]],
    last: Map,
) -> Step:
    """Embedding, blocks of norm, attention, norm and feed-forward net, a last norm, scores."""
    scores = _linear(model.lm_head)

    def step(idx: torch.Tensor, cache: KVCache) -> torch.Tensor:
        seen = cache.begin()
        model.check(idx, None, seen)
        x, turn = embed(idx.numpy()[:, 0], seen)  # (B, C), (D,) twice
        with np.errstate(over="ignore"):  # exp(-h) = inf makes a silu 0, which it is
            for (norm_1, attend, norm_2, think), layer in zip(blocks, cache.layers, strict=True):
                x = x + attend(norm_1(x), layer, turn)
                x = x + think(norm_2(x))
        return torch.from_numpy(scores(last(x))).unsqueeze(1)

    return step


def _array(tensor: torch.Tensor) -> Array:
    array: Array = tensor.detach().numpy()
    return array


def _linear(layer: nn.Linear) -> Map:
    weight = _array(layer.weight).T  # (in, out)
    if layer.bias is None:
        return lambda x: x @ weight
    bias = _array(layer.bias)
    return lambda x: x @ weight + bias


def _rms_norm(norm: Any) -> Map:
    weight, eps, width = _array(norm.weight), np.float32(norm.eps), norm.shape[0]

    def apply(x: Array) -> Array:
        mean_square = np.einsum("...c,...c->...", x, x)[..., None] / np.float32(width)
        y: Array = x / np.sqrt(mean_square + eps) * weight
        return y

    return apply


def _layer_norm(norm: Any) -> Map:
    weight = _array(norm.weight)
    bias = np.float32(0) if norm.bias is None else _array(norm.bias)

    def apply(x: Array) -> Array:
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = np.einsum("...c,...c->...", centred, centred)[..., None] / np.float32(
            x.shape[-1]
        )
        y: Array = centred / np.sqrt(variance + np.float32(1e-5)) * weight + bias
        return y

    return apply


def _mlp(layer: MLP) -> Map:
    widen, back = _linear(layer.c_fc), _linear(layer.c_proj)

    def apply(x: Array) -> Array:
        h = widen(x)
        bent = np.tanh(_GELU * (h + np.float32(0.044715) * h * h * h))
        return back(np.float32(0.5) * h * (1 + bent))

    return apply


def _swiglu(layer: SwiGLU) -> Map:
    gate, up, down = (_linear(m) for m in (layer.gate_proj, layer.up_proj, layer.down_proj))

    def apply(x: Array) -> Array:
        h = gate(x)
        return down(h / (1 + np.exp(-h)) * up(x))

    return apply


def _attention(layer: Attention) -> Attend:
    """One query a row and head over the keys of its cache; every key is visible to it."""
    H, KV, D = layer.n_head, layer.n_kv_head, layer.head_dim
    scale = np.float32(layer.scale)
    heads, out = _heads(layer), _linear(layer.c_proj if layer.packed else layer.o_proj)
    q_norm, k_norm = (n and _rms_norm(n) for n in (layer.q_norm, layer.k_norm))

    def attend(x: Array, cache: LayerCache, turn: Turn | None) -> Array:
        B = len(x)
        q, k, v = heads(x)  # (B, H D), (B, KV D), (B, KV D)
        q, k = q.reshape(B, H, D), k.reshape(B, KV, D)
        if q_norm and k_norm:
            q, k = q_norm(q), k_norm(k)
        if turn is not None:
            cos, sin = turn
            q, k = q * cos + _swapped(q) * sin, k * cos + _swapped(k) * sin
        keys, values = _remember(cache, k, v.reshape(B, KV, D))  # (B, KV, S, D) each
        w = q.reshape(B, KV, H // KV, D) @ keys.swapaxes(2, 3)  # (B, KV, G, S)
        w = w * scale
        w = np.exp(w - w.max(axis=-1, keepdims=True))
        y = (w @ values) / w.sum(axis=-1, keepdims=True)  # (B, KV, G, D)
        return out(y.reshape(B, H * D))

    return attend


def _heads(layer: Attention) -> Callable[[Array], tuple[Array, Array, Array]]:
    """Queries, keys and values of all heads side by side."""
    if not layer.packed:
        q, k, v = (_linear(m) for m in (layer.q_proj, layer.k_proj, layer.v_proj))
        return lambda x: (q(x), k(x), v(x))
    joint = _linear(layer.c_attn)
    end_q, end_k = layer.n_head * layer.head_dim, (layer.n_head + layer.n_kv_head) * layer.head_dim

    def heads(x: Array) -> tuple[Array, Array, Array]:
        qkv = joint(x)
        return qkv[:, :end_q], qkv[:, end_q:end_k], qkv[:, end_k:]

    return heads


def _turn(rotary: Any, position: int) -> Turn:
    """Cosines and signed sines at one position, (D,) each."""
    cos, sin = rotary.table(position + 1, torch.empty(0, dtype=torch.float32))
    return _array(cos)[position], _array(sin)[position]


def _swapped(x: Array) -> Array:
    """The two halves of the last dimension, the other way round."""
    half = x.shape[-1] // 2
    return np.concatenate([x[..., half:], x[..., :half]], axis=-1)


def _remember(cache: LayerCache, *new: Array) -> list[Array]:
    """Put one token's key and value, (B, KV, D), into the cache; return all that may be looked at.

    As ``cache.append`` does, but where there is room, past the engine: slicing tensors took half
    of the time that was not spent on weights.
    """
    at = cache.length - cache.first
    if not cache.buffers or at == cache.buffers[0].shape[2]:
        with torch.no_grad():
            looked_at, _ = cache.append(*(torch.from_numpy(part[:, :, None]) for part in new))
        return [_array(part) for part in looked_at]
    lowest = 0 if cache.window is None else max(at - cache.window + 1, 0)
    seen = []
    for buffer, part in zip(cache.buffers, new, strict=True):
        held = buffer.numpy()  # (B, KV, capacity, D), the same memory
        held[:, :, at] = part
        seen.append(held[:, :, lowest : at + 1])
    cache.length += 1
    return seen

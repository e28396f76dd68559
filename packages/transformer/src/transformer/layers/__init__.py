"""The parts models are made of, one idea a file."""

from transformer.layers.attention import Attention, Latent
from transformer.layers.block import Block
from transformer.layers.cache import Cache, KVCache, LayerCache
from transformer.layers.embedding import PositionEmbedding, TokenEmbedding
from transformer.layers.head import Head
from transformer.layers.lora import LoRALinear, add_lora, merge_lora
from transformer.layers.mlp import MLP
from transformer.layers.moe import MoE
from transformer.layers.norm import LayerNorm, RMSNorm
from transformer.layers.positions import Rotary, SinusoidalPositions
from transformer.layers.swiglu import SwiGLU

__all__ = [
    "MLP",
    "Attention",
    "Block",
    "Cache",
    "Head",
    "KVCache",
    "Latent",
    "LayerCache",
    "LayerNorm",
    "LoRALinear",
    "MoE",
    "PositionEmbedding",
    "RMSNorm",
    "Rotary",
    "SinusoidalPositions",
    "SwiGLU",
    "TokenEmbedding",
    "add_lora",
    "merge_lora",
]

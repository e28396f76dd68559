"""The parts models are made of, one idea a file."""

from transformer.layers.attention import CausalSelfAttention
from transformer.layers.block import Block
from transformer.layers.embedding import PositionEmbedding, TokenEmbedding
from transformer.layers.head import Head
from transformer.layers.mlp import MLP
from transformer.layers.moe import MoE
from transformer.layers.norm import LayerNorm

__all__ = [
    "MLP",
    "Block",
    "CausalSelfAttention",
    "Head",
    "LayerNorm",
    "MoE",
    "PositionEmbedding",
    "TokenEmbedding",
]

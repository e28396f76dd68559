"""Language models, from counting pairs to GPT; ``MODELS`` lists them by name."""

from transformer.models.base import LanguageModel
from transformer.models.bigram import Bigram, BigramConfig, EmbeddedBigram, EmbeddedBigramConfig
from transformer.models.gpt import GPT, GPTConfig
from transformer.models.head import SingleHead, SingleHeadConfig
from transformer.models.ngram import NGram, NGramConfig
from transformer.models.table import MODELS, build_model

__all__ = [
    "GPT",
    "MODELS",
    "Bigram",
    "BigramConfig",
    "EmbeddedBigram",
    "EmbeddedBigramConfig",
    "GPTConfig",
    "LanguageModel",
    "NGram",
    "NGramConfig",
    "SingleHead",
    "SingleHeadConfig",
    "build_model",
]

"""Language models, from counting pairs to GPT; ``MODELS`` lists them by name."""

from transformer.models.base import IGNORE, LanguageModel
from transformer.models.bigram import Bigram, BigramConfig, EmbeddedBigram, EmbeddedBigramConfig
from transformer.models.gpt import GPT, GPTConfig
from transformer.models.gru import GRU, GRUConfig
from transformer.models.head import SingleHead, SingleHeadConfig
from transformer.models.llama import Llama, LlamaConfig
from transformer.models.lstm import LSTM, LSTMConfig
from transformer.models.ngram import NGram, NGramConfig
from transformer.models.rnn import RNN, RNNConfig
from transformer.models.table import MODELS, build_model
from transformer.models.translation import EncoderDecoder, EncoderDecoderConfig

__all__ = [
    "GPT",
    "GRU",
    "IGNORE",
    "LSTM",
    "MODELS",
    "RNN",
    "Bigram",
    "BigramConfig",
    "EmbeddedBigram",
    "EmbeddedBigramConfig",
    "EncoderDecoder",
    "EncoderDecoderConfig",
    "GPTConfig",
    "GRUConfig",
    "LSTMConfig",
    "LanguageModel",
    "Llama",
    "LlamaConfig",
    "NGram",
    "NGramConfig",
    "RNNConfig",
    "SingleHead",
    "SingleHeadConfig",
    "build_model",
]

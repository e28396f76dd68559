"""The models by name, and how to build one."""

from dataclasses import fields
from typing import Any

from transformer.models.base import LanguageModel
from transformer.models.bigram import Bigram, BigramConfig, EmbeddedBigram, EmbeddedBigramConfig
from transformer.models.gpt import GPT, GPTConfig
from transformer.models.gru import GRU, GRUConfig
from transformer.models.head import SingleHead, SingleHeadConfig
from transformer.models.llama import Llama, LlamaConfig
from transformer.models.lstm import LSTM, LSTMConfig
from transformer.models.ngram import NGram, NGramConfig
from transformer.models.rnn import RNN, RNNConfig

MODELS: dict[str, tuple[Any, Any]] = {
    "bigram": (Bigram, BigramConfig),
    "bigram-embedded": (EmbeddedBigram, EmbeddedBigramConfig),
    "ngram": (NGram, NGramConfig),
    "mlp": (NGram, NGramConfig),  # the same model by its other name
    "rnn": (RNN, RNNConfig),
    "lstm": (LSTM, LSTMConfig),
    "gru": (GRU, GRUConfig),
    "head": (SingleHead, SingleHeadConfig),
    "gpt": (GPT, GPTConfig),
    "llama": (Llama, LlamaConfig),
}


def build_model(name: str, **config: Any) -> LanguageModel:
    """The model of that name in ``MODELS``, its config made from the keywords.

    Raises ValueError for a name that is not there or a size that cannot be, TypeError for a
    keyword the model's config does not have.

    >>> build_model("gpt", vocab_size=65, n_layer=2).num_parameters()
    413312
    """
    if name not in MODELS:
        raise ValueError(f"build_model: no model {name!r}; there are {', '.join(MODELS)}")
    model, config_class = MODELS[name]
    known = [field.name for field in fields(config_class)]
    if unknown := [key for key in config if key not in known]:
        raise TypeError(
            f"build_model: {name!r} has no {', '.join(unknown)}; it has {', '.join(known)}"
        )
    if "vocab_size" not in config:
        raise TypeError(f"build_model: {name!r} needs vocab_size, the tokenizer's vocab_size")
    built: LanguageModel = model(config_class(**config))
    return built

"""Language models from bigram to GPT: tokenizers, data, models, training and generation.

Public names are imported when first used. Two things follow: ``gradine --help`` is quick, and a
program may still choose the engine (``GRADINE_ENGINE``) after ``import transformer``.

>>> import transformer
>>> tokenizer = transformer.CharTokenizer.from_text("to be or not to be")
>>> model = transformer.build_model("bigram", vocab_size=tokenizer.vocab_size)
>>> model.num_parameters()
49
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Bound now, not lazily: importing the subpackage of that name later would hide the function.
from transformer.generate import generate, stream

if TYPE_CHECKING:
    from transformer._engine import torch
    from transformer.data import (
        CORPORA,
        Batches,
        Conversations,
        TokenFile,
        get_batch,
        load_text,
        open_tokens,
        train_val_split,
        write_tokens,
    )
    from transformer.generate.prompt_cache import PromptCache
    from transformer.generate.result import Generation
    from transformer.generate.settings import Sampling
    from transformer.io.convert import convert
    from transformer.io.hf import save_pretrained
    from transformer.io.load import load
    from transformer.models import (
        GPT,
        MODELS,
        Bigram,
        BigramConfig,
        EmbeddedBigram,
        EmbeddedBigramConfig,
        GPTConfig,
        NGram,
        NGramConfig,
        SingleHead,
        SingleHeadConfig,
        build_model,
    )
    from transformer.tokenizers import (
        BPETokenizer,
        ByteTokenizer,
        CharTokenizer,
        SentencePieceTokenizer,
        Tokenizer,
        load_tokenizer,
        tokenizer_from_dict,
    )
    from transformer.tokenizers.chat import chat_tokens, encode_chat, render_chat
    from transformer.train import TrainConfig, Trainer

__version__ = "0.1.0"

# Where each public name is made.
_HOME = {
    "Batches": "transformer.data",
    "Generation": "transformer.generate.result",
    "PromptCache": "transformer.generate.prompt_cache",
    "Sampling": "transformer.generate.settings",
    "CORPORA": "transformer.data",
    "Conversations": "transformer.data",
    "TokenFile": "transformer.data",
    "write_tokens": "transformer.data",
    "get_batch": "transformer.data",
    "load_text": "transformer.data",
    "open_tokens": "transformer.data",
    "train_val_split": "transformer.data",
    "convert": "transformer.io.convert",
    "load": "transformer.io.load",
    "save_pretrained": "transformer.io.hf",
    "GPT": "transformer.models",
    "GPTConfig": "transformer.models",
    "MODELS": "transformer.models",
    "Bigram": "transformer.models",
    "BigramConfig": "transformer.models",
    "EmbeddedBigram": "transformer.models",
    "EmbeddedBigramConfig": "transformer.models",
    "NGram": "transformer.models",
    "NGramConfig": "transformer.models",
    "SingleHead": "transformer.models",
    "SingleHeadConfig": "transformer.models",
    "build_model": "transformer.models",
    "BPETokenizer": "transformer.tokenizers",
    "ByteTokenizer": "transformer.tokenizers",
    "CharTokenizer": "transformer.tokenizers",
    "SentencePieceTokenizer": "transformer.tokenizers",
    "Tokenizer": "transformer.tokenizers",
    "chat_tokens": "transformer.tokenizers.chat",
    "encode_chat": "transformer.tokenizers.chat",
    "render_chat": "transformer.tokenizers.chat",
    "load_tokenizer": "transformer.tokenizers",
    "tokenizer_from_dict": "transformer.tokenizers",
    "TrainConfig": "transformer.train",
    "Trainer": "transformer.train",
    "torch": "transformer._engine",  # the engine in use, for scripts that follow it
}

__all__ = [
    "CORPORA",
    "GPT",
    "MODELS",
    "BPETokenizer",
    "Batches",
    "Bigram",
    "BigramConfig",
    "ByteTokenizer",
    "CharTokenizer",
    "Conversations",
    "EmbeddedBigram",
    "EmbeddedBigramConfig",
    "GPTConfig",
    "Generation",
    "NGram",
    "NGramConfig",
    "PromptCache",
    "Sampling",
    "SentencePieceTokenizer",
    "SingleHead",
    "SingleHeadConfig",
    "TokenFile",
    "Tokenizer",
    "TrainConfig",
    "Trainer",
    "build_model",
    "chat_tokens",
    "convert",
    "encode_chat",
    "engine_name",
    "generate",
    "get_batch",
    "load",
    "load_text",
    "load_tokenizer",
    "open_tokens",
    "render_chat",
    "save_pretrained",
    "stream",
    "tokenizer_from_dict",
    "torch",
    "train_val_split",
    "write_tokens",
]


def engine_name() -> str:
    """The engine all of this package runs on: ``"tensor_core"``, or ``"torch"`` when asked.

    Raises ValueError when ``GRADINE_ENGINE`` names no engine.

    >>> engine_name() in ("tensor_core", "torch")
    True
    """
    from transformer._engine import ENGINE

    return ENGINE


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'transformer' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value  # found without this detour from now on
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

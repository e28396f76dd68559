"""The model files of Karpathy's llama2.c (``.bin``): seven numbers, then float32 weights.

The first, version-0 format, which ``run.c`` reads: the sizes as int32, then every tensor in a fixed
order, those of all layers stacked. A negative vocabulary size says that the scores have a table of
their own. Two tables of rotary angles near the end are left over from an older program.
"""

import struct
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from transformer.io.atomic import replace_file
from transformer.io.halves import in_halves, in_pairs
from transformer.io.hf import model_tensors
from transformer.io.mapped import MappedFile
from transformer.io.safetensors import TensorFileError
from transformer.io.stored import Float32, Pretrained, Stored, plain

_HEADER = "<7i"
_START = struct.calcsize(_HEADER)
_LARGEST = 2**24  # no size in a header is larger, so a larger one is another file's contents
_THETA, _EPSILON = 10000.0, 1e-5  # written into run.c
TOKENIZERS = ("tokenizer.bin", "tok{vocab_size}.bin")  # what stands beside a model

Shape = tuple[int, ...]


def looks_like_llama2c(path: Path) -> bool:
    """Whether a file begins with sizes that account for exactly its length.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "notes.txt"
    >>> _ = path.write_text("Once upon a time, there was a little girl named Lily.")
    >>> looks_like_llama2c(path)
    False
    """
    with open(path, "rb") as file:
        head = file.read(_START)
    if len(head) < _START:
        return False
    sizes = struct.unpack(_HEADER, head)
    return _plausible(sizes) and path.stat().st_size == _length(sizes)


def describe_llama2c(path: Path, tokenizer: Path | None = None) -> Pretrained:
    """Describe a llama2.c model; its tokenizer is given, or stands beside it.

    Raises TensorFileError when the file is no such model, or its length is not what its sizes say.

    >>> import tempfile, transformer
    >>> path = Path(tempfile.mkdtemp()) / "tiny.bin"
    >>> save_llama2c(transformer.build_model("llama", vocab_size=3, n_layer=1), None, path)
    >>> describe_llama2c(path).tensors["norm.weight"].read().max()
    np.float32(1.0)
    """
    file = MappedFile(path)
    head = file.look(0, (min(_START, file.size),), np.uint8).tobytes()
    sizes = struct.unpack(_HEADER, head.ljust(_START, b"\0"))
    if len(head) < _START or not _plausible(sizes):
        raise TensorFileError(f"{path}: not a llama2.c model (its sizes would be {sizes})")
    if file.size != _length(sizes):
        raise TensorFileError(
            f"{path}: cut short, or not a llama2.c model: sizes {sizes} make "
            f"{_length(sizes)} bytes, the file has {file.size}"
        )
    config = _config(sizes)
    return Pretrained(
        path=path,
        format="llama2.c",
        architecture="llama2.c",
        model="llama",
        config=config,
        tensors=_tensors(file, sizes, config),
        tokenizer=lambda: _tokenizer(path, tokenizer, config["vocab_size"]),
        special={},
    )


def _plausible(sizes: tuple[int, ...]) -> bool:
    dim, hidden, n_layer, n_head, n_kv_head, vocab, length = sizes
    if not all(0 < n < _LARGEST for n in (dim, hidden, n_layer, n_head, n_kv_head, length)):
        return False
    return 0 < abs(vocab) < _LARGEST and dim % n_head == 0 and n_head % n_kv_head == 0


def _config(sizes: tuple[int, ...]) -> dict[str, Any]:
    dim, hidden, n_layer, n_head, n_kv_head, vocab, length = sizes
    return {
        "vocab_size": abs(vocab),
        "block_size": length,
        "n_layer": n_layer,
        "n_head": n_head,
        "n_kv_head": n_kv_head,
        "n_embd": dim,
        "n_hidden": hidden,
        "rope_theta": _THETA,
        "norm_eps": _EPSILON,
        "tie_embeddings": vocab > 0,
    }


def _layout(sizes: tuple[int, ...]) -> Iterator[tuple[str, int, Shape]]:
    """The file's stretches in order: a name here, how many layers it is of (0: none), its shape.

    A name of ``""`` is one that no model needs.
    """
    dim, hidden, n_layer, n_head, n_kv_head, vocab, length = sizes
    kv_dim = dim // n_head * n_kv_head
    yield "embed_tokens", 0, (abs(vocab), dim)
    yield "input_layernorm", n_layer, (dim,)
    yield "self_attn.q_proj", n_layer, (dim, dim)
    yield "self_attn.k_proj", n_layer, (kv_dim, dim)
    yield "self_attn.v_proj", n_layer, (kv_dim, dim)
    yield "self_attn.o_proj", n_layer, (dim, dim)
    yield "post_attention_layernorm", n_layer, (dim,)
    yield "mlp.gate_proj", n_layer, (hidden, dim)
    yield "mlp.down_proj", n_layer, (dim, hidden)
    yield "mlp.up_proj", n_layer, (hidden, dim)
    yield "norm", 0, (dim,)
    yield "", 0, (2, length, dim // n_head // 2)  # cosines and sines of the rotary angles
    if vocab < 0:
        yield "lm_head", 0, (-vocab, dim)


def _length(sizes: tuple[int, ...]) -> int:
    numbers = sum(max(layers, 1) * prod(shape) for _, layers, shape in _layout(sizes))
    return _START + 4 * numbers


def _tensors(file: MappedFile, sizes: tuple[int, ...], config: dict[str, Any]) -> dict[str, Stored]:
    tensors, at = {}, _START
    for name, layers, shape in _layout(sizes):
        for layer in range(max(layers, 1)):
            own = f"layers.{layer}.{name}.weight" if layers else f"{name}.weight"
            stored = plain(file, own, at, shape, "F32")
            at += 4 * prod(shape)
            if name and stored:
                tensors[own] = in_halves(own, stored, config["n_head"], config["n_kv_head"])
    return tensors


def _tokenizer(path: Path, given: Path | None, vocab_size: int) -> Any:
    from transformer.tokenizers.llama2c import load_llama2c_tokenizer

    names = [name.format(vocab_size=vocab_size) for name in TOKENIZERS]
    beside = [path.with_name(name) for name in names]
    found = given or next((file for file in beside if file.is_file()), None)
    if found is None:
        raise FileNotFoundError(
            f"{path} holds no tokenizer, and beside it is no {' or '.join(names)}: pass its "
            f"tokenizer, load(..., tokenizer=FILE) or --tokenizer FILE"
        )
    return load_llama2c_tokenizer(found)


# --- writing -------------------------------------------------------------------------------------


def save_llama2c(model: Any, tokenizer: Any, path: str | Path) -> None:
    """Write a ``Llama`` as a file that llama2.c's ``run`` runs, and ``tokenizer.bin`` beside it.

    Raises ValueError naming a setting of the model that ``run.c`` does not compute.

    >>> import tempfile, transformer
    >>> path = Path(tempfile.mkdtemp()) / "tiny.bin"
    >>> save_llama2c(transformer.build_model("llama", vocab_size=3, n_layer=1), None, path)
    >>> describe_llama2c(path).config["n_layer"]
    1
    """
    if model.name != "llama":
        raise ValueError(f"llama2.c runs llama models, not a {model.name}")
    config, path = model.config, Path(path)
    wanted = {
        "rope_theta": _THETA, "rope_scaling": None, "norm_eps": _EPSILON, "qk_norm": False,
        "attention_bias": False, "output_bias": False, "mlp_bias": False, "n_expert": 0,
        "window": None, "width_of_head": config.n_embd // config.n_head,
    }  # fmt: skip
    for name, value in wanted.items():
        if (getattr(config, name) or None) != (value or None):
            raise ValueError(
                f"llama2.c computes {name} {value!r}, this model has {getattr(config, name)!r}"
            )
    vocab = config.vocab_size if config.tie_embeddings else -config.vocab_size
    sizes = (config.n_embd, config.hidden, config.n_layer, config.n_head, config.kv_heads, vocab,
             config.block_size)  # fmt: skip
    if tokenizer is not None:
        from transformer.tokenizers.llama2c import save_llama2c_tokenizer

        save_llama2c_tokenizer(tokenizer, path.with_name(TOKENIZERS[0]))
    tensors = model_tensors(model)

    def paired(name: str) -> Stored:
        return in_pairs(name, tensors[name], config.n_head, config.kv_heads)

    def write(file: BinaryIO) -> None:
        file.write(struct.pack(_HEADER, *sizes))
        for name, layers, shape in _layout(sizes):
            for layer in range(max(layers, 1)):
                own = f"layers.{layer}.{name}.weight" if layers else f"{name}.weight"
                values = paired(own).read() if name else _angles(shape)
                file.write(np.ascontiguousarray(values, "<f4").data)

    replace_file(path, write)


def _angles(shape: Shape) -> Float32:
    """Cosines, then sines, of every position's rotary angles: (2, T, D / 2)."""
    _, length, half = shape
    rates = _THETA ** -(np.arange(half) / half)
    angle = np.outer(np.arange(length), rates)
    return np.stack([np.cos(angle), np.sin(angle)]).astype(np.float32)

"""Hugging Face model folders: ``config.json``, safetensors, a tokenizer's files; both ways."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from transformer.io.atomic import replace_files
from transformer.io.hf_config import from_hf
from transformer.io.hf_settings import to_hf
from transformer.io.json_file import read_json, write_json
from transformer.io.shards import INDEX, SINGLE, read_shards, write_shards
from transformer.io.stored import Pretrained, Stored

CONFIG = "config.json"
OWN_TOKENIZER = "gradine_tokenizer.json"  # of a kind that transformers does not have
_PICKLED = "pytorch_model.bin"
# Tables that old files hold beside the weights, and that every model computes for itself.
_COMPUTED = re.compile(r"rotary_emb\.inv_freq$|\.attn\.(masked_)?bias$")
# Linear maps that GPT-2's files hold with inputs along the rows.
_CONV1D = re.compile(r"\.(c_attn|c_proj|c_fc)\.weight$")


def is_hf_folder(folder: Path) -> bool:
    """Whether a folder looks like a model of ``transformers``: a config.json and weights.

    >>> is_hf_folder(Path("no-such-folder"))
    False
    """
    weights = (SINGLE, INDEX, _PICKLED)
    return (folder / CONFIG).is_file() and any((folder / name).is_file() for name in weights)


def describe_hf(folder: Path) -> Pretrained:
    """Describe a folder that ``transformers`` has written, or a download from its Hub.

    Raises ValueError naming an architecture or setting that is not computed here,
    FileNotFoundError for what the folder lacks.

    >>> import tempfile, transformer
    >>> folder = Path(tempfile.mkdtemp())
    >>> save_pretrained(transformer.build_model("llama", vocab_size=3, qk_norm=True), None, folder)
    >>> describe_hf(folder).architecture
    'Qwen3ForCausalLM'
    """
    config = read_json(folder / CONFIG)
    try:
        architecture, model, settings = from_hf(config)
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from None
    tensors = _stored(folder)
    tensors = {_own_name(n): t for n, t in tensors.items() if not _COMPUTED.search(n)}
    if model == "gpt":
        tensors = {n: t.transposed() if _CONV1D.search(n) else t for n, t in tensors.items()}
    tied = settings["tie_embeddings"]
    return Pretrained(
        path=folder,
        format="Hugging Face folder",
        architecture=architecture,
        model=model,
        config=settings,
        tensors=without_second_table(folder, tensors) if tied else tensors,
        tokenizer=lambda: _tokenizer(folder),
        special={k: v for k, v in config.items() if k.endswith("_token_id")},
    )


def _stored(folder: Path) -> dict[str, Stored]:
    if (folder / SINGLE).is_file() or (folder / INDEX).is_file():
        return read_shards(folder)
    from transformer.io.pt import read_pt, stored_tensors

    return stored_tensors(read_pt(folder / _PICKLED))


def _own_name(name: str) -> str:
    """A tensor's name in this package: without the wrapper's prefix; Mixtral's net is the mlp."""
    name = name.removeprefix("model.").removeprefix("transformer.")
    return name.replace(".block_sparse_moe.", ".mlp.")


def without_second_table(path: Path, tensors: dict[str, Stored]) -> dict[str, Stored]:
    """The tensors without ``lm_head.weight`` where it only repeats the token embedding.

    Raises ValueError when it does not, although the model is said to use one table for both.

    >>> table = Stored("wte", (2, 3), "F32", 24, lambda: np.ones((2, 3), np.float32))
    >>> tables = {"wte.weight": table, "lm_head.weight": replace(table)}
    >>> list(without_second_table(Path("m"), tables))
    ['wte.weight']
    """
    first = tensors.get("wte.weight") or tensors.get("embed_tokens.weight")
    second = tensors.get("lm_head.weight")
    if first is None or second is None:
        return tensors
    if not same_table(first, second):
        raise ValueError(
            f"{path}: {second.name} differs from {first.name}, though the model is said to use "
            f"one table for both (tie_word_embeddings)"
        )
    return {name: t for name, t in tensors.items() if t is not second}


def same_table(first: Stored, second: Stored) -> bool:
    """Whether two tensors hold the same numbers.

    >>> table = Stored("wte", (2, 3), "F32", 24, lambda: np.ones((2, 3), np.float32))
    >>> same_table(table, replace(table, name="lm_head"))
    True
    """
    return first.shape == second.shape and np.array_equal(first.read(), second.read())


def _tokenizer(folder: Path) -> Any:
    from transformer.tokenizers import tokenizer_from_dict
    from transformer.tokenizers.load import load_tokenizer

    if (folder / OWN_TOKENIZER).is_file():
        return tokenizer_from_dict(read_json(folder / OWN_TOKENIZER))
    return load_tokenizer(folder)


# --- writing -------------------------------------------------------------------------------------

_DTYPES = {"f32": ("F32", "float32"), "f16": ("F16", "float16"), "bf16": ("BF16", "bfloat16")}


# Files of another model or tokenizer, which would be taken for parts of the one written.
_WEIGHTS = r"(pytorch_)?model(-\d+-of-\d+)?\.(safetensors|bin)(\.index\.json)?"
_TOKENIZERS = (
    r"(gradine_)?tokenizer(_config)?\.(json|model)|chat_template\.(json|jinja)|vocab\.(json|bpe)|"
    r"(special_tokens_map|added_tokens|encoder)\.json|merges\.txt"
)


def save_pretrained(
    model: Any,
    tokenizer: Any,
    folder: str | Path,
    *,
    dtype: str = "f32",
    max_shard_size: int = 5_000_000_000,
) -> None:
    """Write a folder that ``transformers`` loads with the same logits.

    It holds config.json, generation_config.json, the weights as ``dtype`` (f32, f16 or bf16) in
    safetensors files of at most ``max_shard_size`` bytes, and the tokenizer's files when there is
    a tokenizer. Weights are converted one at a time; a model that was in the folder is replaced
    when all is written. Raises ValueError for a model or tokenizer
    that has no such form.

    >>> import tempfile, transformer
    >>> model = transformer.build_model("gpt", vocab_size=2, n_layer=1)
    >>> folder = Path(tempfile.mkdtemp())
    >>> save_pretrained(model, None, folder)
    >>> sorted(path.name for path in folder.iterdir())
    ['config.json', 'generation_config.json', 'model.safetensors']
    """
    if dtype not in _DTYPES:
        raise ValueError(f"a folder's dtype is f32, f16 or bf16, not {dtype!r}")
    kept, torch_name = _DTYPES[dtype]
    folder = Path(folder)
    settings = to_hf(model)
    ids = token_ids(tokenizer, model.config.vocab_size)
    one_end = {k: v[0] if isinstance(v, list) and len(v) == 1 else v for k, v in ids.items()}
    stale = _WEIGHTS if tokenizer is None else f"{_WEIGHTS}|{_TOKENIZERS}"
    with replace_files(folder, CONFIG, stale) as new:
        if tokenizer is not None:
            _save_tokenizer(tokenizer, new)
        write_shards(new, hf_tensors(model), kept, max_shard_size)
        write_json(new / "generation_config.json", ids)
        write_json(new / CONFIG, {**settings, **one_end, "dtype": torch_name})


def _save_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Write a tokenizer in the form ``transformers`` reads; in our own, of a kind it lacks."""
    from transformer.tokenizers import BPETokenizer, ByteTokenizer
    from transformer.tokenizers.sentencepiece import SentencePieceTokenizer
    from transformer.tokenizers.sentencepiece_hf_write import save_hf_sentencepiece

    if isinstance(tokenizer, BPETokenizer):
        tokenizer.save(folder)
    elif isinstance(tokenizer, SentencePieceTokenizer):
        save_hf_sentencepiece(tokenizer, folder)
    else:
        if isinstance(tokenizer, ByteTokenizer):  # both forms: it is a BPE without merges
            BPETokenizer({bytes([b]): b for b in range(256)}, []).save(folder)
        write_json(folder / OWN_TOKENIZER, tokenizer.to_dict())


def token_ids(tokenizer: Any, vocab_size: int) -> dict[str, Any]:
    """The ids that begin and end a text, as config.json names them.

    Raises ValueError when the tokenizer has ids that the model has no row for.

    >>> from transformer import CharTokenizer
    >>> token_ids(CharTokenizer("ab"), vocab_size=2)
    {'bos_token_id': None, 'eos_token_id': None}
    """
    if tokenizer is None:
        return {"bos_token_id": None, "eos_token_id": None}
    if tokenizer.vocab_size > vocab_size:
        raise ValueError(
            f"the tokenizer has {tokenizer.vocab_size} ids, the model only {vocab_size}: "
            f"they do not belong together"
        )
    eos = getattr(tokenizer, "eos_id", None)
    stops = sorted(getattr(tokenizer, "stop_ids", ()))
    ends = ([eos] if eos is not None else []) + [i for i in stops if i != eos]
    return {"bos_token_id": getattr(tokenizer, "bos_id", None), "eos_token_id": ends or None}


def hf_tensors(model: Any) -> Iterator[Stored]:
    """A model's parameters under the names, and in the layout, of ``transformers``.

    >>> import transformer
    >>> model = transformer.build_model("llama", vocab_size=3, n_layer=1)
    >>> next(hf_tensors(model)).name
    'model.embed_tokens.weight'
    """
    for name, stored in model_tensors(model).items():
        prefix = "transformer." if model.name == "gpt" else "model."
        prefix = "" if name == "lm_head.weight" else prefix
        if model.name == "gpt":
            turned = stored.transposed() if _CONV1D.search(name) else stored
            yield replace(turned, name=prefix + name)
        else:
            moe = name.replace(".mlp.gate.", ".block_sparse_moe.gate.")
            yield replace(stored, name=prefix + moe.replace(".mlp.exp", ".block_sparse_moe.exp"))


def model_tensors(model: Any) -> dict[str, Stored]:
    """A model's parameters by name, shared ones once, by the embedding's name: nothing is copied.

    A model without a bias has none in its files, where GPT-2's architecture wants one: zeros.

    >>> import transformer
    >>> model = transformer.build_model("gpt", vocab_size=3, n_layer=1)
    >>> "lm_head.weight" in model_tensors(model)  # it is wte.weight
    False
    """
    tensors: dict[str, Stored] = {}
    seen: set[int] = set()
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if id(parameter) in seen:
            continue
        seen.add(id(parameter))
        tensors[name] = _of_parameter(name, parameter)
    if model.name == "gpt" and not model.config.bias:
        tensors = _with_zero_biases(tensors)
    return tensors


def _of_parameter(name: str, parameter: Any) -> Stored:
    def read() -> Any:
        return parameter.detach().float().cpu().numpy()

    shape = tuple(parameter.shape)
    return Stored(name, shape, str(parameter.dtype), parameter.numel() * 4, read, True)


def _with_zero_biases(tensors: Mapping[str, Stored]) -> dict[str, Stored]:
    """The same, and beside every weight of a block or norm a bias that does nothing."""
    filled: dict[str, Stored] = {}
    for name, stored in tensors.items():
        filled[name] = stored
        if name.endswith(".weight") and name.split(".")[0] in ("h", "ln_f"):
            zeros = np.zeros(stored.shape[0], np.float32)
            bias = name.removesuffix("weight") + "bias"
            filled[bias] = Stored(bias, zeros.shape, "F32", zeros.nbytes, zeros.copy, True)
    return filled

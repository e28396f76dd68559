"""nanoGPT's checkpoints and other ``.pt`` files of weights, read without torch and run nothing."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from transformer._engine import torch
from transformer.io.atomic import replace_file
from transformer.io.hf import without_second_table
from transformer.io.safetensors import TensorFileError
from transformer.io.stored import Pretrained, Stored

# What a compiled model, and one trained by several processes, put before every name.
_WRAPPERS = ("_orig_mod.", "module.")
_TOKENIZER = "gradine_tokenizer"  # a table that this package adds, and nanoGPT does not look at
_ARGUMENTS = ("n_layer", "n_head", "n_embd", "block_size", "bias", "vocab_size", "dropout")


def read_pt(path: Path) -> Any:
    """What ``torch.save`` wrote: weights are mapped, not read, and nothing in the file is run.

    Raises TensorFileError when the file is damaged, or names more than weights are made of.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "two.pt"
    >>> torch.save({"step": 2}, str(path))
    >>> read_pt(path)
    {'step': 2}
    """
    with open(path, "rb") as file:
        zipped = file.read(4) == b"PK\x03\x04"
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except FileNotFoundError:
        raise
    except Exception as error:  # of many types: a zip's, a pickle's, of both engines
        reason = str(error).split("\n")[0]
        raise TensorFileError(
            f"{path}: not a file of weights alone, or damaged: {reason}"
        ) from None


def stored_tensors(values: Any) -> dict[str, Stored]:
    """The tensors of a table as torch saved it, or of the table under its key ``model``.

    >>> tensors = stored_tensors({"model": {"_orig_mod.w": torch.ones(2, 3)}})
    >>> tensors["w"].shape
    (2, 3)
    """
    if isinstance(values, Mapping) and isinstance(values.get("model"), Mapping):
        values = values["model"]
    tensors = {}
    for name, value in dict(values).items():
        if isinstance(value, torch.Tensor):
            own = _unwrapped(name)
            tensors[own] = _stored(own, value)
    return tensors


def _unwrapped(name: str) -> str:
    while name.startswith(_WRAPPERS):
        name = name.split(".", 1)[1]
    return name


def _stored(name: str, value: Any) -> Stored:
    def read() -> Any:
        return value.detach().to(torch.float32).numpy()

    kind = str(value.dtype).removeprefix("torch.")
    mapped = kind == "float32"
    nbytes = value.numel() * value.element_size()
    return Stored(name, tuple(value.shape), kind, nbytes, read, mapped)


def describe_pt(path: Path, tokenizer: Path | None = None) -> Pretrained:
    """Describe a checkpoint of nanoGPT: ``model``, ``model_args`` and more in one table.

    Raises ValueError when it is another kind of file, TensorFileError when it is damaged.

    >>> import tempfile, transformer
    >>> path = Path(tempfile.mkdtemp()) / "ckpt.pt"
    >>> save_pt(transformer.build_model("gpt", vocab_size=3, n_layer=1), None, path)
    >>> describe_pt(path).config["vocab_size"]
    3
    """
    values = read_pt(path)
    arguments = values.get("model_args") if isinstance(values, Mapping) else None
    if not isinstance(arguments, Mapping) or "model" not in values:
        held = ", ".join(map(str, list(values)[:5])) if isinstance(values, Mapping) else "no table"
        raise ValueError(
            f"{path}: not a checkpoint of nanoGPT, which has the keys model and model_args; it "
            f"holds {held}. Weights of transformers need their folder with its config.json"
        )
    missing = [name for name in _ARGUMENTS[:-1] if name not in arguments and name != "bias"]
    if missing:
        raise ValueError(f"{path}: model_args lacks {', '.join(missing)}")
    config = {name: arguments[name] for name in _ARGUMENTS if name in arguments}
    tensors = {n.removeprefix("transformer."): t for n, t in stored_tensors(values).items()}
    tensors = {n: t for n, t in tensors.items() if not n.endswith((".attn.bias", ".masked_bias"))}
    return Pretrained(
        path=path,
        format="nanoGPT checkpoint",
        architecture="nanoGPT",
        model="gpt",
        config={**config, "gelu": arguments.get("gelu", "none")},
        tensors=without_second_table(path, tensors),
        tokenizer=lambda: _tokenizer(path, values, tokenizer),
        special={},
    )


def _tokenizer(path: Path, values: Mapping[str, Any], given: Path | None) -> Any:
    from transformer.data.nanogpt import read_meta
    from transformer.tokenizers import tokenizer_from_dict
    from transformer.tokenizers.load import load_tokenizer

    if given is None and _TOKENIZER in values:
        return tokenizer_from_dict(values[_TOKENIZER])
    beside = [path.with_name(name) for name in ("meta.pkl", "tokenizer.json", "vocab.bpe")]
    found = given or next((file for file in beside if file.is_file()), None)
    if found is not None and found.suffix == ".pkl":
        return read_meta(found)
    if found is not None:
        return load_tokenizer(found)
    raise FileNotFoundError(
        f"{path} holds no tokenizer, and beside it is no meta.pkl or tokenizer.json: pass its "
        f"tokenizer, load(..., tokenizer=FILE) or --tokenizer FILE"
    )


# --- writing -------------------------------------------------------------------------------------


def save_pt(model: Any, tokenizer: Any, path: str | Path) -> None:
    """Write a ``GPT`` as a checkpoint of nanoGPT, which its ``sample.py`` and torch load.

    The tokenizer goes along under a key that nanoGPT ignores. nanoGPT computes the exact GELU; a
    model with GPT-2's approximation is written with ``gelu`` in its ``model_args``. Raises
    ValueError for another kind of model.

    >>> import tempfile, transformer
    >>> path = Path(tempfile.mkdtemp()) / "ckpt.pt"
    >>> save_pt(transformer.build_model("gpt", vocab_size=3, n_layer=1, gelu="none"), None, path)
    >>> describe_pt(path).config["n_layer"]
    1
    """
    if model.name != "gpt":
        raise ValueError(f"a nanoGPT checkpoint holds a gpt, not a {model.name}")
    if not model.config.tie_embeddings:
        raise ValueError("nanoGPT has one table for tokens and scores, this model has two")
    settings = asdict(model.config)
    arguments = {name: settings[name] for name in _ARGUMENTS}
    if settings["gelu"] != "none":
        arguments["gelu"] = settings["gelu"]
    weights = {}
    for name, value in model.state_dict().items():
        weights[name if name == "lm_head.weight" else f"transformer.{name}"] = value
    values = {"model": weights, "model_args": arguments, "iter_num": 0, "best_val_loss": 0.0,
              "config": {}}  # fmt: skip
    if tokenizer is not None:
        values[_TOKENIZER] = tokenizer.to_dict()
    # By way of a file of ours: PyTorch itself would write to the very path, piece by piece.
    replace_file(path, lambda file: torch.save(values, file))

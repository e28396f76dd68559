"""Any model there is a file of, as a model and its tokenizer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from transformer.io.checkpoint import BEST, LAST
from transformer.io.gguf_file import MAGIC
from transformer.io.names import find_model
from transformer.io.safetensors import TensorFileError, read_metadata
from transformer.io.stored import Pretrained

_ZIP, _PICKLE = b"PK\x03\x04", b"\x80\x02"
FORMATS = (
    "a run's folder or checkpoint, a Hugging Face folder, .gguf, a nanoGPT .pt, a llama2.c .bin"
)


def load(
    path_or_name: str | Path,
    *,
    dtype: str | None = None,
    tokenizer: Any = None,
) -> tuple[Any, Any]:
    """Load a model and its tokenizer, whatever program wrote them.

    ``path_or_name`` is a run's folder or one of its checkpoints, a Hugging Face folder
    (GPT-2, Llama, Mistral, Qwen 2 and 3, Mixtral), a GGUF file, a checkpoint of nanoGPT, a model
    of llama2.c, or a name (``"smollm2"``). The model is in eval mode; weights the file keeps in
    float32 are mapped from it, all others become ``dtype`` (float32) one by one. ``tokenizer``
    replaces the model's own: a tokenizer, its file, or False for none.

    Raises FileNotFoundError when something is not there, ValueError naming what is damaged, does
    not fit or is not computed here, MemoryError before anything is read that would not fit.

    >>> import tempfile, transformer
    >>> path = Path(tempfile.mkdtemp()) / "tiny.gguf"
    >>> from transformer.io.gguf_export import save_gguf
    >>> save_gguf(transformer.build_model("llama", vocab_size=3, n_layer=1), None, path)
    >>> model, _ = load(path, tokenizer=False)
    >>> model.config.n_layer
    1
    """
    path = find_model(path_or_name)
    if (run := as_run(path)) is not None:
        return _load_run(run, dtype, tokenizer)
    from transformer.io.assemble import assemble

    file = Path(tokenizer) if isinstance(tokenizer, str | Path) else None
    found = describe(path, file)
    chosen = _chosen_tokenizer(found, tokenizer)  # first: it is quick, and may be missing
    if chosen is not None and chosen.vocab_size > found.config["vocab_size"]:
        raise ValueError(
            f"{path}: the tokenizer has {chosen.vocab_size} ids, the model "
            f"{found.config['vocab_size']}: they do not belong together"
        )
    return assemble(found, dtype), chosen


def _load_run(run: Path, dtype: str | None, tokenizer: Any) -> tuple[Any, Any]:
    from transformer._engine import torch
    from transformer.io.assemble import check_dtype
    from transformer.train.checkpoint import load_model

    if dtype is not None:
        check_dtype(dtype)
    model, own, _ = load_model(run)
    if dtype is not None:
        model = model.to(getattr(torch, dtype))
    if tokenizer is None:
        return model, own
    return model, _given_tokenizer(tokenizer)


def _chosen_tokenizer(found: Pretrained, given: Any) -> Any:
    needs_own = given is None or isinstance(given, str | Path)  # a format may know the file's kind
    if found.format in ("GGUF", "Hugging Face folder"):
        needs_own = given is None
    return found.tokenizer() if needs_own else _given_tokenizer(given)


def _given_tokenizer(given: Any) -> Any:
    if given is False:
        return None
    if isinstance(given, str | Path):
        from transformer.tokenizers.load import load_tokenizer

        return load_tokenizer(given)
    return given


def as_run(path: Path) -> Path | None:
    """The path when it is a run's folder or a checkpoint of this program; None when not.

    >>> as_run(Path("no-such-folder")) is None
    True
    """
    if path.is_dir():
        held = any((path / name).is_file() for name in (BEST, LAST))
        return path if held else None
    if path.suffix != ".safetensors":
        return None
    return path if "gradine" in read_metadata(path) else None


def describe(path: Path, tokenizer: Path | None = None) -> Pretrained:
    """Say what a model's file or folder holds, without reading the weights.

    Raises ValueError when it is none of the formats that can be read, and what ``load`` raises.

    >>> import tempfile, transformer
    >>> folder = tempfile.mkdtemp()
    >>> model = transformer.build_model("gpt", vocab_size=3, n_layer=1)
    >>> transformer.save_pretrained(model, None, folder)
    >>> describe(Path(folder)).format
    'Hugging Face folder'
    """
    reader = _reader(path)
    with _told(path):
        found = reader(path, tokenizer)

    def read_tokenizer() -> Any:
        with _told(path):
            return found.tokenizer()

    return replace(found, tokenizer=read_tokenizer)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """A number where a text belongs, and the like, is the file's fault: say so in a sentence."""
    try:
        yield
    except (TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise TensorFileError(
            f"{path}: damaged, or it holds values of another kind than belong there ({reason})"
        ) from error


Reader = Callable[[Path, Path | None], Pretrained]
Kind = Literal["hf", "gguf", "pt", "llama2c"]


def kind_of(path: Path) -> Kind:
    """Which format a file or folder is of, by its contents; raises ValueError when of none.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "model"
    >>> _ = path.write_bytes(b"GGUF")
    >>> kind_of(path)
    'gguf'
    """
    from transformer.io.hf import CONFIG, is_hf_folder
    from transformer.io.llama2c import looks_like_llama2c

    if path.is_dir():
        if is_hf_folder(path):
            return "hf"
        raise FileNotFoundError(
            f"{path} holds no {LAST} or {BEST}, as a run's folder does, and no config.json with "
            f"model.safetensors, as a Hugging Face folder does"
        )
    if not path.is_file():  # a pipe would keep us waiting for its other end
        raise TensorFileError(f"{path}: neither a file nor a folder")
    with open(path, "rb") as file:
        head = file.read(4)
    if head == MAGIC:
        return "gguf"
    if path.suffix == ".safetensors" or ((path.parent / CONFIG).is_file() and head == _ZIP):
        return "hf"
    if head == _ZIP or head[:2] == _PICKLE:
        return "pt"
    if looks_like_llama2c(path) or path.suffix == ".bin":
        return "llama2c"
    raise TensorFileError(f"{path}: not a model that can be read here; it must be {FORMATS}")


def _reader(path: Path) -> Reader:
    kind = kind_of(path)
    if kind == "hf":
        from transformer.io.hf import describe_hf

        return lambda path, _: describe_hf(path if path.is_dir() else path.parent)
    if kind == "gguf":
        from transformer.io.gguf import describe_gguf

        return lambda path, _: describe_gguf(path)
    if kind == "pt":
        from transformer.io.pt import describe_pt

        return describe_pt
    from transformer.io.llama2c import describe_llama2c

    return describe_llama2c

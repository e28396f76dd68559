"""From a described file to a model: built without drawing weights, then given those of the file."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from transformer._engine import nn, torch
from transformer.io.safetensors import TensorFileError
from transformer.io.stored import Pretrained
from transformer.models import build_model
from transformer.train.memory import check_memory

_LARGEST_PIECE = 64 * 2**20  # bytes beside the weights themselves, while one is converted
DTYPES = ("float32", "float64", "float16", "bfloat16")


def assemble(found: Pretrained, dtype: str | None = None) -> Any:
    """Build the model that a file describes and give it the file's weights, in eval mode.

    Weights the file keeps in float32 are mapped, not read. Raises MemoryError before anything is
    read when the rest does not fit, TensorFileError naming tensors that are missing, unknown or
    of another shape.

    >>> import tempfile, transformer
    >>> from pathlib import Path
    >>> from transformer.io.hf import describe_hf
    >>> folder = tempfile.mkdtemp()
    >>> transformer.save_pretrained(build_model("gpt", vocab_size=3, n_layer=1), None, folder)
    >>> assemble(describe_hf(Path(folder)), "bfloat16").ln_f.weight.dtype == torch.bfloat16
    True
    """
    dtype = check_dtype(dtype or "float32")
    needed = sum(t.memory for t in found.tensors.values())
    if dtype != "float32":
        needed = sum(t.size for t in found.tensors.values()) * getattr(torch, dtype).itemsize
    advice = "choose a smaller model, or free memory by closing other programs"
    check_memory(needed + _LARGEST_PIECE, f"loading {found.path}", advice)
    _check_counts(found)
    model = _built(found)
    fill(model, found, dtype)
    model.eval()
    return model


def check_dtype(dtype: str) -> str:
    """The same; raises ValueError when a model cannot have such numbers.

    >>> check_dtype("float32")
    'float32'
    """
    if dtype not in DTYPES:
        raise ValueError(f"load: dtype is one of {', '.join(DTYPES)}, not {dtype!r}")
    return dtype


def _built(found: Pretrained) -> Any:
    """The model with whatever its memory holds; what cannot be built is the file's fault."""
    try:
        with undrawn():
            return build_model(found.model, **found.config)
    except (ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, MemoryError) as why:
        reason = f"no {why}" if isinstance(why, LookupError) else str(why).split("\n")[0]
        raise TensorFileError(f"{found.path}: its settings describe no model: {reason}") from why


def _check_counts(found: Pretrained) -> None:
    """Raise TensorFileError for more layers than there are tensors, or wider ones than any of them.

    Before they are built: a damaged number must not keep the machine busy for hours.
    """
    config, largest = found.config, max((t.size for t in found.tensors.values()), default=0)
    for name in ("n_layer", "n_expert"):
        said = config.get(name, 0)
        if isinstance(said, int) and said > len(found.tensors):
            raise TensorFileError(
                f"{found.path}: its settings say {name} {said}, which is more than the "
                f"{len(found.tensors)} tensors there"
            )
    for name in ("n_embd", "vocab_size", "n_hidden", "head_dim", "n_head"):
        said = config.get(name)
        if isinstance(said, int) and said > largest:
            raise TensorFileError(
                f"{found.path}: its settings say {name} {said}, but no tensor there has more than "
                f"{largest} numbers"
            )


@contextmanager
def undrawn() -> Iterator[None]:
    """Modules this thread makes within keep whatever their memory holds: values come later.

    Drawing random weights that are replaced at once would take longer than reading the true ones,
    and touch memory that is never needed. The functions of ``nn.init`` stand aside meanwhile; for
    other threads they work as always.

    >>> with undrawn():
    ...     layer = nn.Linear(1000, 1000)
    >>> layer.weight.shape
    torch.Size([1000, 1000])
    """
    names = [name for name in dir(nn.init) if name.endswith("_") and not name.startswith("_")]
    with _ONE_AT_A_TIME:
        drawing = {name: getattr(nn.init, name) for name in names}
        for name, function in drawing.items():
            setattr(nn.init, name, _idle(function, threading.get_ident()))
        try:
            yield
        finally:
            for name, function in drawing.items():
                setattr(nn.init, name, function)


_ONE_AT_A_TIME = threading.RLock()


def _idle(function: Callable[..., Any], thread: int) -> Callable[..., Any]:
    """The function, but for one thread one that leaves its tensor as it is."""

    def idle(tensor: Any, *args: Any, **kwargs: Any) -> Any:
        idle_here = threading.get_ident() == thread
        return tensor if idle_here else function(tensor, *args, **kwargs)

    return idle


def fill(model: Any, found: Pretrained, dtype: str = "float32") -> None:
    """Make a file's tensors the parameters of ``model``, each read when its turn comes.

    Raises TensorFileError naming tensors that are missing, unknown or of another shape.

    >>> import numpy as np
    >>> from pathlib import Path
    >>> from transformer.io.stored import Stored
    >>> tensors = {"weight": Stored("w", (1, 2), "F32", 8, lambda: np.ones((1, 2), np.float32))}
    >>> model = nn.Linear(2, 1, bias=False)
    >>> fill(model, Pretrained(Path("m"), "GGUF", "llama", "llama", {}, tensors, lambda: None, {}))
    >>> model.weight.tolist()
    [[1.0, 1.0]]
    """
    places = _places(model)
    _check_tensors(found, places)
    for names in places:
        stored = next(found.tensors[name] for name in names if name in found.tensors)
        parameter = nn.Parameter(torch.from_numpy(stored.read()).to(getattr(torch, dtype)))
        for name in names:  # several, where modules share one parameter
            path, _, leaf = name.rpartition(".")
            setattr(model.get_submodule(path), leaf, parameter)


def _places(model: Any) -> dict[tuple[str, ...], tuple[int, ...]]:
    """Every parameter by all the names it has, with its shape."""
    names: dict[int, list[str]] = {}
    shapes: dict[int, tuple[int, ...]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
        shapes[id(parameter)] = tuple(parameter.shape)
    return {tuple(names[key]): shapes[key] for key in names}


def _check_tensors(found: Pretrained, places: dict[tuple[str, ...], tuple[int, ...]]) -> None:
    where = f"{found.path}: the {found.model} model described there"
    known = {name for names in places for name in names}
    missing = [names[0] for names in places if not found.tensors.keys() & set(names)]
    extra = [found.tensors[name].name for name in found.tensors if name not in known]
    if missing:
        raise TensorFileError(f"{where} needs tensors that are not in the file: {_few(missing)}")
    if extra:
        raise TensorFileError(f"{where} has no place for these tensors: {_few(extra)}")
    for names, shape in places.items():
        stored = next(found.tensors[name] for name in names if name in found.tensors)
        if stored.shape != shape:
            raise TensorFileError(
                f"{where} wants {names[0]} of shape {shape}, but {stored.name} has {stored.shape}"
            )


def _few(names: Sequence[str]) -> str:
    """Names in a sentence: the first few, and how many more."""
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"

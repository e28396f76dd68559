"""One program's model file as another's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformer.io.load import load

TARGETS = ("hf", "gguf", "pt", "llama2c")
DTYPES = {
    "hf": ("f32", "f16", "bf16"),
    "gguf": ("f32", "f16", "bf16", "q8_0"),
    "pt": ("f32",),
    "llama2c": ("f32",),
}


def convert(
    source: str | Path, target: str, out: str | Path, *, dtype: str = "f32", tokenizer: Any = None
) -> Path:
    """Load ``source``, whatever it is, and write it to ``out`` as ``target``, in ``dtype``.

    ``target`` is hf (a folder for transformers), gguf (for llama.cpp), pt (a nanoGPT checkpoint)
    or llama2c. Returns ``out``. Raises ValueError when the target has no such dtype, or no form
    for this model or its tokenizer.

    >>> import tempfile, transformer
    >>> folder = Path(tempfile.mkdtemp())
    >>> model = transformer.build_model("gpt", vocab_size=3, n_layer=1)
    >>> transformer.save_pretrained(model, None, folder / "source")
    >>> convert(folder / "source", "pt", folder / "model.pt", tokenizer=False).name
    'model.pt'
    """
    if target not in TARGETS:
        raise ValueError(f"convert: there is no format {target!r}; there are {', '.join(TARGETS)}")
    if dtype not in DTYPES[target]:
        raise ValueError(
            f"convert: {target} is written as {', '.join(DTYPES[target])}, not {dtype}"
        )
    out = Path(out)
    if out.exists() and Path(source).exists() and out.resolve() == Path(source).resolve():
        raise ValueError(f"convert: {out} is the source itself; give another --out")
    model, own = load(source, tokenizer=tokenizer)
    _writer(target)(model, own, out, dtype)
    return out


def _writer(target: str) -> Callable[[Any, Any, Path, str], None]:
    if target == "hf":
        from transformer.io.hf import save_pretrained

        return lambda model, tokenizer, out, dtype: save_pretrained(
            model, tokenizer, out, dtype=dtype
        )
    if target == "gguf":
        from transformer.io.gguf_export import save_gguf

        return lambda model, tokenizer, out, dtype: save_gguf(model, tokenizer, out, dtype=dtype)
    if target == "pt":
        from transformer.io.pt import save_pt

        return lambda model, tokenizer, out, _: save_pt(model, tokenizer, out)
    from transformer.io.llama2c import save_llama2c

    return lambda model, tokenizer, out, _: save_llama2c(model, tokenizer, out)

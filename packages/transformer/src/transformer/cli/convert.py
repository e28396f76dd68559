"""``gradine convert``."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from transformer.cli.engine import EngineOption, choose_engine
from transformer.cli.options import Misuse, examples


class Target(StrEnum):
    """The formats by their names on the command line."""

    HF = "hf"
    GGUF = "gguf"
    PT = "pt"
    LLAMA2C = "llama2c"
    PEFT = "peft"


class Kept(StrEnum):
    """How numbers are kept in a file."""

    F32 = "f32"
    F16 = "f16"
    BF16 = "bf16"
    Q8_0 = "q8_0"


def convert(
    source: Annotated[
        str,
        typer.Argument(help="A run's folder, a checkpoint, a model's file or folder, or a name."),
    ],
    to: Annotated[
        Target,
        typer.Option(
            "--to",
            help="hf: a folder for transformers. gguf: a file for llama.cpp. pt: a nanoGPT "
            "checkpoint. llama2c: a file for llama2.c. peft: a folder with the adapters of "
            "gradine finetune alone.",
        ),
    ],
    out: Annotated[str, typer.Option("--out", "-o", help="The file or folder to write.")],
    dtype: Annotated[
        Kept, typer.Option("--dtype", help="How weights are kept; q8_0 in gguf only.")
    ] = Kept.F32,
    tokenizer: Annotated[
        str | None,
        typer.Option("--tokenizer", help="Its tokenizer's file, where the source has none."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what is there already.")
    ] = False,
    engine: EngineOption = None,
) -> None:
    """Write a trained or downloaded model in another program's format.

    The weights are what they were: in f32 to the bit, otherwise rounded to the kind chosen.
    """
    choose_engine(engine)
    from transformer.io.adapter import export_adapter
    from transformer.io.convert import DTYPES
    from transformer.io.convert import convert as convert_file
    from transformer.train.memory import readable

    kinds = DTYPES.get(to, ("f32",))
    if dtype not in kinds:
        raise Misuse(f"--to {to} is written as {', '.join(kinds)}, not {dtype}")
    path = Path(out)
    if path.exists() and not overwrite and not (path.is_dir() and not any(path.iterdir())):
        raise Misuse(f"{out} is there already: choose another --out, or add --overwrite")
    beside = path.with_name("tokenizer.bin")  # llama2.c's program looks for it there
    if to == Target.LLAMA2C and beside.exists() and not overwrite:
        raise Misuse(f"{beside} is there already: choose another folder, or add --overwrite")
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.absolute().parent} to write {out} into")
    if to == Target.PEFT:
        export_adapter(source, path)
    else:
        convert_file(source, to, path, dtype=dtype, tokenizer=tokenizer)
    files = [path] if path.is_file() else sorted(path.iterdir())
    print(f"{out}: {readable(sum(f.stat().st_size for f in files))}", file=sys.stderr)


convert.epilog = examples(  # type: ignore[attr-defined]
    "gradine convert demo-run --to hf --out demo-hf",
    "gradine convert smollm2 --to hf --dtype bf16 --out SmolLM2",
    "gradine convert my-llama-run --to gguf --dtype q8_0 --out mine.gguf",
)

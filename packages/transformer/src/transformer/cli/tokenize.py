"""``gradine tokenize``."""

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from transformer.cli.options import Misuse, examples

if TYPE_CHECKING:
    from transformer.data.files import TextFiles
    from transformer.tokenizers import Tokenizer

LEARNED = ("char", "bpe")  # these are made from the text, which is therefore read twice
END_OF_TEXT = "<|endoftext|>"  # between documents, if nothing else is asked for

Pattern = StrEnum("Pattern", ["gpt2", "gpt4", "o200k"])
OnRead = Callable[[int], object]


def tokenize(
    files: Annotated[
        list[str], typer.Argument(help="UTF-8 text; - reads standard input.", metavar="FILE...")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the tokens.")],
    tokenizer: Annotated[
        str,
        typer.Option(
            "--tokenizer",
            "-t",
            help="char, bytes, bpe (learned from what is not held out), "
            "or a tokenizer's file or folder.",
            metavar="NAME|PATH",
        ),
    ] = "char",
    vocab_size: Annotated[
        int | None,
        typer.Option("--vocab-size", min=257, help="Tokens that bpe may learn (default 4096)."),
    ] = None,
    pattern: Annotated[
        Pattern | None,
        typer.Option("--pattern", help="How bpe cuts text into words first (default gpt2)."),
    ] = None,
    special: Annotated[
        str | None,
        typer.Option(
            "--special",
            help="Token that ends each document: each file, and wherever a file has this very "
            f"text (default: the tokenizer's own; {END_OF_TEXT} for bpe).",
            metavar="TOKEN",
        ),
    ] = None,
    val_fraction: Annotated[
        float, typer.Option("--val-fraction", min=0.0, max=0.99, help="Share held out, at the end.")
    ] = 0.1,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the tokens in the folder.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what was made as JSON, as meta.json has it.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> None:
    """Turn text into a folder of tokens to train on, however large the text is.

    The folder holds train.bin and val.bin, as nanoGPT has them, the tokenizer, and meta.json.
    """
    from transformer.data.files import TextFiles
    from transformer.data.folder import holds_tokens, write_folder
    from transformer.data.stream import encoded

    if holds_tokens(out) and not overwrite:
        raise Misuse(f"{out} holds tokens already: give another --out, or --overwrite")
    if out.exists() and not out.is_dir():
        raise Misuse(f"--out {out} is a file, and must be a folder")
    for flag, value in (("--vocab-size", vocab_size), ("--pattern", pattern)):
        if value is not None and tokenizer != "bpe":
            raise Misuse(f"{flag} is for -t bpe, which learns; {tokenizer} takes no such choice")
    made, begun = _loaded(tokenizer), time.perf_counter()
    separator = _separator(made, tokenizer, special)
    corpus = TextFiles(files, separator, again=made is None)
    if made is None:
        learn = {"vocab_size": vocab_size or 4096, "pattern": pattern.value if pattern else "gpt2"}
        made = _learned(tokenizer, corpus, 1 - val_fraction, learn, quiet)
    end = None if separator is None else made.special_tokens[separator]

    def facts() -> dict[str, Any]:
        return {"separator": separator, "separator_id": end, **corpus.facts()}

    with _bar("encoding", corpus, quiet) as on_read:
        ids = encoded(corpus.pieces(on_read), made, end)
        meta = write_folder(out, ids, made, val_fraction=val_fraction, facts=facts)
    if as_json:
        print(json.dumps(meta))
    elif not quiet:
        print(_summary(out, meta, made, time.perf_counter() - begun))


tokenize.epilog = examples(  # type: ignore[attr-defined]
    "gradine tokenize book.txt --out book-tokens",
    "gradine tokenize *.txt --out tokens --tokenizer bpe --vocab-size 8192 --pattern gpt4",
    "gradine tokenize more.txt --out more-tokens --tokenizer tokens",
    "zcat dump.gz | gradine tokenize - --out dump-tokens --tokenizer gpt2-folder",
)


def _loaded(name: str) -> "Tokenizer | None":
    """The tokenizer of that name or in that place; None when it is yet to be learned."""
    from transformer.data.folder import read_tokenizer
    from transformer.tokenizers import ByteTokenizer, load_tokenizer

    if name in LEARNED:
        return None
    if name == "bytes":
        return ByteTokenizer()
    if not Path(name).exists():
        raise Misuse(
            f"--tokenizer {name}: it is none of char, bytes and bpe, and there is no such file or "
            f"folder (a folder with vocab.bpe and encoder.json, tokenizer.json, tokens, ...)"
        )
    return read_tokenizer(name) or load_tokenizer(name)


def _separator(tokenizer: "Tokenizer | None", name: str, special: str | None) -> str | None:
    """The special token between documents, if there is to be one."""
    if name == "bpe":
        return special or END_OF_TEXT
    known = {} if tokenizer is None else tokenizer.special_tokens
    if special is None:
        own = None if tokenizer is None else tokenizer.eos_id
        return next((token for token, i in known.items() if i == own), None)
    if special not in known:
        raise Misuse(
            f"--special {special}: the tokenizer {name} has no such token "
            f"(it has {', '.join(known) or 'no special tokens'})"
        )
    return special


def _learned(
    kind: str, corpus: "TextFiles", share: float, learn: dict[str, Any], quiet: bool
) -> "Tokenizer":
    """The tokenizer made from the text; what is held out must not decide what a word is."""
    from transformer.data.stream import recut
    from transformer.tokenizers import BPETokenizer, CharTokenizer
    from transformer.tokenizers.patterns import words_of

    with _bar("reading", corpus, quiet) as on_read:
        if kind == "char":
            found: set[str] = set()
            for piece in corpus.pieces(on_read):
                found.update(piece or "")
            if not found:
                raise ValueError("there is no text in the files, so there is nothing to learn from")
            return CharTokenizer(sorted(found))
        separator = corpus.separator or END_OF_TEXT
        pieces = corpus.pieces(on_read, limit=int((corpus.size or 0) * share))
        texts = (text for text in recut(pieces, words_of(learn["pattern"])) if text is not None)
        return BPETokenizer.train(texts, **learn, special_tokens=[separator], eos=separator)


def _bar(doing: str, corpus: "TextFiles", quiet: bool) -> "AbstractContextManager[OnRead]":
    """A bar over the bytes read; the body tells it how many there were."""
    from transformer.cli.progress import counting

    return counting(corpus.size, "bytes", quiet, doing)


def _summary(out: Path, meta: dict[str, Any], tokenizer: "Tokenizer", seconds: float) -> str:
    """What was made, in a few lines."""
    parts = meta["parts"]
    tokens = sum(part["tokens"] for part in parts.values())
    lines = [f"{out / part['file']}: {part['tokens']:,} tokens" for part in parts.values()]
    rate = meta["bytes"] / max(seconds, 1e-9) / 1e6
    number = meta["documents"]
    return "\n".join(
        [
            *lines,
            f"{tokenizer!r}, {meta['dtype']}, {meta['bytes'] / tokens:.2f} bytes per token",
            f"{number:,} document{'s' * (number != 1)}, {meta['bytes']:,} bytes in {seconds:.1f} s "
            f"({rate:.1f} MB/s)",
        ]
    )

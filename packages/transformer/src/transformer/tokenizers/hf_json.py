"""Hugging Face's ``tokenizer.json``, read and written: byte-level BPE alone.

The file describes a pipeline of the library ``tokenizers``: normalizer, pre-tokenizer, model,
post-processor, decoder. What is known here gives the library's ids; anything else is refused by
name. Truncation and padding in the file are left to whoever makes batches.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformer.io.json_file import write_json
from transformer.tokenizers.added import AddedToken
from transformer.tokenizers.byte_alphabet import ALPHABET, from_printable, printable, read_vocab
from transformer.tokenizers.hf_steps import cuts, normal_form, surroundings, written_cuts
from transformer.tokenizers.merging import merges_of_ranks

if TYPE_CHECKING:
    from transformer.tokenizers.bpe import BPETokenizer

# What a file says of an added token beside its text and id.
FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")


def load(path: Path, values: dict[str, Any]) -> "BPETokenizer":
    """The tokenizer of the ``tokenizer.json`` at ``path``, which holds ``values``.

    Raises ValueError, naming what is not known here.

    >>> from transformer import BPETokenizer
    >>> values = content_of(BPETokenizer.train("to be to be", 258))
    >>> load(Path("tokenizer.json"), values).vocab_size
    258
    """
    from transformer.tokenizers.bpe import BPETokenizer

    try:
        return BPETokenizer(**settings_of(values))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(misshapen(path, error)) from None


def misshapen(path: Path, error: Exception) -> str:
    """What to say of a file whose values are not of the kinds that the library writes.

    >>> misshapen(Path("tokenizer.json"), KeyError("vocab"))
    "tokenizer.json: is damaged, or no tokenizer's (KeyError: 'vocab')"
    """
    return f"{path}: is damaged, or no tokenizer's ({type(error).__name__}: {error})"


def settings_of(values: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``BPETokenizer`` that the content of a ``tokenizer.json`` gives.

    Raises ValueError, naming what is not known here.

    >>> from transformer import BPETokenizer
    >>> settings_of(content_of(BPETokenizer.train("to be to be", 258)))["merges"]
    [(b'b', b'e'), (b't', b'o')]
    """
    model = values.get("model") or {}
    _check_model(model)
    splits, prefix_space = cuts(values.get("pre_tokenizer"))
    before, after = surroundings(values.get("post_processor"))
    merges = [_merge(merge) for merge in model["merges"]]
    added = [_added_token(token, model["vocab"]) for token in values.get("added_tokens") or ()]
    # Added tokens stand in the model's list as well, where nothing makes them.
    made = {left + right for left, right in merges} | ALPHABET
    apart = {token.text for token in added} - made
    listed = ((token, i) for token, i in model["vocab"].items() if token not in apart)
    bytes_missing = bool(ALPHABET - model["vocab"].keys())
    if bytes_missing and model.get("unk_token"):
        raise ValueError("an unknown token in the place of bytes is not known here")
    return {
        "vocab": read_vocab(listed),
        "merges": [(from_printable(left), from_printable(right)) for left, right in merges],
        "pattern": splits,
        "added_tokens": added,
        "before": before,
        "after": after,
        "normalizer": normal_form(values.get("normalizer")),
        "add_prefix_space": prefix_space,
        "ignore_merges": bool(model.get("ignore_merges")),
        "drop_unknown": bytes_missing,
    }


def write(tokenizer: "BPETokenizer", path: Path) -> None:
    """Write a ``tokenizer.json``, replacing a file of that name at once.

    Raises ValueError for what the format cannot express.

    >>> import tempfile
    >>> from transformer import BPETokenizer, load_tokenizer
    >>> path = Path(tempfile.mkdtemp()) / "tokenizer.json"
    >>> write(BPETokenizer.train("to be to be", 258), path)
    >>> load_tokenizer(path).vocab_size
    258
    """
    write_json(path, content_of(tokenizer))


def content_of(tokenizer: "BPETokenizer") -> dict[str, Any]:
    """The content of a ``tokenizer.json`` that gives the same ids.

    Raises ValueError for what the format cannot express.

    >>> from transformer import BPETokenizer
    >>> content_of(BPETokenizer.train("to be to be", 258))["model"]["merges"]
    [['b', 'e'], ['t', 'o']]
    """
    merges = tokenizer.merges
    if merges is None:
        merges = merges_of_ranks(tokenizer.vocab)
    normalizer = tokenizer.normalizer
    if not tokenizer.drop_unknown and any(bytes([b]) not in tokenizer.vocab for b in range(256)):
        raise ValueError("tokenizer.json leaves out bytes that have no token; give all 256 a token")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": token.id, "content": token.text, **{f: getattr(token, f) for f in FLAGS}}
            for token in tokenizer.added_tokens
        ],
        "normalizer": None if normalizer is None else {"type": normalizer},
        "pre_tokenizer": written_cuts(tokenizer.splits, tokenizer.add_prefix_space),
        "post_processor": _post_processor(tokenizer),
        "decoder": _BYTE_LEVEL,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": tokenizer.ignore_merges,
            "vocab": _vocab(tokenizer),
            "merges": [[printable(left), printable(right)] for left, right in merges],
        },
    }


_BYTE_LEVEL = {
    "type": "ByteLevel",
    "add_prefix_space": True,
    "trim_offsets": True,
    "use_regex": True,
}


def _check_model(model: dict[str, Any]) -> None:
    """Raise ValueError unless it is a byte-pair encoding that means here what it means there."""
    kind = model.get("type", "BPE")  # files of the first releases do not say
    if kind != "BPE" or "vocab" not in model or "merges" not in model:
        raise ValueError(f"the model is {kind!r}; only byte-level BPE is read from tokenizer.json")
    for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"):
        if model.get(name):
            raise ValueError(f"the model has {name}={model[name]!r}, which is not known here")


def _merge(written: str | list[str]) -> tuple[str, str]:
    """The two tokens of a merge, ``"a b"`` or ``["a", "b"]``."""
    parts = written.split(" ") if isinstance(written, str) else written
    if len(parts) != 2:
        raise ValueError(f"{written!r} is no merge of two tokens")
    return parts[0], parts[1]


def _added_token(values: dict[str, Any], vocab: dict[str, int]) -> AddedToken:
    """An added token; the model's own id goes first, as in the library."""
    text = values["content"]
    flags = {flag: bool(values.get(flag, False)) for flag in FLAGS}
    return AddedToken(text, vocab.get(text, values["id"]), **flags)


def _vocab(tokenizer: "BPETokenizer") -> dict[str, int]:
    """All tokens by id, the added ones among them: the library gives unlisted ones new ids."""
    vocab = {printable(token): i for token, i in tokenizer.vocab.items()}
    for token in tokenizer.added_tokens:
        if vocab.setdefault(token.text, token.id) != token.id:
            raise ValueError(
                f"tokenizer.json cannot hold both the token {token.text!r} (id "
                f"{vocab[token.text]}) and the added token of that name (id {token.id})"
            )
    return dict(sorted(vocab.items(), key=lambda item: item[1]))


def _post_processor(tokenizer: "BPETokenizer") -> dict[str, Any]:
    """The template that puts the ids around a text, if there are any."""
    if not (tokenizer.before or tokenizer.after):
        return _BYTE_LEVEL
    names = dict(_names(tokenizer))

    def template(sequence: str, kind: int) -> list[dict[str, Any]]:
        def special(i: int) -> dict[str, Any]:
            return {"SpecialToken": {"id": names[i], "type_id": kind}}

        text = {"Sequence": {"id": sequence, "type_id": kind}}
        return [*map(special, tokenizer.before), text, *map(special, tokenizer.after)]

    return {
        "type": "TemplateProcessing",
        "single": template("A", 0),
        "pair": [*template("A", 0), *template("B", 1)],
        "special_tokens": {
            name: {"id": name, "ids": [i], "tokens": [name]} for i, name in names.items()
        },
    }


def _names(tokenizer: "BPETokenizer") -> Iterator[tuple[int, str]]:
    """The names of the ids that stand around a text."""
    listed = {i: name for name, i in _vocab(tokenizer).items()}
    for i in (*tokenizer.before, *tokenizer.after):
        yield i, listed[i]

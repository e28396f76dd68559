"""SentencePiece in Hugging Face's folders: ``tokenizer.model``, or pieces in ``tokenizer.json``.

The folder's configuration adds tokens after the model's own, says which begin and end a text, and
holds the chat template. ``tokenizer.json`` has merges in the place of scores; their order is that
of the scores, or the file is refused.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from transformer.io.json_file import read_json
from transformer.tokenizers.hf_folder import stop_ids, template
from transformer.tokenizers.hf_steps import surroundings
from transformer.tokenizers.model_file import load_sentencepiece
from transformer.tokenizers.pieces import (
    BYTE,
    CONTROL,
    NORMAL,
    SPACE,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    Piece,
)
from transformer.tokenizers.sentencepiece import SentencePieceTokenizer


def has_pieces(folder: Path, described: dict[str, Any] | None) -> bool:
    """Whether a folder holds SentencePiece's pieces; ``described`` is its ``tokenizer.json``.

    >>> has_pieces(Path("."), {"model": {"byte_fallback": True}})
    True
    """
    beside = (folder / "tokenizer.model").is_file()
    if described is None:
        return beside
    model = described.get("model")
    if not isinstance(model, dict) or model.get("type", "BPE") != "BPE":
        return False
    return model.get("byte_fallback") is True or (beside and not described.get("pre_tokenizer"))


def load_hf_sentencepiece(
    folder: Path, described: dict[str, Any] | None = None
) -> SentencePieceTokenizer:
    """The tokenizer of a folder with pieces; ``described`` is its ``tokenizer.json``, if any.

    ``tokenizer.model`` is preferred: it says more. Raises ValueError, naming the folder, for pieces
    that are not read, or merges whose order no scores can have.

    >>> import tempfile
    >>> from transformer.tokenizers.model_file import save_sentencepiece
    >>> folder = Path(tempfile.mkdtemp())
    >>> tokenizer = SentencePieceTokenizer([("<unk>", 0, 2), ("a",)])
    >>> save_sentencepiece(tokenizer, folder / "tokenizer.model")
    >>> load_hf_sentencepiece(folder).pieces == tokenizer.pieces
    True
    """
    described = described or {}
    try:
        if (folder / "tokenizer.model").is_file():
            values = load_sentencepiece(folder / "tokenizer.model").to_dict()
        else:
            values = pieces_of_json(described)
        return _configured(folder, values, described.get("added_tokens") or [])
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from None


def pieces_of_json(described: dict[str, Any]) -> dict[str, Any]:
    """The ``to_dict`` of the pieces in a ``tokenizer.json``.

    Raises ValueError when its steps are not those of SentencePiece, or its merges have no scores.

    >>> values = pieces_of_json({
    ...     "model": {"type": "BPE", "vocab": {"<unk>": 0, "a": 1, "b": 2, "ab": 3},
    ...               "merges": ["a b"], "unk_token": "<unk>"},
    ...     "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}})
    >>> values["pieces"][3], values["add_dummy_prefix"]
    (Piece(text='ab', score=0.0, kind=1), False)
    """
    model = described["model"]
    merges = [tuple(m.split(" ")) if isinstance(m, str) else tuple(m) for m in model["merges"]]
    prefix = _prefix(described.get("normalizer"), described.get("pre_tokenizer"))
    before, after = surroundings(described.get("post_processor"))
    scores = _scores(model["vocab"], merges)
    return {
        "type": "sentencepiece",
        "pieces": [
            Piece(text, scores.get(text, 0.0), _kind(text, model.get("unk_token")))
            for text in sorted(model["vocab"], key=model["vocab"].__getitem__)
        ],
        "add_dummy_prefix": prefix is not None,
        "prefix": prefix or "each",
        "add_bos": bool(before),
        "add_eos": bool(after),
    }


def _kind(text: str, unknown: str | None) -> int:
    if text == unknown:
        return UNKNOWN
    is_byte = len(text) == 6 and text.startswith("<0x") and text.endswith(">")
    return BYTE if is_byte else NORMAL


def _prefix(normalizer: Any, pre_tokenizer: Any) -> str | None:
    """Which stretches of text get a space in front, by the steps of Llama files; None: none."""
    if normalizer is None and (pre_tokenizer or {}).get("type") == "Metaspace":
        scheme = pre_tokenizer.get("prepend_scheme", "always")
        if pre_tokenizer.get("replacement") == SPACE and not pre_tokenizer.get("split", True):
            return {"always": "missing", "first": "first"}.get(scheme)
    steps = (normalizer or {}).get("normalizers", [normalizer])
    prepend = {"type": "Prepend", "prepend": SPACE}
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
    merges_spaces = {"type": "Split", "pattern": {"String": " "}}
    known = pre_tokenizer is None or merges_spaces.items() <= pre_tokenizer.items()
    if steps not in ([prepend, replace], [replace]) or not known:
        raise ValueError(
            f"tokenizer.json prepares text in a way that is not known here (normalizer "
            f"{normalizer!r}, pre-tokenizer {pre_tokenizer!r}); put the model's tokenizer.model "
            f"beside it, which is preferred"
        )
    return "each" if len(steps) == 2 else None


def _scores(vocab: dict[str, int], merges: Sequence[tuple[str, ...]]) -> dict[str, float]:
    """A score for every merged piece: minus the place of its merges among all of them."""
    joined = ["".join(merge) for merge in merges]
    scores: dict[str, float] = {}
    for i, text in enumerate(joined):
        if i and joined[i - 1] != text and text in scores:
            raise ValueError(f"the merges for {text!r} do not stand together: no score says that")
        scores.setdefault(text, float(-len(scores)))
    ways = Counter(joined)
    for text in scores:
        count = sum(text[:k] in vocab and text[k:] in vocab for k in range(1, len(text)))
        if count != ways[text]:
            raise ValueError(f"{text!r} can be made in {count} ways, the merges have {ways[text]}")
    return scores


def _configured(
    folder: Path, values: dict[str, Any], added: Iterable[dict[str, Any]]
) -> SentencePieceTokenizer:
    """The tokenizer with what the folder's other files say."""
    config: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        config |= read_json(folder / name) if (folder / name).is_file() else {}
    listed = {int(i): token for i, token in (config.get("added_tokens_decoder") or {}).items()}
    listed |= {token["id"]: token for token in added}
    pieces = [Piece(*piece) for piece in values["pieces"]]
    for i, token in sorted(listed.items()):
        pieces += [Piece(f"[PAD{k}]", 0.0, UNUSED) for k in range(len(pieces), i + 1)]
        if pieces[i].kind != UNKNOWN:
            special = token.get("special", False)
            pieces[i] = Piece(token["content"], 0.0, CONTROL if special else USER_DEFINED)
    values["pieces"] = pieces
    id_of = {piece.text: i for i, piece in enumerate(pieces)}
    for role in ("bos", "eos"):
        token = config.get(f"{role}_token")
        text = token.get("content") if isinstance(token, dict) else token
        values[f"{role}_id"] = id_of.get(str(text), values.get(f"{role}_id"))
    values["user_defined_apart"] = values["add_dummy_prefix"]
    for role in ("bos", "eos"):
        told = config.get(f"add_{role}_token")
        values[f"add_{role}"] = values[f"add_{role}"] if told is None else bool(told)
    values["stop_ids"] = [i for i in stop_ids(folder) if i < len(pieces)]
    values["chat_template"] = template(folder, config)
    return SentencePieceTokenizer.from_dict(values)

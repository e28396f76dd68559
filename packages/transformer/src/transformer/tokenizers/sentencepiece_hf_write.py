"""SentencePiece as a folder that ``transformers`` reads, with the same ids.

``tokenizer.model`` keeps everything SentencePiece knows. ``tokenizer.json`` says the same in
merges, for ``transformers``: its own reading of ``tokenizer.model`` loses a space at a text's
beginning.
"""

from pathlib import Path
from typing import Any

from transformer.io.json_file import write_json
from transformer.tokenizers.model_file import save_sentencepiece
from transformer.tokenizers.pieces import BYTE, CONTROL, NORMAL, SPACE, USER_DEFINED
from transformer.tokenizers.sentencepiece import SentencePieceTokenizer


def save_hf_sentencepiece(tokenizer: SentencePieceTokenizer, folder: str | Path) -> None:
    """Write ``tokenizer.model``, ``tokenizer.json`` and ``tokenizer_config.json`` into a folder.

    Raises ValueError for what ``tokenizer.json`` cannot say: extra spaces taken out, spaces after
    words.

    >>> import tempfile
    >>> from transformer.tokenizers import load_tokenizer
    >>> folder = tempfile.mkdtemp()
    >>> pieces = [("<unk>", 0, 2), *((f"<0x{b:02X}>", 0, 6) for b in range(256)), ("\u2581", -1)]
    >>> save_hf_sentencepiece(SentencePieceTokenizer(pieces), folder)
    >>> load_tokenizer(folder).encode("A")
    [257, 66]
    """
    if tokenizer.remove_extra_whitespaces or tokenizer.whitespace_suffix:
        raise ValueError(
            "tokenizer.json cannot say that extra spaces are taken out or that a space follows a "
            "word; write tokenizer.model alone (save_sentencepiece)"
        )
    unknown = None if tokenizer.unknown_id is None else tokenizer.pieces[tokenizer.unknown_id].text
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if tokenizer.prefix == "each":  # which is all that the format knows
        save_sentencepiece(tokenizer, folder / "tokenizer.model")
    texts = _texts(tokenizer)
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": unknown,
        "add_bos_token": tokenizer.add_bos,
        "add_eos_token": tokenizer.add_eos,
        "clean_up_tokenization_spaces": False,
    }
    for role, i in (("bos_token", tokenizer.bos_id), ("eos_token", tokenizer.eos_id)):
        config |= {role: texts[i]} if i is not None else {}
    if tokenizer.chat_template is not None:
        config["chat_template"] = tokenizer.chat_template
    write_json(folder / "tokenizer.json", _json(tokenizer, texts))
    write_json(folder / "tokenizer_config.json", config)


def _texts(tokenizer: SentencePieceTokenizer) -> list[str]:
    """The pieces' texts, with U+2581 for a space."""
    named = (BYTE, CONTROL)
    return [
        piece.text if piece.kind in named else piece.text.replace(tokenizer.space, SPACE)
        for piece in tokenizer.pieces
    ]


def _json(tokenizer: SentencePieceTokenizer, texts: list[str]) -> dict[str, Any]:
    """What ``tokenizer.json`` holds."""
    replace = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
    back = {"type": "Replace", "pattern": {"String": SPACE}, "content": " "}
    before: list[Any] = []
    strip: list[Any] = []
    if tokenizer.add_dummy_prefix:
        before = [{"type": "Prepend", "prepend": SPACE}] * (tokenizer.prefix == "each")
        strip = [{"type": "Strip", "content": " ", "start": 1, "stop": 0}]
    kinds = [piece.kind for piece in tokenizer.pieces]
    scheme = {"missing": "always", "first": "first"}.get(tokenizer.prefix) if strip else None
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            _added(i, text, kinds[i]) for i, text in enumerate(texts) if kinds[i] in _ADDED
        ],
        "normalizer": None if scheme else {"type": "Sequence", "normalizers": [*before, replace]},
        "pre_tokenizer": _metaspace(scheme) if scheme else None,
        "post_processor": _around(tokenizer, texts),
        "decoder": {
            "type": "Sequence",
            "decoders": [back, {"type": "ByteFallback"}, {"type": "Fuse"}, *strip],
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None if tokenizer.unknown_id is None else texts[tokenizer.unknown_id],
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": BYTE in kinds,
            "ignore_merges": False,
            "vocab": {text: i for i, text in enumerate(texts)},
            "merges": _merges(tokenizer, texts),
        },
    }


def _metaspace(scheme: str) -> dict[str, Any]:
    return {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": scheme, "split": False}


_ADDED = (CONTROL, USER_DEFINED)


def _added(i: int, text: str, kind: int) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {"id": i, "content": text, **flags, "special": kind == CONTROL}


def _merges(tokenizer: SentencePieceTokenizer, texts: list[str]) -> list[list[str]]:
    """Every way to make each piece of two others, the piece with the best score first."""
    normal = {i for i, piece in enumerate(tokenizer.pieces) if piece.kind == NORMAL}
    known = {texts[i] for i in normal}
    return [
        [texts[i][:k], texts[i][k:]]
        for i in sorted(normal, key=lambda i: -tokenizer.pieces[i].score)
        for k in range(1, len(texts[i]))
        if texts[i][:k] in known and texts[i][k:] in known
    ]


def _around(tokenizer: SentencePieceTokenizer, texts: list[str]) -> dict[str, Any] | None:
    """What puts BOS and EOS around a text."""
    bos = tokenizer.bos_id if tokenizer.add_bos else None
    eos = tokenizer.eos_id if tokenizer.add_eos else None
    if bos is None and eos is None:
        return None

    def token(i: int | None, side: int) -> list[dict[str, Any]]:
        return [{"SpecialToken": {"id": texts[i], "type_id": side}}] if i is not None else []

    first, second = ({"Sequence": {"id": name, "type_id": i}} for i, name in enumerate("AB"))
    single = [*token(bos, 0), first, *token(eos, 0)]
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, *token(bos, 1), second, *token(eos, 1)],
        "special_tokens": {
            texts[i]: {"id": texts[i], "ids": [i], "tokens": [texts[i]]}
            for i in (bos, eos)
            if i is not None
        },
    }

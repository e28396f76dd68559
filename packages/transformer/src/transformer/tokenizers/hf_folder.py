"""A folder of Hugging Face's: the tokenizer's own file, and what stands beside it.

``tokenizer_config.json``, ``special_tokens_map.json`` and ``generation_config.json`` say which
tokens begin and end a text, and hold the chat template, which may also be ``chat_template.jinja``.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformer.io.json_file import read_json, write_json
from transformer.tokenizers import gpt2, hf_json
from transformer.tokenizers.added import AddedToken
from transformer.tokenizers.byte_alphabet import from_printable

if TYPE_CHECKING:
    from transformer.tokenizers.bpe import BPETokenizer


def load(folder: Path, values: dict[str, Any] | None) -> "BPETokenizer":
    """The tokenizer of a folder whose ``tokenizer.json`` holds ``values``; None: of GPT-2's files.

    Raises ValueError, naming what is not known here.

    >>> import tempfile
    >>> from transformer import BPETokenizer
    >>> folder = Path(tempfile.mkdtemp())
    >>> save(BPETokenizer.train("to be to be", 258), folder)
    >>> load(folder, read_json(folder / "tokenizer.json")).encode("to be")
    [257, 220, 256]
    """
    from transformer.tokenizers.bpe import BPETokenizer

    try:
        return BPETokenizer(**_settings(folder, values))
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from None
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(hf_json.misshapen(folder, error)) from None


def _settings(folder: Path, values: dict[str, Any] | None) -> dict[str, Any]:
    """The arguments of ``BPETokenizer`` that the files of the folder give together."""
    settings = gpt2.settings(folder) if values is None else hf_json.settings_of(values)
    config = _read(folder, "special_tokens_map.json") | _read(folder, "tokenizer_config.json")
    _add_tokens(settings, config.get("added_tokens_decoder") or _added_of_old(folder, config))
    for role in ("bos", "eos"):
        settings[role] = _text(config.get(f"{role}_token")) or settings.get(role)
    if values is None:
        _surround(settings, config)
    ids = {*settings["vocab"].values(), *(token.id for token in settings["added_tokens"])}
    ids |= set(settings.get("special_tokens", {}).values())
    # A model's default eos may lie outside a small vocabulary: no text can end with it.
    settings["stop"] = [i for i in stop_ids(folder) if i in ids]
    settings["chat_template"] = template(folder, config)
    return settings


def save(tokenizer: "BPETokenizer", path: str | Path) -> None:
    """Write ``tokenizer.json`` to a file ``*.json``, or with its companion into a folder.

    The tokens of ``stop`` belong into ``generation_config.json``, which is the model's to write.

    >>> import tempfile
    >>> from transformer import BPETokenizer
    >>> folder = Path(tempfile.mkdtemp())
    >>> save(BPETokenizer.train("to be to be", 258), folder)
    >>> sorted(file.name for file in folder.iterdir())
    ['tokenizer.json', 'tokenizer_config.json']
    """
    path = Path(path)
    if path.suffix == ".json":
        hf_json.write(tokenizer, path)
        return
    path.mkdir(parents=True, exist_ok=True)
    hf_json.write(tokenizer, path / "tokenizer.json")
    config: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast"}
    for role, i in (("bos", tokenizer.bos_id), ("eos", tokenizer.eos_id)):
        if i is not None:
            config[f"{role}_token"] = tokenizer.decode([i])
    if tokenizer.chat_template is not None:
        config["chat_template"] = tokenizer.chat_template
    config["clean_up_tokenization_spaces"] = False  # ids decode to the text they came from
    write_json(path / "tokenizer_config.json", config)


def _read(folder: Path, name: str) -> dict[str, Any]:
    """The content of a file that may be missing."""
    return read_json(folder / name) if (folder / name).is_file() else {}


def _text(token: Any) -> str | None:
    """The text of a token, which stands there by itself or among its properties."""
    return token.get("content") if isinstance(token, dict) else token


def _add_tokens(settings: dict[str, Any], listed: dict[str, Any]) -> None:
    """Add the tokens that only the configuration names."""
    added = list(settings.get("added_tokens", ()))
    known = {token.text for token in added} | set(settings.get("special_tokens", {}))
    for i, token in listed.items():
        if token["content"] in known:
            continue
        name = from_printable(token["content"])
        if settings["vocab"].get(name) == int(i):
            del settings["vocab"][name]
        values = {flag: bool(token.get(flag, False)) for flag in hf_json.FLAGS}
        added.append(AddedToken(token["content"], int(i), **values))
    settings["added_tokens"] = added


def _added_of_old(folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    """The tokens of ``added_tokens.json``, which older folders have, as newer ones list them."""
    special = {_text(token) for token in config.get("additional_special_tokens") or ()}
    special |= {_text(config.get(f"{role}_token")) for role in ("bos", "eos", "unk", "pad")}
    return {
        str(i): {"content": text, "special": text in special}
        for text, i in _read(folder, "added_tokens.json").items()
    }


def _surround(settings: dict[str, Any], config: dict[str, Any]) -> None:
    """What ``add_special`` adds, where there is no ``tokenizer.json`` to say it."""
    for role, side in (("bos", "before"), ("eos", "after")):
        name = settings[role]
        if config.get(f"add_{role}_token") and name in settings["special_tokens"]:
            settings[side] = [settings["special_tokens"][name]]


def stop_ids(folder: Path) -> list[int]:
    """The ids that end an answer by the model's own account.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_json(folder / "generation_config.json", {"eos_token_id": [2, 7]})
    >>> stop_ids(folder)
    [2, 7]
    """
    for name in ("generation_config.json", "config.json"):
        ids = _read(folder, name).get("eos_token_id")
        if ids is not None:
            return [ids] if isinstance(ids, int) else list(ids)
    return []


def template(folder: Path, config: dict[str, Any]) -> str | None:
    """The chat template; of several, the one called default.

    >>> import tempfile
    >>> template(Path(tempfile.mkdtemp()), {"chat_template": "{{ messages[0].content }}"})
    '{{ messages[0].content }}'
    """
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    template = config.get("chat_template", _read(folder, "chat_template.json").get("chat_template"))
    if isinstance(template, list):
        named = {entry["name"]: entry["template"] for entry in template}
        return named.get("default", next(iter(named.values()), None))
    return template

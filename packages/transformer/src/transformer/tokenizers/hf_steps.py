"""The steps of a ``tokenizer.json`` around its model, as what ``BPETokenizer`` takes for them."""

import re
from typing import Any

from transformer.tokenizers.oniguruma import from_oniguruma, to_oniguruma
from transformer.tokenizers.patterns import DIGITS, GPT2, NUMBERS, Split

Step = dict[str, Any] | None
_FORMS = ("NFC", "NFD", "NFKC", "NFKD")
_PUNCTUATION = r"[\p{P}!-/:-@\[-`{-~]"
_BEHAVIORS = {
    "Isolated": "isolated",
    "Removed": "removed",
    "Contiguous": "contiguous",
    "MergedWithPrevious": "merged_with_previous",
    "MergedWithNext": "merged_with_next",
}


def normal_form(normalizer: Step) -> Any:
    """The Unicode normal form that a normalizer brings texts into, None for none.

    Raises ValueError for a normalizer that does anything else.

    >>> normal_form({"type": "Sequence", "normalizers": [{"type": "NFC"}]})
    'NFC'
    """
    parts = [part["type"] for part in _flat(normalizer, "normalizers")]
    if not parts:
        return None
    if len(parts) > 1 or parts[0] not in _FORMS:
        raise ValueError(
            f"the normalizer {' and '.join(parts)} is not known here (known: {', '.join(_FORMS)})"
        )
    return parts[0]


def cuts(pre_tokenizer: Step) -> tuple[list[Split], bool]:
    """How a pre-tokenizer cuts a text, and whether it puts a space in front.

    Raises ValueError for one that does not end in bytes, or does anything that is not known here.

    >>> cuts({"type": "ByteLevel", "add_prefix_space": False}) == ([GPT2], False)
    True
    """
    parts = _flat(pre_tokenizer, "pretokenizers")
    kinds = [part["type"] for part in parts]
    if kinds.count("ByteLevel") != 1 or kinds[-1] != "ByteLevel":
        raise ValueError(
            f"the pre-tokenizer is {' and '.join(kinds) or 'none'}; byte-level BPE ends with "
            "ByteLevel, and other kinds are not read from tokenizer.json"
        )
    bytes_step = parts.pop()
    prefix_space = bool(bytes_step.get("add_prefix_space", True))
    if prefix_space and parts:
        raise ValueError("a space in front of every piece of a text is not known here")
    splits = [_cut(part) for part in parts]
    return splits + [GPT2] * bool(bytes_step.get("use_regex", True)), prefix_space


def _cut(part: dict[str, Any]) -> Split:
    """One step that cuts."""
    kind = part["type"]
    if kind == "Digits":
        return DIGITS if part.get("individual_digits") else NUMBERS
    if kind == "Punctuation":
        return Split(_PUNCTUATION, _behavior(part.get("behavior", "Isolated")))
    if kind != "Split":
        raise ValueError(f"the pre-tokenizer {kind} is not known here")
    ((how, pattern),) = part["pattern"].items()
    pattern = re.escape(pattern) if how == "String" else from_oniguruma(pattern)
    return Split(pattern, _behavior(part["behavior"]), bool(part.get("invert")))


def _behavior(name: str) -> str:
    if name not in _BEHAVIORS:
        raise ValueError(f"a pre-tokenizer splits {name!r} (known: {', '.join(_BEHAVIORS)})")
    return _BEHAVIORS[name]


def written_cuts(splits: tuple[Split, ...], prefix_space: bool) -> dict[str, Any]:
    """The pre-tokenizer that cuts as ``splits`` do, and turns the words into bytes.

    Raises ValueError for a space in front of anything but GPT-2's pattern.

    >>> written_cuts((GPT2,), False)["type"]
    'ByteLevel'
    """
    if prefix_space and splits != (GPT2,):
        raise ValueError("tokenizer.json puts a space in front only with GPT-2's pattern")
    gpt2 = bool(splits) and splits[-1] == GPT2
    bytes_step = {
        "type": "ByteLevel",
        "add_prefix_space": prefix_space,
        "trim_offsets": True,
        "use_regex": gpt2,
    }
    parts = [_written_cut(split) for split in (splits[:-1] if gpt2 else splits)]
    if not parts:
        return bytes_step
    return {"type": "Sequence", "pretokenizers": [*parts, bytes_step]}


def _written_cut(split: Split) -> dict[str, Any]:
    if split in (DIGITS, NUMBERS):
        return {"type": "Digits", "individual_digits": split == DIGITS}
    behavior = next(name for name, ours in _BEHAVIORS.items() if ours == split.behavior)
    return {
        "type": "Split",
        "pattern": {"Regex": to_oniguruma(split.pattern)},
        "behavior": behavior,
        "invert": split.invert,
    }


def surroundings(post_processor: Step) -> tuple[list[int], list[int]]:
    """The ids that a post-processor puts before and after a text.

    Raises ValueError for one that is not known here.

    >>> surroundings({"type": "RobertaProcessing", "cls": ["<s>", 0], "sep": ["</s>", 2]})
    ([0], [2])
    """
    before: list[int] = []
    after: list[int] = []
    for part in _flat(post_processor, "processors"):
        left, right = _around(part)
        before, after = left + before, after + right
    return before, after


def _around(part: dict[str, Any]) -> tuple[list[int], list[int]]:
    """The ids that one step puts around a text."""
    kind = part["type"]
    if kind == "ByteLevel":  # changes offsets alone
        return [], []
    if kind in ("RobertaProcessing", "BertProcessing"):
        return [part["cls"][1]], [part["sep"][1]]
    if kind != "TemplateProcessing":
        raise ValueError(f"the post-processor {kind} is not known here")
    sides: tuple[list[int], list[int]] = [], []
    passed = 0  # 1 once the text itself has come
    for piece in part["single"]:
        if "Sequence" in piece:
            passed = 1
        else:
            sides[passed].extend(part["special_tokens"][piece["SpecialToken"]["id"]]["ids"])
    return sides


def _flat(step: Step, inner: str) -> list[dict[str, Any]]:
    """The single steps of one that may be a sequence of steps."""
    if step is None:
        return []
    if step.get("type") == "Sequence":
        return [part for nested in step[inner] for part in _flat(nested, inner)]
    return [step]

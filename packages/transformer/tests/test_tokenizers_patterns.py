"""Where texts are cut: the named patterns on the cases they are known for, and what cuts keep."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transformer.tokenizers import PATTERNS, Split, patterns
from transformer.tokenizers.oniguruma import from_oniguruma, to_oniguruma
from transformer.tokenizers.patterns import splits_of, words_of

texts = st.text(alphabet=st.characters()) | st.text(alphabet="aB1'slLt .\n\r\té語")


@pytest.mark.parametrize("name", PATTERNS)
@given(text=texts)
def test_words_join_to_the_text(name, text):
    words = [*words_of(name)(text)]
    assert "".join(words) == text
    assert "" not in words


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("gpt2", "We'll see 2024, we'LL", ["We", "'ll", " see", " 2024", ",", " we", "'", "LL"]),
        ("gpt2", "a  b \n c", ["a", " ", " b", " \n", " c"]),
        (
            "gpt4",
            "We'll see 2024, we'LL",
            ["We", "'ll", " see", " ", "202", "4", ",", " we", "'LL"],
        ),
        ("gpt4", "f(x)\n\n  y", ["f", "(x", ")\n\n", " ", " y"]),
        ("gpt4", "end\n  ", ["end", "\n  "]),
        ("llama3", "end\n  ", ["end", "\n", "  "]),
        ("llama3", "12345", ["123", "45"]),
        ("qwen2", "12345", [*"12345"]),
        ("smollm", "a 12.5", ["a", " ", "1", "2", ".", "5"]),
        ("o200k", "HelloWorld ABCd don't", ["Hello", "World", " ABCd", " don't"]),
        ("o200k", "e\u0301t\u00e9 a/b//\n", ["e\u0301t\u00e9", " a", "/b", "//\n"]),
    ],
)
def test_known_cases(name, text, words):
    assert [*words_of(name)(text)] == words


@pytest.mark.parametrize(
    ("behavior", "invert", "words"),
    [
        ("isolated", False, ["a", ".", ".", "b", "."]),
        ("removed", False, ["a", "b"]),
        ("removed", True, [".", ".", "."]),
        ("contiguous", False, ["a", "..", "b", "."]),
        ("merged_with_previous", False, ["a.", ".", "b."]),
        ("merged_with_next", False, ["a", ".", ".b", "."]),
    ],
)
def test_behaviours_at_a_match(behavior, invert, words):
    assert [*words_of(Split(r"\.", behavior, invert))("a..b.")] == words


def test_gaps_between_matches_and_groups_are_words_too():
    assert [*words_of(r"\d+")("ab12c")] == ["ab", "12", "c"]
    assert [*words_of(r"(\d)(\d)?|b*")("ab123")] == ["a", "b", "12", "3"]


def test_several_cuts_follow_each_other():
    assert [*words_of((r"\d", "gpt2"))("a b12 c")] == ["a", " b", "1", "2", " c"]
    assert splits_of(("gpt2", Split("x"))) == (*PATTERNS["gpt2"], Split("x"))
    assert [*words_of(())("a b")] == ["a b"]


def test_long_texts_are_cut_one_word_at_a_time(monkeypatch):
    text = "to be or not to be"
    whole = words_of("gpt2")(text)
    monkeypatch.setattr(patterns, "LONG", 5)
    lazy = words_of("gpt2")(text)
    assert not isinstance(lazy, list)
    assert [*lazy] == whole


def test_what_is_no_pattern():
    with pytest.raises(ValueError, match=r"'\(' is no regular expression: missing \)"):
        words_of("(")
    with pytest.raises(ValueError, match="unknown behavior 'kept'; known: isolated"):
        Split("a", "kept")


@pytest.mark.parametrize("pattern", [split.pattern for s in PATTERNS.values() for split in s])
def test_named_patterns_go_to_oniguruma_and_back(pattern):
    assert from_oniguruma(to_oniguruma(pattern)) == pattern


@pytest.mark.parametrize(
    "pattern", [r"\h", r"a{2,3}+", r"a{2}?", r"[a--b]", r"[a||b]", "(?m:.)", "(?s)a", r"\X"]
)
def test_what_the_two_dialects_read_differently_is_refused(pattern):
    for translate in (from_oniguruma, to_oniguruma):
        if pattern == "(?m:.)" and translate is to_oniguruma:
            continue
        with pytest.raises(ValueError, match="means something else"):
            translate(pattern)

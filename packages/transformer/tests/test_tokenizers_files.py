"""Tokenizers from files: tokenizer.json, Hugging Face's folders, GPT-2's two files; refusals."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transformer import BPETokenizer, ByteTokenizer, load_text, load_tokenizer
from transformer.tokenizers import AddedToken
from transformer.tokenizers.byte_alphabet import printable
from transformer.tokenizers.hf_json import content_of, settings_of

TRAINED = BPETokenizer.train(load_text()[:8_000], 330, "llama3", ["<|end|>", "<|pad|>"])
TEXTS = ["", "the end<|end|> of it", " a\n\n  b", "naïve 語 👍🏽 \ud800", "12345"]


def write(path, content):
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("pattern", ["gpt2", "gpt4", "o200k", "llama3", "qwen2", "smollm", r"\S+"])
def test_a_saved_file_is_the_same_tokenizer(pattern, tmp_path):
    tokenizer = BPETokenizer.train(load_text()[:3_000], 300, pattern, ["<|end|>"])
    tokenizer.save(tmp_path / "any.json")
    assert load_tokenizer(tmp_path / "any.json") == tokenizer
    assert [path.name for path in tmp_path.iterdir()] == ["any.json"]


added_tokens = st.lists(
    st.tuples(st.text("<|xé語 |>", min_size=2, max_size=5), *[st.booleans()] * 5),
    unique_by=lambda token: token[0],
    max_size=4,
)


@settings(max_examples=30)
@given(added_tokens, st.sampled_from([None, "NFC", "NFKD"]), st.booleans())
def test_files_keep_added_tokens_and_settings(added, form, ignore):
    tokens = [AddedToken(text, 400 + i, *flags) for i, (text, *flags) in enumerate(added)]
    tokenizer = BPETokenizer(
        TRAINED.vocab,
        TRAINED.merges,
        "llama3",
        added_tokens=tokens,
        normalizer=form,
        ignore_merges=ignore,
        before=[token.id for token in tokens[:1]],
        after=[0],
    )
    content = json.loads(json.dumps(content_of(tokenizer)))
    assert BPETokenizer(**settings_of(content)) == tokenizer


def test_a_folder_says_which_tokens_begin_and_end_and_has_the_template(tmp_path):
    TRAINED.save(tmp_path)
    config = {
        "bos_token": {"content": "<|pad|>", "special": True},
        "eos_token": "<|end|>",
        "chat_template": [
            {"name": "tools", "template": "T"},
            {"name": "default", "template": "{{ messages }}"},
        ],
        "added_tokens_decoder": {"400": {"content": "<|more|>", "special": True, "lstrip": True}},
    }
    write(tmp_path / "tokenizer_config.json", config)
    write(tmp_path / "generation_config.json", {"eos_token_id": [3, 328, 9999]})
    tokenizer = load_tokenizer(tmp_path)
    special = TRAINED.special_tokens
    assert (tokenizer.bos_id, tokenizer.eos_id) == (special["<|pad|>"], special["<|end|>"])
    assert tokenizer.stop_ids == {3, 328, special["<|end|>"]}
    assert tokenizer.chat_template == "{{ messages }}"
    assert tokenizer.encode("a <|more|>") == [*tokenizer.encode("a"), 400]
    for text in TEXTS:
        assert tokenizer.encode(text) == TRAINED.encode(text)


def test_other_places_for_the_template_and_the_tokens(tmp_path):
    TRAINED.save(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    write(tmp_path / "special_tokens_map.json", {"eos_token": {"content": "<|pad|>"}})
    write(tmp_path / "config.json", {"eos_token_id": 5})
    write(tmp_path / "chat_template.json", {"chat_template": "from json"})
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.chat_template == "from json"
    assert tokenizer.stop_ids == {5, TRAINED.special_tokens["<|pad|>"], *TRAINED.stop_ids}
    (tmp_path / "chat_template.jinja").write_text("from jinja\n", encoding="utf-8")
    assert BPETokenizer.load(tmp_path).chat_template == "from jinja\n"


def gpt2_files(folder, ids="encoder.json", merges="vocab.bpe", version="#version: 0.2\n"):
    """A vocabulary as GPT-2's two files."""
    trained = BPETokenizer.train(load_text()[:8_000], 320, "gpt2", ["<|endoftext|>"])
    vocab = {printable(token): i for token, i in trained.vocab.items()}
    write(folder / ids, vocab | trained.special_tokens)
    lines = [f"{printable(left)} {printable(right)}\n" for left, right in trained.merges]
    (folder / merges).write_text(version + "".join(lines), encoding="utf-8")
    return trained


@pytest.mark.parametrize(
    ("ids", "merges"),
    [("encoder.json", "vocab.bpe"), ("vocab.json", "merges.txt"), ("x-vocab.json", "x-merges.txt")],
)
def test_gpt2s_two_files(ids, merges, tmp_path):
    trained = gpt2_files(tmp_path, ids, merges)
    places = [tmp_path / ids, tmp_path / merges, *([] if ids[0] == "x" else [tmp_path])]
    for place in places:
        tokenizer = load_tokenizer(place)
        assert tokenizer.eos_id == tokenizer.bos_id == trained.special_tokens["<|endoftext|>"]
        for text in TEXTS:
            assert tokenizer.encode(text) == trained.encode(text)


def test_gpt2s_two_files_with_a_configuration(tmp_path):
    trained = gpt2_files(tmp_path, "vocab.json", "merges.txt", version="")
    config = {
        "add_bos_token": True,
        "bos_token": "<|endoftext|>",
        "added_tokens_decoder": {"321": {"content": "<|x|>", "special": False}},
    }
    write(tmp_path / "tokenizer_config.json", config)
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.merges == trained.merges
    assert tokenizer.encode("a<|x|>", add_special=True) == [319, *trained.encode("a"), 321]
    assert tokenizer.special_tokens == {"<|endoftext|>": 319}


def test_the_added_tokens_of_older_folders(tmp_path):
    trained = gpt2_files(tmp_path, "vocab.json", "merges.txt")
    write(tmp_path / "added_tokens.json", {"  ": 320, "<|sep|>": 321})
    write(tmp_path / "special_tokens_map.json", {"additional_special_tokens": ["<|sep|>"]})
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.encode("a  a<|sep|>") == [*trained.encode("a"), 320, *trained.encode("a"), 321]
    assert tokenizer.special_tokens == {"<|endoftext|>": 319, "<|sep|>": 321}


def without(content, path, value):
    """``content`` with another value at ``path``."""
    changed = copy.deepcopy(content)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


STEPS = "pre_tokenizer", "pretokenizers"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("model", "type"), "Unigram", "the model is 'Unigram'; only byte-level BPE"),
        (("model", "type"), "WordPiece", "the model is 'WordPiece'; only byte-level BPE"),
        (("model", "dropout"), 0.1, "the model has dropout=0.1, which is not known here"),
        (("model", "end_of_word_suffix"), "</w>", "end_of_word_suffix='</w>'"),
        (("model", "continuing_subword_prefix"), "##", "continuing_subword_prefix='##'"),
        (("model", "byte_fallback"), True, "prepares text in a way that is not known"),
        (("model", "merges"), ["a b c"], "'a b c' is no merge of two tokens"),
        (("model", "merges"), [["語", "b"]], "is not in the vocabulary"),
        (("normalizer",), {"type": "Lowercase"}, "the normalizer Lowercase is not known here"),
        (
            ("normalizer",),
            {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "NFD"}]},
            "the normalizer NFC and NFD",
        ),
        (("pre_tokenizer",), None, "the pre-tokenizer is none; byte-level BPE ends with ByteLevel"),
        (("pre_tokenizer",), {"type": "Metaspace"}, "the pre-tokenizer is Metaspace"),
        ((*STEPS, 0), {"type": "Whitespace"}, "the pre-tokenizer Whitespace is not known here"),
        ((*STEPS, 0), {"type": "ByteLevel"}, "ByteLevel and ByteLevel"),
        ((*STEPS, 0, "behavior"), "Kept", "a pre-tokenizer splits 'Kept'"),
        ((*STEPS, 0, "pattern"), {"Regex": r"\h+"}, "means something else to the library"),
        ((*STEPS, 0, "pattern"), {"Regex": "("}, "is no regular expression"),
        ((*STEPS, 1, "add_prefix_space"), True, "a space in front of every piece of a text"),
        (("post_processor",), {"type": "Other"}, "the post-processor Other is not known here"),
        (("added_tokens",), [{"id": 165, "content": "é"}], r"id 165 means both b'\\xe9' and"),
    ],
)
def test_what_would_give_other_ids_is_refused(path, value, said, tmp_path):
    file = write(tmp_path / "tokenizer.json", without(content_of(TRAINED), path, value))
    with pytest.raises(ValueError, match=said) as error:
        load_tokenizer(file)
    assert str(file.parent) in str(error.value)


def test_bytes_without_a_token_are_left_out_as_files_mean_it(tmp_path):
    vocab = {token: i for token, i in TRAINED.vocab.items() if token not in (b"\x04", b"\xc3")}
    refusing = BPETokenizer(vocab, TRAINED.merges)
    with pytest.raises(ValueError, match="no token for the byte 0x04"):
        refusing.encode("t\x04h")
    with pytest.raises(ValueError, match="leaves out bytes that have no token"):
        refusing.save(tmp_path / "t.json")
    dropping = BPETokenizer(vocab, TRAINED.merges, drop_unknown=True)
    dropping.save(tmp_path / "t.json")
    for tokenizer in (dropping, load_tokenizer(tmp_path / "t.json")):
        assert tokenizer.decode(tokenizer.encode("\x04of t\x04he")) == "of the"
        assert tokenizer.encode(" \x04t") == tokenizer.encode(" \x04") + tokenizer.encode("t")
        assert tokenizer.encode("t\x04h") == TRAINED.encode("t") + TRAINED.encode("h")
    content = content_of(dropping)
    content["model"]["unk_token"] = "<unk>"
    with pytest.raises(ValueError, match="an unknown token in the place of bytes"):
        load_tokenizer(write(tmp_path / "t.json", content))


def test_what_the_format_cannot_hold_is_not_written(tmp_path):
    spaced = BPETokenizer(TRAINED.vocab, [], "llama3", add_prefix_space=True)
    with pytest.raises(ValueError, match="a space in front only with GPT-2's pattern"):
        spaced.save(tmp_path / "t.json")
    twice = BPETokenizer(TRAINED.vocab, TRAINED.merges, "llama3", {"in": 500})
    with pytest.raises(ValueError, match=r"both the token 'in' \(id \d+\) and the added token"):
        twice.save(tmp_path / "t.json")
    assert not any(tmp_path.iterdir())


def test_a_failed_save_leaves_the_old_file(tmp_path):
    TRAINED.save(tmp_path / "t.json")
    broken = BPETokenizer(TRAINED.vocab, [], r"a{2,3}+")
    with pytest.raises(ValueError, match="means something else"):
        broken.save(tmp_path / "t.json")
    assert load_tokenizer(tmp_path / "t.json") == TRAINED


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file or folder"):
        load_tokenizer(tmp_path / "none.json")
    with pytest.raises(FileNotFoundError, match=r"has no tokenizer \(looked for tokenizer.json"):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"model": {"vo', encoding="utf-8")
    with pytest.raises(ValueError, match=r"tokenizer\.json: is not JSON .* downloaded whole"):
        load_tokenizer(tmp_path)
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    with pytest.raises(ValueError, match=r"'notes\.txt' is no file of a tokenizer"):
        load_tokenizer(tmp_path / "notes.txt")
    write(tmp_path / "list.json", [1, 2])
    with pytest.raises(ValueError, match="expected a JSON object, found list"):
        load_tokenizer(tmp_path / "list.json")
    (tmp_path / "vocab.bpe").write_text("a b c\n", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"needs 'encoder\.json' beside it"):
        load_tokenizer(tmp_path / "vocab.bpe")
    write(tmp_path / "encoder.json", {"a": 0})
    with pytest.raises(ValueError, match="line 1, 'a b c' is no merge of two tokens"):
        load_tokenizer(tmp_path / "vocab.bpe")
    write(tmp_path / "bytes.json", ByteTokenizer().to_dict())
    with pytest.raises(ValueError, match="holds a ByteTokenizer, no BPETokenizer"):
        BPETokenizer.load(tmp_path / "bytes.json")


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, [1], {"a": 1}])
@pytest.mark.parametrize("in_folder", [False, True])
def test_values_of_other_kinds_are_refused_or_read_but_never_crash(value, in_folder, tmp_path):
    file = tmp_path / "tokenizer.json"
    refused = 0
    for path in (
        ("added_tokens",),
        ("added_tokens", 0),
        ("model",),
        ("model", "vocab"),
        ("model", "merges"),
        ("normalizer",),
        ("pre_tokenizer",),
        ("post_processor",),
    ):
        values = {**content_of(TRAINED), "added_tokens": [{"id": 400, "content": "<x>"}]}
        write(file, without(values, path, value))
        try:
            load_tokenizer(tmp_path if in_folder else file).encode("to be<x>")
        except ValueError as error:
            assert str(tmp_path) in str(error) and "\n" not in str(error)
            refused += 1
    assert refused >= 4

"""Byte-level BPE beside the library `tokenizers`: the same merges, the same ids, the same files."""

import json
import random
import sysconfig
import unicodedata
from functools import cache
from pathlib import Path

import pytest
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import AutoTokenizer

from transformer import BPETokenizer, load_text, load_tokenizer
from transformer.tokenizers.byte_alphabet import printable

# The patterns as they were published, in Oniguruma's dialect.
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
GPT4 = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++\z|\s*[\r\n]|\s+(?!\S)|\s"
)
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_level(use_regex=True, prefix=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=use_regex)


def cutting(pattern):
    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    return pre_tokenizers.Sequence([split, byte_level(use_regex=False)])


CUTS = {
    "gpt2": byte_level(),
    "gpt4": cutting(GPT4),
    "llama3": cutting(LLAMA3),
    "qwen2": cutting(LLAMA3.replace("{1,3}", "")),
    "o200k": cutting(O200K),
    "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(True), byte_level()]),
}


@cache
def corpus():
    """Prose, code, and words of other scripts: some 250 kB."""
    code = Path(sysconfig.get_path("stdlib"), "argparse.py").read_text(encoding="utf-8")
    other = " ".join(unicodedata.name(chr(c), "") + chr(c) for c in range(0x300, 0xC00))
    return [load_text("python-reference")[:120_000], code[:50_000], other]


@cache
def library(name, vocab_size=1256):
    """The library's tokenizer, trained with the cuts of that name."""
    theirs = Tokenizer(models.BPE())
    theirs.pre_tokenizer = CUTS[name]
    theirs.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    theirs.train_from_iterator(
        corpus(),
        trainers.BpeTrainer(vocab_size=vocab_size, initial_alphabet=alphabet, show_progress=False),
    )
    return theirs


@cache
def ours(name):
    return BPETokenizer.train(corpus(), 1256, pattern=name)


def as_file(theirs, folder):
    """Our reading of the library's file."""
    theirs.save(str(folder / "tokenizer.json"))
    return load_tokenizer(folder / "tokenizer.json")


def as_library(tokenizer, folder):
    """The library's reading of our file."""
    tokenizer.save(folder / "ours.json")
    return Tokenizer.from_file(str(folder / "ours.json"))


# Characters of Unicode 3.2, which every later release has, but for one whose category changed.
OLD = [
    chr(c)
    for c in range(0x110000)
    if unicodedata.ucd_3_2_0.category(chr(c)) not in ("Cn", "Cs") and c != 0x295
]
ALPHABETS = [
    "ab '\n",
    "abAB sdmtlvreSDMTLVRE'ſK\n\r\t 12/",
    [chr(c) for c in range(256)],
    [*OLD[:3000], *"    ''\n\n"],
    "中文日本語カタカナ한국어 a1",
    ["👨‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "❤️", "\u200d", "\ufe0f", "a", " "],
    ["e\u0301", "\u0323", "\u0300", "é", "Å", "\u212b", "ﬁ", "क्ष", " ", "a"],
    ["\u0085", "\u00a0", "\u2003", "\u2028", "\u3000", "\x1c", "\x1f", "\r\n", "\n", " ", "a", "."],
    "العربية مَرْحَبًا ١٢٣ ½Ⅳ 12",
    OLD,
]
HARD = [
    "",
    " ",
    "\n",
    "a" * 5000,
    "é" * 3000,
    "ab" * 5000,
    "\U0001f600" * 300,
    " " * 4000,
    "\n" * 700 + " x",
    "words  with   runs    of \t\t spaces \r\n\r\n and lines\n \n  \n",
    "We'll it's I'M you'Re 'tis 'Ll X'ſ 12345678 3.14159 ½Ⅳ٣٤",
    b"\xff\xfe broken \xe4\xb8 utf-8 \xf0\x9f\x98 \xc3(".decode("utf-8", "replace"),
    bytes(range(256)).decode("latin-1"),
    "def f(x):\n\treturn {**x, 'a': [1_000, 0xFF]}  # ok\r\n",
]


def random_texts(count, seed):
    draw = random.Random(seed)
    return [
        "".join(draw.choices(ALPHABETS[i % len(ALPHABETS)], k=draw.randrange(40)))
        for i in range(count)
    ]


def assert_same(tokenizer, theirs, texts):
    for text, encoding in zip(texts, theirs.encode_batch_fast(texts), strict=True):
        ids = tokenizer.encode(text, add_special=True)
        assert ids == encoding.ids, text
        assert tokenizer.decode(ids) == theirs.decode(ids, skip_special_tokens=False), text


@pytest.mark.parametrize("name", CUTS)
def test_training_gives_the_librarys_merges_and_ids(name):
    content = json.loads(library(name).to_str())["model"]
    assert [[*map(printable, merge)] for merge in ours(name).merges] == content["merges"]
    assert {printable(token): i for token, i in ours(name).vocab.items()} == content["vocab"]
    assert len(content["merges"]) == 1000


def test_rare_pairs_are_left_apart_as_in_the_library():
    text = "to be or not to be, that is the question; to die, to sleep, no more"
    theirs = Tokenizer(models.BPE())
    theirs.pre_tokenizer = byte_level()
    options = {"initial_alphabet": pre_tokenizers.ByteLevel.alphabet(), "show_progress": False}
    theirs.train_from_iterator(
        [text], trainers.BpeTrainer(vocab_size=400, min_frequency=2, **options)
    )
    tokenizer = BPETokenizer.train(text, 400, min_frequency=2)
    merges = json.loads(theirs.to_str())["model"]["merges"]
    assert [[*map(printable, merge)] for merge in tokenizer.merges] == merges
    assert 256 < tokenizer.vocab_size < 400


@pytest.mark.parametrize("name", CUTS)
def test_the_same_ids_from_our_training_their_file_and_our_file(name, tmp_path):
    theirs = library(name)
    assert_same(ours(name), theirs, [*corpus(), *HARD])
    assert_same(as_file(theirs, tmp_path), theirs, [*HARD, *random_texts(500, seed=name)])
    assert_same(ours(name), as_library(ours(name), tmp_path), [*HARD, *random_texts(500, seed=1)])


@pytest.mark.parametrize("name", ["gpt2", "gpt4"])
def test_the_same_ids_on_ten_thousand_random_strings(name):
    texts = random_texts(10_000, seed=7)
    assert_same(ours(name), library(name), texts)
    assert len({len(text.encode()) for text in texts}) > 40


@pytest.mark.parametrize("name", ["gpt2", "o200k"])
def test_any_ids_decode_to_the_librarys_text(name):
    draw = random.Random(3)
    for _ in range(500):
        ids = draw.choices(range(1256), k=12)
        text = ours(name).decode(ids)
        if not any("\ud800" <= char <= "\udfff" for char in text):  # bytes of a lone surrogate
            assert text == library(name).decode(ids)


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_normalised_texts(form, tmp_path):
    theirs = Tokenizer.from_str(library("qwen2").to_str())
    theirs.normalizer = normalizers.Sequence([getattr(normalizers, form)()])
    tokenizer = as_file(theirs, tmp_path)
    texts = random_texts(600, seed=form)
    assert_same(tokenizer, theirs, texts)
    assert_same(tokenizer, as_library(tokenizer, tmp_path), texts)
    assert tokenizer.decode(tokenizer.encode("e\u0301Å")) == unicodedata.normalize(form, "e\u0301Å")


ADDED = [
    AddedToken("<|end|>", special=True),
    AddedToken("<|end|>>", special=True),
    AddedToken("<mask>", special=True, lstrip=True),
    AddedToken("[SEP]", special=True, rstrip=True, lstrip=True),
    AddedToken("<think>", special=False, normalized=False),
    AddedToken("word", special=False, single_word=True, normalized=False),
    AddedToken("ée", special=False, normalized=True),
    AddedToken("the", special=False, normalized=True),
    AddedToken("  ", special=False, normalized=False),
    AddedToken("<|ü |>", special=True),
    AddedToken("\t", special=False, lstrip=True, rstrip=True),
    AddedToken("d|>", special=False, normalized=False),
]
PIECES = [
    *(token.content for token in ADDED),
    *("<|end", ">", "e\u0301e", "é", "e", " ", "\t", "\u00a0", "\x1c", "\n", "a", "words", "wor"),
    *("then", " the", "<|ü\u0308 |>", "_", "\u0301", "1", ".", "[SEP"),
]


@pytest.mark.parametrize("form", [None, "NFC", "NFD"])
def test_added_tokens_are_found_where_the_library_finds_them(form, tmp_path):
    theirs = Tokenizer.from_str(library("gpt2").to_str())
    if form:
        theirs.normalizer = getattr(normalizers, form)()
    theirs.add_tokens(ADDED)
    tokenizer = as_file(theirs, tmp_path)
    draw = random.Random(5)
    texts = ["".join(draw.choices(PIECES, k=draw.randrange(9))) for _ in range(3000)]
    again = as_library(tokenizer, tmp_path)
    for text, encoding in zip(texts, theirs.encode_batch_fast(texts), strict=True):
        assert tokenizer.encode(text) == encoding.ids, text
        assert again.encode(text).ids == encoding.ids, text
    theirs.encode_special_tokens = True
    for text, encoding in zip(texts, theirs.encode_batch_fast(texts), strict=True):
        assert tokenizer.encode(text, parse_special=False) == encoding.ids, text


def test_special_tokens_are_skipped_as_the_library_does(tmp_path):
    theirs = Tokenizer.from_str(library("gpt2").to_str())
    theirs.add_tokens([token for token in ADDED if token.content.isascii()])
    tokenizer = as_file(theirs, tmp_path)
    draw = random.Random(6)
    for _ in range(500):
        ids = draw.choices([*range(1256, theirs.get_vocab_size()), 220, 64, 65], k=8)
        assert tokenizer.decode(ids, skip_special=True) == theirs.decode(ids)
        assert tokenizer.decode(ids) == theirs.decode(ids, skip_special_tokens=False)


def template(single):
    return processors.TemplateProcessing(single=single, special_tokens=[("<s>", 5), ("</s>", 7)])


@pytest.mark.parametrize(
    "processor",
    [
        template("<s> $A"),
        template("$A </s> </s>"),
        template("<s> <s> $A </s>"),
        processors.RobertaProcessing(("</s>", 7), ("<s>", 5)),
        processors.BertProcessing(("</s>", 7), ("<s>", 5)),
        processors.Sequence([processors.ByteLevel(), template("<s> $A </s>")]),
        processors.ByteLevel(),
    ],
)
def test_what_stands_around_a_text(processor, tmp_path):
    theirs = Tokenizer.from_str(library("gpt2").to_str())
    theirs.post_processor = processor
    tokenizer = as_file(theirs, tmp_path)
    again = as_library(tokenizer, tmp_path)
    for text in ("", "to be", " x\n"):
        assert tokenizer.encode(text, add_special=True) == theirs.encode(text).ids
        assert again.encode(text).ids == theirs.encode(text).ids
        assert tokenizer.encode(text) == theirs.encode(text, add_special_tokens=False).ids


def split(pattern, behavior, invert=False):
    return pre_tokenizers.Split(pattern, behavior, invert)


BEHAVIORS = ["isolated", "removed", "contiguous", "merged_with_previous", "merged_with_next"]


@pytest.mark.parametrize(
    "steps",
    [
        *([split(Regex(r"\p{L}+"), how), byte_level(False)] for how in BEHAVIORS),
        *([split(Regex(r"[ a]"), how, invert=True), byte_level(False)] for how in BEHAVIORS),
        [split(".", "merged_with_previous"), byte_level()],
        [split(Regex(r"\s++$|^a|\Z|\p{N}{1,3}+|(b)(c)?"), "isolated"), byte_level(False)],
        [split(Regex(r" ?[^(\s|[.,!?…。，、।۔،])]+"), "isolated"), byte_level(False)],
        [split(Regex(r"[a-z&&[^e]]+"), "isolated"), byte_level(False)],
        [pre_tokenizers.Digits(False), byte_level()],
        [pre_tokenizers.Punctuation("contiguous"), byte_level()],
        [pre_tokenizers.Punctuation(), pre_tokenizers.Digits(True), byte_level(False)],
        [byte_level(prefix=True)],
        [byte_level(use_regex=False, prefix=True)],
    ],
)
def test_the_steps_that_cut_a_text(steps, tmp_path):
    theirs = Tokenizer.from_str(library("gpt2").to_str())
    theirs.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer = as_file(theirs, tmp_path)
    texts = [*HARD, *random_texts(800, seed=2), "end  \n  of\n lines \n", "12.5..x.!?"]
    for text, encoding in zip(texts, theirs.encode_batch_fast(texts), strict=True):
        assert tokenizer.encode(text) == encoding.ids, text


def test_words_that_are_tokens_ignore_merges(tmp_path):
    content = json.loads(library("llama3").to_str())
    content["model"]["ignore_merges"] = True
    content["model"]["merges"] = content["model"]["merges"][:300]  # the other tokens: only whole
    theirs = Tokenizer.from_str(json.dumps(content))
    tokenizer = as_file(theirs, tmp_path)
    assert_same(tokenizer, theirs, [*corpus(), *HARD])
    assert_same(tokenizer, as_library(tokenizer, tmp_path), HARD)
    assert max(tokenizer.encode(corpus()[0])) > 556


def test_bytes_without_a_token_are_left_out(tmp_path):
    content = json.loads(library("gpt2").to_str())
    for char in "ĄÃ¤Ċ":  # the bytes 0x04, 0xc3, 0xa4 and the newline
        del content["model"]["vocab"][char]
    made = content["model"]["vocab"]
    content["model"]["merges"] = [m for m in content["model"]["merges"] if {*m} <= made.keys()]
    theirs = Tokenizer.from_str(json.dumps(content))
    tokenizer = as_file(theirs, tmp_path)
    texts = [*HARD, *random_texts(600, seed=8), "t\x04he e\x04r"]
    assert_same(tokenizer, theirs, texts)
    assert_same(tokenizer, as_library(tokenizer, tmp_path), texts)


def test_a_vocabulary_of_ranks_alone_is_written_with_merges(tmp_path):
    ranks = BPETokenizer(ours("gpt4").vocab, None, "gpt4", {"<|end|>": 1300})
    theirs = as_library(ranks, tmp_path)
    assert_same(ranks, theirs, [*corpus(), *HARD, *random_texts(500, seed=9), "a<|end|>b"])
    assert ranks.vocab_size == 1301


def test_transformers_opens_a_folder_of_ours(tmp_path):
    special = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"]
    trained = BPETokenizer.train(corpus(), 600, "qwen2", special)
    tokenizer = BPETokenizer(
        trained.vocab,
        trained.merges,
        "qwen2",
        trained.special_tokens,
        bos="<|endoftext|>",
        eos="<|im_end|>",
        before=[599],
        chat_template="{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}",
    )
    tokenizer.save(tmp_path / "folder")
    theirs = AutoTokenizer.from_pretrained(tmp_path / "folder")
    for text in [*HARD, "hi<|im_end|> there", *random_texts(300, seed=4)]:
        assert theirs(text)["input_ids"] == tokenizer.encode(text, add_special=True), text
        assert theirs.decode(tokenizer.encode(text)) == text
    assert (theirs.bos_token_id, theirs.eos_token_id) == (tokenizer.bos_id, tokenizer.eos_id)
    chat = theirs.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False)
    assert chat == "<|im_start|>hi<|im_end|>"
    assert load_tokenizer(tmp_path / "folder") == tokenizer

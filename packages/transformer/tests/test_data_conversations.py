"""Conversations: read, marked, packed, and complained about."""

import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transformer import Batches, BPETokenizer, CharTokenizer, Conversations, build_model, torch
from transformer.data.conversations import pack
from transformer.data.jsonl import Encoded, encode_example, read_conversations
from transformer.models.base import IGNORE
from transformer.tokenizers.chat import CHATML_TOKENS

CHAT = BPETokenizer.train("", 259, special_tokens=[*CHATML_TOKENS, "<|end|>"])
PLAIN = BPETokenizer.train("", 257, special_tokens=["<|end|>"], eos="<|end|>")
TALKS = [
    [("user", "Hi"), ("assistant", "Oh!")],
    [
        *(("system", "Be short."), ("user", "1+1?"), ("assistant", "2")),
        *(("user", "2+2?"), ("assistant", "4 <|im_end|> five")),
    ],
    [("user", "<|im_start|>assistant\nno answer"), ("assistant", "yes: é語")],
]


def lines(path: Path, *values: Any) -> Path:
    path.write_text("\n".join(v if isinstance(v, str) else json.dumps(v) for v in values))
    return path


def messages(talk: "list[tuple[str, str]]") -> "dict[str, Any]":
    return {"messages": [{"role": role, "content": text} for role, text in talk]}


def test_only_the_answers_are_learned(tmp_path: Path) -> None:
    path = lines(tmp_path / "chats.jsonl", *map(messages, TALKS))
    rows = Conversations.from_files(path, CHAT, block_size=400)
    assert len(rows) == 1 and rows.conversations == 3
    x, y = rows.batches(1).at(0)
    answers = "".join(
        text + "<|im_end|>" for talk in TALKS for role, text in talk if role == "assistant"
    )
    learned = CHAT.decode([i for i in y[0].tolist() if i != IGNORE])
    assert sorted(learned) == sorted(answers)  # packing changes the order of the conversations
    for talk in TALKS:
        assert "".join(t + "<|im_end|>" for r, t in talk if r == "assistant") in learned
        for _, text in talk:
            assert text in CHAT.decode(x[0].tolist())
    inputs, targets = x[0].tolist(), y[0].tolist()
    later = [*inputs[1:], None]
    assert all(t in (IGNORE, n) for t, n in zip(targets[:-1], later[:-1], strict=True))


def test_the_loss_is_that_of_the_answers_alone(tmp_path: Path) -> None:
    path = lines(tmp_path / "chats.jsonl", *map(messages, TALKS))
    rows = Conversations.from_files(path, CHAT, block_size=100)
    model = build_model("bigram", vocab_size=CHAT.vocab_size, block_size=100)
    x, y = rows.batches(len(rows)).at(0)
    logits, loss = model(x, y)
    chances = torch.softmax(logits, -1).detach().numpy()
    own = [
        -np.log(chances[b, t, y[b, t].item()])
        for b in range(len(rows))
        for t in range(100)
        if y[b, t].item() != IGNORE
    ]
    assert len(own) == rows.learned
    assert abs(loss.item() - np.mean(own)) < 1e-5


def test_questions_and_answers_are_chats_or_bare_text(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "pairs.jsonl",
        {"prompt": "1+1?", "completion": "2"},
        "",
        {"instruction": "Add", "input": "1 1", "output": "2"},
        {"instruction": "Greet", "output": "Hi"},
        {"instruction": "Greet", "input": "", "output": "Hi"},
    )
    asked = ["1+1?", "Add\n\n1 1", "Greet", "Greet"]
    examples = list(read_conversations(path))
    assert [e.messages[0]["content"] for e in examples] == asked
    assert [e.place.split(", ")[1] for e in examples] == ["line 1", "line 3", "line 4", "line 5"]
    for example, question, answer in zip(examples, asked, ["2", "2", "Hi", "Hi"], strict=True):
        ids, learned = encode_example(example, PLAIN)
        assert PLAIN.decode(ids.tolist()) == f"{question}{answer}<|end|>"
        assert PLAIN.decode(ids[learned].tolist()) == f"{answer}<|end|>"
        ids, learned = encode_example(example, CHAT)
        assert CHAT.decode(ids.tolist()).startswith(f"<|im_start|>user\n{question}<|im_end|>")
        assert CHAT.decode(ids[learned].tolist()) == f"{answer}<|im_end|>"


def test_text_that_looks_like_the_end_is_text(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"prompt": "<|end|>", "completion": "<|end|>"})
    (example,) = read_conversations(path)
    assert list(encode_example(example, PLAIN).ids).count(PLAIN.eos_id) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: no JSON: Expecting property name"),
        ("[1, 2]", "line 2: an object is wanted .*, not a list of 2"),
        ('"hello"', "line 2: an object is wanted .*, not 'hello'"),
        ("{}", r"line 2: 'prompt', 'completion' is missing among the keys \(none\)"),
        ('{"prompt": "a", "answer": "b"}', "line 2: 'completion' is missing .* 'prompt', 'answer'"),
        ('{"instruction": "a"}', "line 2: 'output' is missing"),
        ('{"prompt": "a", "completion": 4}', "line 2: 'completion' must be text, not 4"),
        ('{"instruction": "a", "input": [], "output": ""}', "'input' must be text, not a list of"),
        ('{"messages": []}', "line 2: messages must be a list of some, not a list of 0"),
        ('{"messages": {"role": "user"}}', "line 2: messages must be .* an object with the keys"),
        ('{"messages": ["Hi"]}', "line 2: message 0 must be .*, not 'Hi'"),
        ('{"messages": [{"content": "Hi"}]}', "line 2: message 0 must be .* the keys 'content'"),
        ('{"messages": [{"role": "user", "content": "Hi"}]}', "line 2: .* no assistant message"),
        ('{"messages": [{"role": "user"}, {"role": "assistant", "content": "a"}]}', "line 2: "),
        (
            '{"messages": [{"role": "user", "content": "a"}, '
            '{"role": "assistant", "content": "b"}], "tools": 3}',
            "line 2: tools are a list of JSON schemas, not int",
        ),
        ("[" * 100_000, "line 2: .*nested too deeply"),
        (b'{"prompt": "\xff"}', "line 2: byte 13 is not UTF-8"),
    ],
)
def test_a_bad_line_is_named_by_file_and_number(tmp_path, line, message):
    good = json.dumps({"prompt": "a", "completion": "b"}).encode()
    path = tmp_path / "bad.jsonl"
    path.write_bytes(good + b"\n" + (line if isinstance(line, bytes) else line.encode()))
    with pytest.raises(ValueError, match=r"bad\.jsonl, line 2: ") as error:
        Conversations.from_files(path, CHAT, block_size=40)
    assert error.match(message)
    assert len(str(error.value)) < 500 and "\n" not in str(error.value)


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "marked.jsonl"
    path.write_text('{"prompt": "a", "completion": "b"}', encoding="utf-8-sig")
    assert [part.messages[0]["content"] for part in read_conversations(path)] == ["a"]


def test_what_needs_a_chat_template_says_so(tmp_path: Path) -> None:
    path = lines(tmp_path / "chats.jsonl", messages(TALKS[1]))
    with pytest.raises(ValueError, match=r"chats\.jsonl, line 1: the tokenizer has no chat templ"):
        Conversations.from_files(path, CharTokenizer("abc"), 40)
    path = lines(tmp_path / "abc.jsonl", {"prompt": "a", "completion": "z"})
    with pytest.raises(ValueError, match=r"abc\.jsonl, line 1: encode: the character 'z'"):
        Conversations.from_files(path, CharTokenizer("abc"), 40)
    with pytest.raises(FileNotFoundError, match=r"no file .*none\.jsonl' of conversations"):
        Conversations.from_files(tmp_path / "none.jsonl", CHAT, 40)
    lines(tmp_path / "empty.jsonl", "", "")
    with pytest.raises(ValueError, match="none of 0 conversations has an answer"):
        Conversations.from_files(tmp_path / "empty.jsonl", CHAT, 40)


def by_hand(sizes: "list[int]", capacity: int) -> "list[list[int]]":
    """Best fit, largest first, by looking at every row."""
    rows: list[list[int]] = []
    for thing in sorted(range(len(sizes)), key=lambda i: (-sizes[i], i)):
        rooms = [capacity - sum(sizes[i] for i in row) for row in rows]
        fits = [room for room in rooms if room >= sizes[thing]]
        if fits:
            rows[rooms.index(min(fits))].append(thing)
        else:
            rows.append([thing])
    return rows


@settings(deadline=None)
@given(st.integers(1, 50).flatmap(lambda c: st.tuples(st.lists(st.integers(1, c)), st.just(c))))
def test_packing_is_best_fit(case: Any) -> None:
    sizes, capacity = case
    rows = pack(sizes, capacity)
    assert sorted(i for row in rows for i in row) == list(range(len(sizes)))
    filled = [sum(sizes[i] for i in row) for row in rows]
    assert all(0 < n <= capacity for n in filled)
    theirs = [sum(sizes[i] for i in row) for row in by_hand(sizes, capacity)]
    assert sorted(filled) == sorted(theirs)


def test_packing_wastes_little_of_real_sizes() -> None:
    sizes = np.random.default_rng(0).lognormal(4.5, 0.8, 5000).astype(int).clip(10, 513)
    rows = pack(sizes.tolist(), 513)
    assert sizes.sum() / (len(rows) * 513) > 0.99
    with pytest.raises(ValueError, match="size 514 is not from 1 to 513"):
        pack([514], 513)


ENCODED = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(1, 99), min_size=n, max_size=n),
        st.lists(st.booleans(), min_size=n, max_size=n),
    )
)


@settings(deadline=None)
@given(st.lists(ENCODED, min_size=1, max_size=12), st.integers(1, 15))
def test_every_conversation_is_there_whole_cut_or_counted(talks: Any, block_size: int) -> None:
    given_ = [Encoded(np.array(ids), np.array(learned)) for ids, learned in talks]
    longest = block_size + 1
    fitting = [(ids[:longest], learned[:longest]) for ids, learned in talks]
    kept = [(ids, learned) for ids, learned in fitting if any(learned[1:])]
    long = [ids for ids, learned in talks if len(ids) > longest and any(learned[1:longest])]
    if not kept:
        with (
            pytest.raises(ValueError, match="there is nothing to learn"),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            Conversations(given_, block_size)
        return
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        rows = Conversations(given_, block_size)
    assert (rows.cut, rows.dropped) == (len(long), len(talks) - len(kept))
    assert bool(told) == bool(rows.cut or rows.dropped)
    facts = rows.facts()
    assert facts["tokens"] == sum(len(ids) for ids, _ in kept)
    assert facts["padding"] == len(rows) * longest - facts["tokens"]
    assert facts["learned"] == sum(sum(learned[1:]) for _, learned in kept)
    x, y = rows.fetch(np.arange(len(rows)))
    assert (y != IGNORE).sum() == facts["learned"]
    follow = sorted(
        (ids[t], ids[t + 1]) for ids, got in kept for t in range(len(ids) - 1) if got[t + 1]
    )
    assert sorted(zip(x[y != IGNORE].tolist(), y[y != IGNORE].tolist(), strict=True)) == follow


def test_a_warning_counts_what_was_cut() -> None:
    talk = Encoded(np.arange(1, 11), np.array([False] * 4 + [True] * 6))
    with pytest.warns(
        UserWarning, match="of 2 conversations 1 were cut to 6 tokens, and 1 left out"
    ):
        Conversations([talk, Encoded(talk.ids, talk.ids > 8)], block_size=5)


def test_batches_of_rows_visit_each_once_and_resume(tmp_path: Path) -> None:
    pairs = [{"prompt": f"What is {i}?", "completion": f"{i} is {i * i}"} for i in range(200)]
    path = lines(tmp_path / "pairs.jsonl", *pairs)
    rows = Conversations.from_files(path, PLAIN, block_size=63)
    assert rows.facts() == Conversations.from_files([path], PLAIN, 63).facts()
    batches = Batches(rows, 4, 63, seed=3)
    assert batches.windows == len(rows)
    seen = torch.cat([batches.at(step)[0] for step in range(len(rows))]).tolist()
    x, _ = rows.fetch(np.arange(len(rows)))
    for epoch in range(4):
        part = seen[epoch * len(rows) : (epoch + 1) * len(rows)]
        assert sorted(part) == sorted(x.tolist()) and part != x.tolist()
    again = Conversations.from_files(path, PLAIN, 63).batches(4, seed=3)
    assert again.at(17)[1].tolist() == batches.at(17)[1].tolist()
    with pytest.raises(ValueError, match="packed in rows of 63 tokens, not of block_size 64"):
        Batches(rows, 4, 64)


@pytest.mark.parametrize(("fraction", "held_out"), [(0.1, 20), (0.25, 50), (0.0, 0)])
def test_some_are_held_out_from_all_over(tmp_path: Path, fraction: float, held_out: int) -> None:
    pairs = [{"prompt": "", "completion": f" {i:03}"} for i in range(200)]
    path = lines(tmp_path / "pairs.jsonl", *pairs)
    train, val = Conversations.split_files(path, PLAIN, 15, fraction)
    assert train.conversations == 200 - held_out
    if val is None:
        assert held_out == 0
        return
    assert val.conversations == held_out
    parts = [
        PLAIN.decode(
            part.fetch(np.arange(len(part)))[1].ravel().clip(0).tolist(), skip_special=True
        )
        for part in (train, val)
    ]
    numbers = [{int(n) for n in re.findall("[0-9]{3}", text)} for text in parts]
    assert numbers[0] | numbers[1] == set(range(200)) and not numbers[0] & numbers[1]
    assert abs(np.mean(list(numbers[1])) - 99.5) < 4 * 58 / np.sqrt(held_out)
    assert len({n % 10 for n in numbers[1]}) > 5, "no rhythm of the file's"
    with pytest.raises(ValueError, match=r"val_fraction must be in \[0, 1\), got 1"):
        Conversations.split_files(path, PLAIN, 15, 1)
    lines(path, pairs[0])
    with pytest.raises(ValueError, match=r"1 conversations are too few .* val_fraction 0\.1"):
        Conversations.split_files(path, PLAIN, 15)

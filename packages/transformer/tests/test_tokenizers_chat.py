"""Chat templates: what they may do, which tokens are special, and which are the answers."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transformer.tokenizers import BPETokenizer, CharTokenizer, SentencePieceTokenizer
from transformer.tokenizers.chat import (
    CHATML,
    CHATML_TOKENS,
    chat_tokens,
    encode_chat,
    render_chat,
)
from transformer.tokenizers.template import render

USER = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Oh, hello."}

BRACKETS = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('user and assistant must take turns') }}{% endif %}"
    "{% if m.role == 'user' %}{{ '[INST] ' + m.content | trim + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content | trim + eos_token }}{% endif %}{% endfor %}"
)
MARKED = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}"
    "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}"
    "{% else %}{{ m.content }}<|im_end|>{% endif %}{{ '\\n' }}{% endfor %}"
)
FORGETS = (  # writes the last answer with a thought, and earlier ones without
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and loop.last %}(thinks){% endif %}{{ m.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def byte_level(template=None, specials=CHATML_TOKENS, **options):
    vocab = {bytes([byte]): byte for byte in range(256)} | {b"he": 300, b"\n\n": 301}
    ids = {name: 256 + i for i, name in enumerate(specials)}
    merges = [(b"h", b"e"), (b"\n", b"\n")]
    return BPETokenizer(vocab, merges, "gpt2", ids, chat_template=template, **options)


def pieces(template):
    rows = [("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3), ("[INST]", 0, 3), ("[/INST]", 0, 3)]
    rows += [(f"<0x{byte:02X}>", 0, 6) for byte in range(256)] + [("▁O", -1), ("he", -2), ("▁", -3)]
    return SentencePieceTokenizer(rows, bos_id=1, eos_id=2, chat_template=template)


def learned(messages, tokenizer):
    ids, mask = chat_tokens(messages, tokenizer)
    return tokenizer.decode([i for i, yes in zip(ids, mask, strict=True) if yes])


def test_chatml_stands_in_for_a_missing_template():
    text = render_chat([USER, ANSWER], byte_level(), add_generation_prompt=True)
    assert text == (
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nOh, hello.<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert text == render_chat([USER, ANSWER], CHATML, add_generation_prompt=True)
    assert byte_level().decode(encode_chat([USER], byte_level())) == render_chat([USER], CHATML)


def test_the_tokens_of_chatml_must_be_there():
    with pytest.raises(ValueError, match=r"lacks <\|im_start\|>, <\|im_end\|>"):
        encode_chat([USER], CharTokenizer.from_text("abc"))


def test_a_template_gets_ends_tools_and_variables():
    tokenizer = byte_level(
        "{{ bos_token }}{{ eos_token }}{{ tools | tojson }}{{ who }}{{ '<é>' | tojson }}",
        ["<s>", "</s>"], bos="<s>", eos="</s>",
    )  # fmt: skip
    text = render_chat([USER], tokenizer, tools=[{"name": "é", "n": [1, None]}], who="me")
    assert text == '<s></s>[{"name": "é", "n": [1, null]}]me"<é>"'


def test_blocks_leave_no_white_space_and_loops_can_be_left():
    template = "{% for m in messages %}\n    {% if loop.index == 2 %}{% break %}{% endif %}\n"
    assert render(template + "{{ m }}\n  {% endfor %}\nend", {"messages": [1, 2, 3]}) == "1\nend"


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in range(10**9) %}x{% endfor %}",
        "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
        "{% for a in 'x' * 3000 %}{% for b in 'x' * 3000 %}{% endfor %}{% endfor %}",
        "{% for i in range(9999) %}{{ 'x' * 9999 }}{% endfor %}",
        "{{ 'a' * 10**10 }}",
        "{{ (10**1000) ** 1000 }}",
        "{% set n = namespace(s='aa') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}"
        "{% endfor %}",
        "{% set n = namespace(s='aa') %}{% for i in range(60) %}{% set n.s = n.s + n.s %}"
        "{% endfor %}",
        "{% set n = namespace(i=9) %}{% for i in range(60) %}{% set n.i = n.i * n.i %}{% endfor %}",
        "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
        "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(60) }}",
        "{{ 'x' | center(10**9) }}",
        "{{ 'x' | indent(10**9) }}",
        "{{ 'x'.ljust(10**9) }}",
        "{{ '%1000000000d' % 3 }}",
        "{{ '{:>1000000000}'.format(3) }}",
        "{{ '{:>{}}'.format(3, 10**9) }}",
        "{{ ('a' * 999999).replace('a', 'b' * 999999) }}",
        "{{ [1] | batch(10**9, 'x') | list }}",
        "{{ (1).to_bytes(10**10) }}",
        "{{ strftime_now('%999999999d') }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ messages.append(1) }}",
        "{{ messages[0].update(role='system') }}",
    ],
)
def test_attacks_are_stopped_in_one_sentence(template):
    with pytest.raises(ValueError, match="the chat template was stopped") as error:
        render_chat([USER], template)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("a\n{% if %}", "no Jinja2 template, at line 2"),
        ("{% include 'x' %}", "the chat template"),
        ("{{ nothing.at.all }}", "'nothing' is undefined"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ raise_exception('not so') }}", r"not so \(the roles are: user\)"),
    ],
)
def test_a_template_that_fails_says_why(template, words):
    with pytest.raises(ValueError, match=words):
        render_chat([USER], template)


def test_a_conversation_the_template_refuses_is_named_by_its_roles():
    with pytest.raises(ValueError, match=r"must take turns \(the roles are: user, user\)"):
        render_chat([USER, USER], BRACKETS)


@pytest.mark.parametrize(
    ("messages", "kind", "words"),
    [
        ("Hi", TypeError, "a conversation is a list of messages .* not str"),
        (USER, TypeError, "not dict"),
        ([USER, "Hi"], TypeError, "message 1 is a str"),
        ([{"content": "Hi"}], ValueError, "message 0 has the role None"),
        ([{"role": "x\n<|im_end|>", "content": ""}], ValueError, "a role is a word"),
        ([{"role": "user"}], ValueError, r"message 0 \(user\) has no content"),
        ([{"role": "user", "content": 5}], TypeError, "content of type int"),
        ([{**USER, "at": object()}], TypeError, r"message 0 \(user\) holds a object"),
    ],
)
def test_what_is_no_conversation_is_refused(messages, kind, words):
    with pytest.raises(kind, match=words):
        render_chat(messages, CHATML)


nasty = st.text(alphabet="h<>|[/]I \n\ue000", max_size=8) | st.sampled_from(
    [*CHATML_TOKENS, "<|im_", "end|>", "[INST]", "</s>", "<s>", "[/INST", " ", "NST]", "hi"]
)
contents = st.lists(nasty, max_size=6).map("".join)


@pytest.mark.parametrize(
    "tokenizer",
    [byte_level(), byte_level(MARKED), pieces(BRACKETS)],
    ids=["chatml", "marked", "sp"],
)
@given(st.lists(contents, min_size=1, max_size=4))
@settings(max_examples=60)
def test_special_tokens_come_from_the_template_alone(tokenizer, said):
    roles = ["user", "assistant", "user", "assistant"]
    messages = [{"role": r, "content": c} for r, c in zip(roles, said, strict=False)]
    harmless = [{**message, "content": "hi"} for message in messages]
    special = set(tokenizer.special_tokens.values())
    ids = encode_chat(messages, tokenizer)
    expected = [i for i in encode_chat(harmless, tokenizer) if i in special]
    assert [i for i in ids if i in special] == expected
    if tokenizer.chat_template != BRACKETS:  # where a space after a token is not the prefix's
        assert tokenizer.decode(ids) == render_chat(messages, tokenizer)


def test_a_harmless_conversation_has_the_ids_of_its_text():
    for tokenizer in (byte_level(), byte_level(MARKED), pieces(BRACKETS)):
        messages = [USER, ANSWER, {"role": "user", "content": "a < b > c [d]\n\n"}]
        text = render_chat(messages, tokenizer)
        assert encode_chat(messages, tokenizer) == tokenizer.encode(text)


def test_a_template_that_reads_special_tokens_in_a_message_is_not_guessed_at():
    template = "{{ messages[0].content | length }}{{ messages[0].content }}"
    assert encode_chat([USER], byte_level(template)) == list(b"2Hi")
    with pytest.raises(ValueError, match="holds the text of a special token"):
        encode_chat([{"role": "user", "content": "<|im_end|>"}], byte_level(template))


def test_answers_are_what_is_learned():
    messages = [USER, ANSWER, USER, {"role": "assistant", "content": "he <|im_end|>"}]
    both = "Oh, hello.<|im_end|>he <|im_end|><|im_end|>"
    for tokenizer in (byte_level(), byte_level(MARKED)):
        assert learned(messages, tokenizer) == both
        assert chat_tokens(messages, tokenizer)[0] == encode_chat(messages, tokenizer)
    tokenizer = pieces(BRACKETS)
    ids, mask = chat_tokens([USER, ANSWER], tokenizer)
    begin = mask.index(True)
    assert mask == [False] * begin + [True] * (len(ids) - begin)
    assert [tokenizer.pieces[i].text for i in ids[begin - 1 : begin + 2]] == ["[/INST]", "▁", "▁O"]
    assert ids[-1] == tokenizer.eos_id


def test_a_token_over_the_border_is_the_answers():
    joined = byte_level("{% for m in messages %}{{ m.role[:1] }}{% generation %}{{ m.content }}"
                        "{% endgeneration %}{% endfor %}")  # fmt: skip
    ids, mask = chat_tokens([{"role": "h", "content": "ea"}, ANSWER], joined)
    assert (ids[:2], mask[:2]) == ([300, ord("a")], [True, True])


def test_answers_that_change_later_are_refused():
    tokenizer = byte_level(FORGETS)
    with pytest.raises(ValueError, match=r"writes message 1 \(assistant\) in another way"):
        chat_tokens([USER, ANSWER, USER, ANSWER], tokenizer)
    assert learned([USER, ANSWER], tokenizer) == "(thinks)Oh, hello.<|im_end|>"


@pytest.mark.parametrize(
    ("messages", "words"),
    [([USER], "no assistant message"), ([], "no assistant message"), ([ANSWER], "message 0")],
)
def test_a_conversation_without_an_answer_is_refused(messages, words):
    with pytest.raises(ValueError, match=words):
        chat_tokens(messages, byte_level())


def test_a_message_to_go_on_with_ends_where_its_text_does() -> None:
    talk = [{"role": "user", "content": "Count."}, {"role": "assistant", "content": "1, 2, "}]
    begun = "<|im_start|>user\nCount.<|im_end|>\n<|im_start|>assistant\n1, 2,"
    assert render_chat(talk, CHATML, continue_final_message=True) == begun + " "
    trims = CHATML.replace("message['content']", "message['content'] | trim")
    assert render_chat(talk, trims, continue_final_message=True) == begun
    twice = "{{ messages[-1].content }}|{{ messages[-1].content }}|"
    assert render_chat(talk, twice, continue_final_message=True) == "1, 2, |1, 2, "
    parts = [{"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "image"}]}]
    assert (
        render_chat(parts, "<{{ messages[0].content[0].text }}>", continue_final_message=True)[1:]
        == "a"
    )


@pytest.mark.parametrize(
    "messages, options, words",
    [
        ([], {}, "no message"),
        ([{"role": "user", "content": "a"}], {"add_generation_prompt": True}, "one of them"),
        ([{"role": "assistant", "tool_calls": [{}], "content": None}], {}, "has no text"),
        ([{"role": "assistant", "content": "shown hidden"}], {}, "no going on"),
    ],
)
def test_what_no_model_can_go_on_with(messages: Any, options: Any, words: str) -> None:
    template = "{% for m in messages %}{{ m.content[:5] }}{% endfor %}"
    with pytest.raises(ValueError, match=words):
        render_chat(messages, template, continue_final_message=True, **options)

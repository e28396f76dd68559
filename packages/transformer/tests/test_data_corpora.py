"""load_text: corpora by name, files, standard input, and what it says when there is no text."""

import hashlib
import importlib.util
import os
import subprocess
import sys
from pydoc_data.topics import topics

import pytest

from transformer.data import CORPORA, corpora, load_text


def python(program: str, stdin: bytes = b"", **environment: str) -> str:
    """What a new process prints that runs ``program`` with load_text imported."""
    done = subprocess.run(
        [sys.executable, "-c", f"from transformer.data import load_text\n{program}"],
        input=stdin,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


def test_python_reference_is_the_default_and_always_the_same():
    text = load_text()
    assert text == load_text("python-reference")
    assert len(text) > 200_000
    assert 'The "import" statement' in text
    assert text.startswith(topics[min(topics)])
    assert text.endswith(topics[max(topics)])
    assert len(text) == sum(map(len, topics.values())) + len(topics) - 1
    in_another_process = python(
        "import hashlib; print(hashlib.sha256(load_text().encode()).hexdigest())",
        PYTHONHASHSEED="77",
    )
    assert in_another_process == hashlib.sha256(text.encode()).hexdigest()


def test_names_are_lower_case_one_a_line_each_once():
    lines = load_text("names").split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(set(lines)) > 80_000
    assert {"mary", "james", "smith"} < set(lines)
    assert set("".join(lines)) == set("abcdefghijklmnopqrstuvwxyz")


def test_the_tail_of_names_is_like_the_rest():
    lines = load_text("names").split()
    tail = lines[-len(lines) // 10 :]
    assert len({name[0] for name in tail}) == 26  # sorted, it would be w to z only


def test_names_tells_which_extra_is_missing(monkeypatch):
    monkeypatch.setattr(corpora, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "gradine-transformer\[names\]"'):
        load_text("names")
    assert importlib.util.find_spec("names")  # the test's own extra is there


def test_python_without_help_pages(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(ModuleNotFoundError, match="without its help pages"):
        load_text("python-reference")


def test_a_file_comes_exactly_as_it_is(tmp_path):
    text = "züri\r\nßeta\n\t\N{SNOWMAN}"
    path = tmp_path / "text.txt"
    path.write_bytes(text.encode())
    assert load_text(path) == text
    assert load_text(str(path)) == text


def test_a_path_named_like_a_corpus_is_a_file_when_given_as_path(tmp_path, monkeypatch):
    (tmp_path / "names").write_text("not the census")
    monkeypatch.chdir(tmp_path)
    assert load_text("./names") == "not the census"


def test_standard_input_of_a_real_process():
    raw = "grüezi\r\n".encode()
    assert python("print(ascii(load_text('-')))", raw) == ascii("grüezi\r\n")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is empty; there is nothing to learn from"),
        (b"x", "has a single character; a model needs at least 2"),
        ("é".encode(), "has a single character"),
        (b"abc\xff\xfe", "is not UTF-8: byte 0xff at offset 3"),
        (b"caf\xe9 noir", "is not UTF-8: byte 0xe9 at offset 3"),
    ],
)
def test_a_file_without_text_to_learn_from(tmp_path, raw, said):
    path = tmp_path / "text.txt"
    path.write_bytes(raw)
    with pytest.raises(ValueError) as error:
        load_text(path)
    assert said in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_no_such_file_nor_corpus(tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        load_text("shakespeare")
    assert "no file 'shakespeare', nor a corpus of that name" in str(error.value)
    assert all(name in str(error.value) for name in CORPORA)
    with pytest.raises(IsADirectoryError, match="is a folder"):
        load_text(tmp_path)

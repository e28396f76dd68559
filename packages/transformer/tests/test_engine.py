"""Where torch comes from, and that importing the package decides nothing yet."""

import os
import subprocess
import sys

import pytest

import transformer


def python(program: str, **environment: str) -> subprocess.CompletedProcess:
    """A new process that runs ``program`` with these environment variables set as well."""
    inherited = {k: v for k, v in os.environ.items() if k != "GRADINE_ENGINE"}
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**inherited, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
    )


ENGINE = "import transformer; print(transformer.engine_name(), transformer.torch.__name__)"


def test_tensor_core_is_the_default():
    assert python(ENGINE).stdout.split() == ["tensor_core", "tensor_core"]
    assert python(ENGINE, GRADINE_ENGINE="").stdout.split() == ["tensor_core", "tensor_core"]


def test_an_engine_nobody_knows():
    done = python(ENGINE, GRADINE_ENGINE="abacus")
    assert done.returncode == 1
    assert done.stderr.strip().endswith(
        "ValueError: GRADINE_ENGINE='abacus' is no engine: "
        "use 'tensor_core' (the default) or 'torch'"
    )


def test_torch_asked_for_where_there_is_none():
    hidden = f"import sys; sys.modules['torch'] = None; {ENGINE}"
    done = python(hidden, GRADINE_ENGINE="torch")
    assert done.returncode == 1
    assert 'pip install "gradine-transformer[torch]"' in done.stderr


def test_the_engine_may_be_chosen_after_the_import():
    program = (
        "import transformer, os; from transformer import generate, stream, engine_name;"
        "os.environ['GRADINE_ENGINE'] = 'abacus'\n"
        "try: engine_name()\n"
        "except ValueError as error: print('too early was not', error)"
    )
    assert "too early was not GRADINE_ENGINE='abacus'" in python(program).stdout


def test_every_public_name_is_there_and_listed():
    for name in transformer.__all__:
        assert getattr(transformer, name) is not None
        assert name in dir(transformer)
    with pytest.raises(AttributeError, match="module 'transformer' has no attribute 'Walrus'"):
        transformer.Walrus


def test_generate_stays_the_function_whatever_is_imported():
    program = (
        "import transformer, transformer.generate.sampling, transformer.generate.text;"
        "from transformer.generate import stream;"
        "print(transformer.generate.__name__, callable(transformer.generate))"
    )
    assert python(program).stdout.split() == ["generate", "True"]

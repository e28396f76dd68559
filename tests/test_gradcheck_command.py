"""gradcheck's command line, specs and Hypothesis tests on real engines, and beside torch."""

import json
import sys

import numpy as np
import pytest

import gradcheck as gc
from gradcheck import cli, given_op

FUNCTIONS = """
import jax.numpy as jnp
import numpy as np
import torch

def bilinear(a, b):
    return torch.tanh(a @ b)

class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * g * x**2

wrong = Wrong.apply

def energy(x):
    return jnp.sum(jnp.sin(x) ** 2)

def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)

def rule(g, y, x, axis):
    return y * (g - (g * y).sum(axis, keepdims=True))
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Exit code and JSON of a command line about these functions."""
    (tmp_path / "functions_for_command.py").write_text(FUNCTIONS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def runs(line):
        code = cli.main([*line.replace("@", "functions_for_command:").split(), "--json"])
        return code, json.loads(capsys.readouterr().out)

    yield runs
    sys.modules.pop("functions_for_command", None)


@pytest.mark.parametrize(
    ("line", "code", "engine"),
    [
        ("@bilinear --shape 3,4 --shape 4 --order 2", 0, "torch"),
        ("@wrong --shape 3", 1, "torch"),
        ("@energy --shape 3 --engine jax", 0, "jax"),
        ("@softmax --vjp @rule --shape 2,3 --arg axis=0 --torch torch.softmax", 0, "numpy"),
        ("tensor_core:tanh --shape 3 --order 2 --engine tensor_core", 0, "tensor_core"),
    ],
)
def test_engines_on_the_command_line(run, line, code, engine):
    found, told = run(line)
    assert (found, told["engine"]) == (code, engine), told


def test_a_registry_of_the_engine_on_the_command_line(run, monkeypatch):
    import tensor_core

    few = {name: tensor_core.registry[name] for name in ("tanh", "matmul", "softmax")}
    monkeypatch.setattr(tensor_core, "registry", few)
    code, told = run("tensor_core:registry --oracles numeric,torch")
    assert code == 0, told
    assert {report["engine"] for report in told["reports"]} == {"tensor_core"}


SOFTPLUS = gc.OpSpec(
    "softplus",
    lambda x, beta: np.logaddexp(0, beta * x) / beta,
    lambda g, y, x, beta: g / (1 + np.exp(-beta * x)),
    kwargs={"beta": [1, 2]},
    torch="nn.functional.softplus",
)

test_a_spec_beside_torch = given_op(SOFTPLUS, torch=True, max_examples=20)


def test_torch_against_a_spec_of_another_function():
    other = gc.OpSpec("relu", lambda x: x * (x > 0), lambda g, y, x: g * (x > 0), torch="sigmoid")
    report = gc.check_card(other, torch=True)
    assert "torch" in {finding.probe for finding in report.findings}
    assert gc.check_card(other).ok


def test_a_spec_of_the_engine_needs_no_rule():
    import tensor_core

    spec = gc.OpSpec("silu", lambda x: x * tensor_core.sigmoid(x), engine="tensor_core", order=2)
    assert gc.check_card(spec).ok
    given_op(spec, max_examples=5, database=None)()


REGISTRIES = [
    ("tensor_core:registry.softmax", "float64"),
    ("tensor_core:registry.softmax", "float32"),
    ("scalar_value:registry.gelu", "float64"),
    ("scalar_value:registry", "float32"),
]


@pytest.mark.parametrize(("target", "dtype"), REGISTRIES)
def test_registries_and_their_cards_by_name(target, dtype, capsys):
    assert cli.main([target, "--order", "2", "--dtype", dtype]) == 0
    said = capsys.readouterr().out
    assert "0 fail, 0 inconclusive" in said if target.endswith("registry") else "PASS" in said


def test_a_card_that_is_not_in_its_registry(capsys):
    with pytest.raises(SystemExit, match="64"):
        cli.main(["tensor_core:registry.softmx"])
    assert "no 'softmx'; it has softmax" in capsys.readouterr().err

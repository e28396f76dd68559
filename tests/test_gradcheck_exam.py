"""The exam of gradcheck beside its peers: its answers are right, and the peers can be asked."""

import json
from pathlib import Path

import numpy as np
import pytest
from exam_answers import Answer

from gradcheck.exam import command, timing
from gradcheck.exam.judges import JUDGES, Judge, ask
from gradcheck.exam.rule import Rule
from gradcheck.exam.tuning import CORRECT, MUTANTS

AT_KINKS = {  # there the rule and the library choose, rightly, different subgradients
    "relu",
    "relu, the other slope",
    "clip",
    "norm at 0",
    "max of ties, first",
    "pool of ties",
    "large relu of relu",
}
BY_VALUE = {"value", "scale", "one entry", "broadcast", "axis", "edge", "cotangent", "second order"}
NOT_BY_VALUE = {  # wrong in single precision, at other sizes, or in whose memory they answer
    "float32 exp overflows",
    "fails for 0-d",
    "fails for empty",
    "empty loses its shape",
    "returns gg",
    "changes gg",
}
LOOSE = {"one minus cos": 1e-3}  # the library, not the rule, loses digits by cancelling
PEERS = [judge for judge in JUDGES if judge.name != "gradcheck"]
X, W = np.linspace(-1.0, 1.5, 12).reshape(3, 4), np.linspace(0.5, 2.0, 8).reshape(4, 2)


def named(name: str) -> Rule:
    """A question of the tuning half."""
    return {rule.name: rule for rule in (*CORRECT, *MUTANTS)}[name]


def answers(judge: Judge, rules: dict[str, Rule]) -> dict[str, str]:
    """What a judge says of some rules."""
    return {name: ask(judge, rule)[0] for name, rule in rules.items()}


@pytest.mark.filterwarnings("ignore")
def test_correct_rules_agree_with_automatic_differentiation() -> None:
    asked = [r for r in CORRECT if not r.inconclusive and r.name not in AT_KINKS]
    assert len(asked) > 120
    errors = {rule.name: Answer(rule).error() for rule in asked}
    assert {name: e for name, e in errors.items() if not e < LOOSE.get(name, 1e-8)} == {}


@pytest.mark.filterwarnings("ignore")
def test_planted_bugs_disagree_with_automatic_differentiation() -> None:
    asked = [r for r in MUTANTS if r.kind in BY_VALUE and r.name not in NOT_BY_VALUE]
    assert len(asked) > 120
    right = [r.name for r in asked if all(Answer(r, g).error() < 5e-10 for g in (1.0, 1e3, 1e-8))]
    assert right == []


@pytest.mark.parametrize("judge", PEERS, ids=lambda judge: judge.name)
def test_every_peer_is_asked_fairly(judge: Judge) -> None:
    assert judge.installed
    plain = ["swish", "matmul", "broadcast multiply", "cross entropy", "sin and cos", "gather"]
    plain += ["radius and angle", "values and indices", "unused input", "0-d", "fortran input"]
    assert set(answers(judge, {name: named(name) for name in plain}).values()) == {"pass"}
    gross = ["sign", "factor 2", "transposed square", "g of the first output for both", "a string"]
    gross += ["gather overwrites", "too few gradients", "un-broadcast by mean"]
    assert set(answers(judge, {name: named(name) for name in gross}).values()) == {"fail"}


@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize("judge", PEERS, ids=lambda judge: judge.name)
def test_every_peer_looks_at_every_input(judge: Judge, position: int) -> None:
    def rule(g, y, a, b):
        grads = [g @ b.T, a.T @ g]
        grads[position] = -grads[position]
        return tuple(grads)

    assert ask(judge, Rule("one sign", "value", np.matmul, rule, [X, W]))[0] == "fail"


@pytest.mark.parametrize("judge", PEERS, ids=lambda judge: judge.name)
def test_the_second_order_is_judged_by_those_who_know_it(judge: Judge) -> None:
    right = ["sin twice", "exp twice", "softmax twice", "matmul twice"]
    wrong = ["second sign", "output held fixed", "softmax, a term", "inputs crossed"]
    expected = ("n/a", "n/a") if judge.name == "scipy" else ("pass", "fail")
    assert set(answers(judge, {name: named(name) for name in right}).values()) == {expected[0]}
    assert set(answers(judge, {name: named(name) for name in wrong}).values()) == {expected[1]}


def test_what_is_too_large_for_a_jacobian_is_not_asked() -> None:
    large = named("sin of 10^5")
    told = {judge.name: ask(judge, large)[0] for judge in PEERS if judge.name != "jax"}
    assert told == {"torch-slow": "n/a", "torch-fast": "pass", "autograd": "pass", "scipy": "n/a"}


def test_the_command_publishes_a_page_with_every_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = [named("sign"), named("g clipped at 100")], [named("swish"), named("hinge near its kink")]
    monkeypatch.setattr(command, "halves", lambda which: [("tuning", *few)])
    page = tmp_path / "exam.md"
    assert command.main(["--no-timing", "--json", "--markdown", str(page)]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["not installed"] == []
    assert {mark["judge"] for mark in data["marks"]} == {judge.name for judge in JUDGES}
    assert data["summary"]["tuning"]["torch-slow"]["caught"] == 1
    assert data["summary"]["tuning"]["torch-slow"]["accused"] == 1
    assert "| bugs caught | of | gradcheck | torch-slow | torch-fast | jax |" in page.read_text()
    assert "torch 2." in page.read_text()


def test_times_are_taken_beside_torch_on_one_thread() -> None:
    times = timing.measured(turns=1)
    assert times["torch threads"] == 1
    assert {(row["elements"], row["torch mode"]) for row in times["rows"]} == {
        (100, "slow"),
        (10_000, "fast"),
    }
    assert all(row["torch"] > 0 and row["gradcheck"] > 0 for row in times["rows"])
    assert len(times["means"]) == 2

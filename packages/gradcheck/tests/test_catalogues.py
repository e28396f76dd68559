"""Planted bugs are caught, correct rules are never accused."""

import numpy as np
import pytest
from catalogue_correct import RULES as CORRECT
from catalogue_correct import Rule
from catalogue_wrong import RULES as WRONG

import gradcheck as gc


@pytest.mark.parametrize("rule", CORRECT, ids=lambda rule: rule.name)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_correct_rule_is_not_accused(rule: Rule, seed: int) -> None:
    report = gc.check_vjp(rule.f, rule.vjp, rule.primals, seed=seed, **rule.options)
    assert report.verdict in ("pass", "inconclusive") if rule.inconclusive else report.ok, report


@pytest.mark.parametrize("rule", WRONG, ids=lambda rule: rule.name)
def test_a_planted_bug_is_caught(rule: Rule) -> None:
    primals = [np.array(p) for p in rule.primals]
    report = gc.check_vjp(rule.f, rule.vjp, primals, **rule.options)
    assert report.verdict == "fail", report
    assert str(report).startswith("FAIL")


def test_the_catalogues_are_as_large_as_promised() -> None:
    assert len(WRONG) >= 40
    assert len(CORRECT) >= 40
    assert sum(rule.inconclusive for rule in CORRECT) <= 8

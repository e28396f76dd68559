"""Planted bugs are caught, correct rules are never accused."""

from collections import Counter

import numpy as np
import pytest

import gradcheck as gc
from gradcheck.exam.rule import KINDS, Rule
from gradcheck.exam.tuning import CORRECT, MUTANTS


@pytest.mark.parametrize("rule", CORRECT, ids=lambda rule: rule.name)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_correct_rule_is_not_accused(rule: Rule, seed: int) -> None:
    report = gc.check_vjp(rule.f, rule.rule(), rule.point(), seed=seed, **rule.options)
    assert report.verdict in ("pass", "inconclusive") if rule.inconclusive else report.ok, report


@pytest.mark.parametrize("rule", MUTANTS, ids=lambda rule: rule.name)
def test_a_planted_bug_is_caught(rule: Rule) -> None:
    report = gc.check_vjp(rule.f, rule.rule(), rule.point(), **rule.options)
    assert report.verdict == "fail", report
    assert str(report).startswith("FAIL")


def test_the_catalogues_are_as_large_as_promised() -> None:
    kinds = Counter(rule.kind for rule in MUTANTS)
    assert len(MUTANTS) >= 170
    assert len(CORRECT) >= 130
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 4
    assert sum(rule.inconclusive for rule in CORRECT) <= 7


def test_names_tell_the_questions_of_a_half_apart() -> None:
    for half in (MUTANTS, CORRECT):
        assert len({rule.name for rule in half}) == len(half)


def test_a_stateful_rule_is_new_for_every_check() -> None:
    accumulating = next(rule for rule in MUTANTS if rule.name == "accumulates")
    x, g = np.ones(2), np.ones(2)
    first, second = accumulating.rule(), accumulating.rule()
    assert (first(g, np.sin(x), x) == second(g, np.sin(x), x)).all()
    assert (first(g, np.sin(x), x) != second(g, np.sin(x), x) / 2).all()


def test_a_point_is_a_copy_laid_out_like_the_original() -> None:
    fortran = next(rule for rule in CORRECT if rule.name == "fortran input")
    (point,) = fortran.point()
    assert point.flags.f_contiguous
    point[:] = 0
    assert fortran.point()[0].all()

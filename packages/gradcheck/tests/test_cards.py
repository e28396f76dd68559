"""Cards are found by protocol: any object with name and cases will do."""

from types import SimpleNamespace as Space

import numpy as np
import pytest

import gradcheck as gc


def card(name, forward, vjp, cases, **more):
    return Space(name=name, forward=forward, vjp=vjp, cases=cases, **more)


def softmax(x, dim):
    e = np.exp(x - x.max(dim, keepdims=True))
    return e / e.sum(dim, keepdims=True)


def softmax_rule(g, y, x, dim):
    return y * (g - (g * y).sum(dim, keepdims=True))


def softmax_cases(rng):
    yield Space(args=(rng.normal(size=(2, 5)), -1), kwargs={})
    yield Space(args=(rng.normal(size=(2, 3)),), kwargs={"dim": 0})


def cat_cases(rng):
    arrays = [rng.normal(size=(2, 3)), rng.normal(size=(1, 3))]
    yield Space(args=(arrays,), kwargs={})


def cat_rule(g, y, arrays):
    return g[:2].copy(), g[2:].copy()


SOFTMAX = card("softmax", softmax, softmax_rule, softmax_cases)
CAT = card("cat", lambda arrays: np.concatenate(arrays), cat_rule, cat_cases)


def test_arguments_by_position_by_name_and_in_lists():
    for op in (SOFTMAX, CAT):
        report = gc.check_card(op, "numpy")
        assert report.ok, report


def test_cases_in_another_precision():
    """A constant in single precision is wrong in double alone."""
    third = np.float32(1) / np.float32(3)
    cubed = card("cubed", lambda x: x**3 / 3, lambda g, y, x: g * x * x, lambda rng: [(1.5,)])
    rounded = card("r", lambda x: x / 3, lambda g, y, x: g * x.dtype.type(third), cubed.cases)
    for dtype, verdict in [("float64", "fail"), (np.float32, "pass"), (None, "fail")]:
        assert gc.check_card(cubed, dtype=dtype).verdict == "pass"
        assert gc.check_card(rounded, dtype=dtype).verdict == verdict
    report = gc.check_all([rounded], dtype="float64", show=False)[0]
    assert "check_card(registry['r'], 'numpy', seed=0, dtype='float64', case=0)" in str(report)
    assert gc.check_case(rounded, (2.0,), dtype="float32").verdict == "pass"


def test_a_precision_reaches_arrays_in_lists_and_not_integers():
    seen = []

    def forward(arrays, rows):
        seen.append({a.dtype.name for a in arrays} | {rows.dtype.name})
        return arrays[0] + arrays[1][rows]

    def rule(g, y, arrays, rows):
        grad = np.zeros_like(arrays[1])
        np.add.at(grad, rows, g)
        return g.copy(), grad, None

    def cases(rng):
        arrays = (rng.normal(size=3), rng.normal(size=2))
        yield Space(args=(arrays,), kwargs={"rows": np.array([1, 0, 1])})

    assert gc.check_card(card("pick", forward, rule, cases), dtype="float32").ok
    assert seen[0] == {"float32", "int64"}


@pytest.mark.parametrize("dtype", ["float31", "int64", 3])
def test_no_precision(dtype):
    with pytest.raises(ValueError, match="it must be one of float64, float32, float16"):
        gc.check_card(SOFTMAX, dtype=dtype)


def test_the_failing_case_is_named():
    def rule(g, y, x, dim):
        return softmax_rule(g, y, x, -1)

    report = gc.check_card(card("softmax", softmax, rule, softmax_cases), "numpy", seed=4)
    assert report.verdict == "fail"
    assert "case 1 ((2, 3), dim=0): gradient of input 0" in report.findings[0].message
    assert "reproduce: check_card(registry['softmax'], 'numpy', seed=4, case=1)" in str(report)
    assert gc.check_card(card("s", softmax, rule, softmax_cases), "numpy", case=0).ok


def test_the_domain_and_wrt_of_a_case():
    def cases(rng):
        yield Space(args=(np.array([1e-7, 2.0]), np.ones(2)), domain=(0.0, None), wrt=(0,))

    op = card("log", lambda x, y: np.log(x) * y, lambda g, y, x, z: (g * z / x, "unused"), cases)
    report = gc.check_card(op, "numpy")
    assert report.ok, report


def test_nothing_to_differentiate_is_no_failure():
    op = card("argmax", np.argmax, None, lambda rng: [Space(args=(rng.normal(size=4),))])
    report = gc.check_card(op, "numpy")
    assert report.ok
    assert report.notes == ["nothing to differentiate"]


def test_a_card_without_cases_proves_nothing():
    report = gc.check_card(card("sin", np.sin, None, lambda rng: []), "numpy")
    assert report.verdict == "inconclusive"
    assert "the card has no cases" in str(report)


def test_cases_that_raise_are_reported():
    report = gc.check_card(card("sin", np.sin, None, lambda rng: 1 / 0), "numpy")
    assert "cases raises ZeroDivisionError" in str(report)


def test_a_fused_card_equals_its_composition():
    def composed(x, dim):
        return np.exp(x) / np.exp(x).sum(dim, keepdims=True)

    good = card("softmax", softmax, softmax_rule, softmax_cases, fuses=composed)
    assert gc.check_card(good, "numpy").ok
    bad = card("softmax", softmax, softmax_rule, softmax_cases, fuses=lambda x, dim: composed(x, 0))
    report = gc.check_card(bad, "numpy")
    assert {finding.probe for finding in report.findings} == {"fuses"}


def test_check_all_prints_a_table(capsys):
    reports = gc.check_all({"softmax": SOFTMAX, "cat": CAT}, "numpy", show=True)
    text = capsys.readouterr().out
    assert [r.name for r in reports] == ["softmax", "cat"]
    assert text.splitlines()[0].split() == ["verdict", "checks", "name"]
    assert "2 pass, 0 fail, 0 inconclusive" in text

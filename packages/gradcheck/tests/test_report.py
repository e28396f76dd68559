"""Reports as text, as data, and the lines in them that reproduce what they say."""

import json

import numpy as np
import pytest

import gradcheck as gc
from gradcheck.hints import integer_hint
from gradcheck.report import Element, Finding, Report, table
from gradcheck.report_text import describe, grouped, joined
from gradcheck.reproduce import call_line, narrowed

R = np.random.default_rng(11)
A, B = R.standard_normal((3, 4)), R.standard_normal((4, 2))


def product(a, b):
    return a @ b


def twice_and_minus(g, y, a, b):
    return 2 * (g @ b.T), -(a.T @ g)


def eye_rule(g, y, x):
    return g.copy()


def test_a_pass_is_one_line():
    assert "\n" not in str(gc.check_vjp(np.sin, lambda g, y, x: g * np.cos(x), [A]))


def test_findings_of_two_inputs_come_with_their_own_lines():
    text = str(gc.check_vjp(product, twice_and_minus, [A, B])).splitlines()
    again = [line.strip() for line in text if "reproduce:" in line]
    assert again[0].startswith("reproduce: check_vjp(product, vjp, primals, wrt=(0,), seed=0)  # ")
    assert again[1].startswith("reproduce: check_vjp(product, vjp, primals, wrt=(1,), seed=0)  # ")
    assert len(again) == 2


def test_one_line_is_printed_once_when_it_shows_every_finding():
    def vjp(g, y, x):
        return g * np.cos(x) + 1e-3

    text = str(gc.check_vjp(np.sin, vjp, [A]))
    assert text.count("reproduce:") == 1
    assert text.splitlines()[-1].startswith("  reproduce: check_vjp(sin, vjp, primals, seed=0)")


def second(gg, raw, g, y, a, b):
    """The rule of the rule of a product, one term of the wrong sign."""
    return gg[0] * b + gg[1] * a, np.zeros_like(y), gg[1] * g, -gg[0] * g


CASES = {
    "order 2": (
        np.multiply,
        gc.Pair(lambda g, y, a, b: (g * b, g * a), second),
        [A, A + 1],
        {"order": 2},
    ),
    "two inputs": (product, twice_and_minus, [A, B], {}),
    "named input": (product, twice_and_minus, [A, B], {"wrt": (1,), "seed": 3}),
    "domain": (np.log, lambda g, y, x: 2 * g / x, [np.abs(A)], {"domain": (0.0, None)}),
    "mode": (np.sin, eye_rule, [A], {"mode": "exhaustive", "seed": 7}),
    "projection": (np.sin, eye_rule, [A], {"mode": "projection", "seed": 7}),
    "lambda": (lambda x: x * 2, eye_rule, [A], {}),
    "sizes": (np.sin, lambda g, y, x: g * np.cos(x[:]), [A[0]], {"sizes": True}),
    "affine": (np.sin, lambda g, y, x: g * np.cos(x) + 1e-3, [A], {"name": "sine, affine"}),
    "float32": (np.sin, eye_rule, [A.astype("f")], {"seed": 1}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_line_of_every_finding_shows_it_again(case):
    f, vjp, primals, options = CASES[case]
    report = gc.check_vjp(f, vjp, primals, **options)
    name = f.__name__ if f.__name__.isidentifier() else "f"
    names = {name: f, "vjp": vjp, "primals": primals, "check_vjp": gc.check_vjp, "np": np}
    assert report.findings
    for finding in report.findings:
        again = eval(finding.reproduce or report.reproduce, dict(names))
        assert finding in again.findings


def test_the_line_of_a_function_of_an_engine_shows_it_again():
    f = gc.Pair(np.sin, eye_rule)
    report = gc.check_grads(f, [A], engine="numpy")
    names = {"sin": f, "primals": [A], "check_grads": gc.check_grads}
    (finding,) = report.findings
    assert eval(finding.reproduce, names).findings == [finding]


def test_lines_say_all_that_is_not_at_its_default():
    line = call_line(
        "check_vjp", "<lambda>", "vjp", "primals", seed=2, order=2, sizes=True, torch_f=np.sin
    )
    assert line == "check_vjp(f, vjp, primals, order=2, sizes=True, torch_f=torch_f, seed=2)"
    assert narrowed("check_vjp(f, vjp, primals, wrt=(0, 2), seed=0)", 2, True) == (
        "check_vjp(f, vjp, primals, wrt=(2,), seed=0)"
    )


def test_the_table_shows_the_worst_elements_first():
    (finding,) = gc.check_vjp(np.sin, lambda g, y, x: g * 0.5, [A]).findings
    assert len(finding.elements) == 5
    misses = [abs(e.analytic - e.numeric) / e.error for e in finding.elements]
    assert misses == sorted(misses, reverse=True)
    assert finding.elements[0].index == finding.index
    assert all(e.analytic != e.numeric for e in finding.elements)


@pytest.mark.parametrize(("gap", "heading"), [(0.5, "subgradients"), (1e-9, "numeric ± bound")])
def test_only_slopes_that_differ_visibly_are_called_subgradients(gap, heading):
    row = Element((0,), 3.0, 1.0, 1e-6, None, (1 - gap / 2, 1 + gap / 2))
    finding = Finding(
        "value", "wrong", "fail", 0, (0,), 3.0, 1.0, 1e-6, interval=row.interval, elements=(row,)
    )
    head, line = describe(finding)[1:3]
    assert heading in head
    assert ("[" in line) == (heading == "subgradients")


def test_lines_fit_a_terminal():
    report = gc.check_vjp(lambda x: x.mean(1), lambda g, y, x: np.repeat(g[:, None], 4, 1) / 3, [A])
    lines = [line for line in str(report).splitlines() if "reproduce" not in line]
    assert max(map(len, lines)) <= 100
    assert sum("diagnosis" in line for line in lines) == 1


def test_findings_that_differ_in_a_word_are_one():
    found = [
        Finding("layout", f"gradient of input 0 is different for {name} inputs", input=0)
        for name in ("fortran", "strided", "reversed")
    ]
    (one,) = grouped(found)
    assert one.message == "gradient of input 0 is different for fortran, strided, reversed inputs"


def test_findings_of_one_input_stand_together():
    found = [
        Finding("value", "a", input=0),
        Finding("value", "b", input=1),
        Finding("x", "c", input=0),
    ]
    assert [f.message for f in grouped(found)] == ["a", "c", "b"]


def test_messages_with_nothing_in_common_are_not_joined():
    assert joined("input 0 is changed", "output 0 is not finite") is None
    assert joined("same", "same") == "same"


def test_json_is_strict_and_holds_every_element_and_line():
    report = gc.check_vjp(np.sin, lambda g, y, x: g * np.inf, [A])
    data = json.loads(report.to_json(), parse_constant=lambda name: pytest.fail(name))
    (finding,) = [f for f in data["findings"] if f["probe"] == "value"]
    assert finding["elements"][0]["index"] == finding["index"]
    assert finding["elements"][0]["analytic"] in ("inf", "-inf")
    assert all(f["reproduce"].startswith("check_vjp(sin") for f in data["findings"])


def test_a_table_of_many_reports():
    reports = [
        Report("sin", "numpy", 0, checks=3),
        gc.check_vjp(np.sin, lambda g, y, x: -g * np.cos(x), [A]),
        Report("empty", "numpy", 0),
    ]
    text = table(reports)
    assert "1 pass, 1 fail, 1 inconclusive" in text
    assert "diagnosis: sign flipped" in text


class TestTorchSpeaks:
    """With a stand-in for torch's gradient, since torch is not installed here."""

    @staticmethod
    def judged(monkeypatch, scale_of_torch, vjp):
        def torch_rows(subject, f, cotangents):
            (x,) = subject.primals
            rows = np.array([g * np.cos(x.reshape(-1)) for g in cotangents])
            return subject.forward.base, {0: scale_of_torch * rows}

        monkeypatch.setattr("gradcheck.compare.torch_rows", torch_rows)
        return gc.check_vjp(np.sin, vjp, [A], torch_f="sin")

    def test_against_the_rule(self, monkeypatch):
        report = self.judged(monkeypatch, 1, lambda g, y, x: 2 * g * np.cos(x))
        assert report.verdict == "fail"
        assert "numeric and torch agree; the rule stands alone" in str(report)

    def test_against_the_numbers(self, monkeypatch):
        report = self.judged(monkeypatch, 2, lambda g, y, x: 2 * g * np.cos(x))
        assert report.verdict == "inconclusive"
        (finding,) = report.findings
        assert finding.diagnosis.startswith("torch agrees with the rule: ")
        assert "the numeric derivative is doubted" in finding.diagnosis

    def test_against_both(self, monkeypatch):
        report = self.judged(monkeypatch, 3, lambda g, y, x: 2 * g * np.cos(x))
        assert report.verdict == "fail"
        assert "no two of the three agree" in str(report)


def test_an_index_array_of_floats_is_recognised():
    table_, ids = A, np.array([0.0, 2.0])
    report = gc.check_vjp(lambda t, i: t[i], lambda g, y, t, i: (t, None), [table_, ids])
    (finding,) = report.findings
    assert "give primals[1].astype(int)" in finding.message
    whole = [table_, ids.astype(int)]
    report = gc.check_vjp(lambda t, i: t[i], lambda g, y, t, i: (t, None), whole)
    assert "error" not in [f.probe for f in report.findings]


def test_no_hint_where_integers_do_not_help():
    def fails(primals):
        raise ValueError("whatever it is given")

    assert integer_hint(fails, [np.array([1.0, 2.0])]) == ""
    assert integer_hint(lambda ps: ps[0][ps[1]], [A, np.array([0.5])]) == ""

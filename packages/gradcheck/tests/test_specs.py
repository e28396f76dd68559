"""One's own registry: what a spec draws, and what becomes of it."""

import ast
from pathlib import Path

import numpy as np
import pytest
from registry import HYPOT, LARGEST, MATMUL, MUL, PICK, REGISTRY, TOTAL, forgetful_mul_rule

import gradcheck as gc
from gradcheck.drawing import Chance, grid, spread


def drawn(spec, seeds=range(6)):
    return [case for seed in seeds for case in spec.cases(np.random.default_rng(seed))]


def test_a_registry_of_right_rules_passes_and_prints_its_table(capsys):
    reports = gc.check_all(REGISTRY)
    printed = capsys.readouterr().out
    assert [r.name for r in reports] == list(REGISTRY)
    assert all(r.ok for r in reports), printed
    assert printed.splitlines()[0].split() == ["verdict", "checks", "name"]
    assert f"{len(REGISTRY)} pass, 0 fail, 0 inconclusive" in printed
    gc.check_all([MUL], show=False)
    assert capsys.readouterr().out == ""


def test_a_wrong_rule_fails_with_its_case():
    wrong = gc.OpSpec("mul", np.multiply, forgetful_mul_rule, args=[gc.Arg(), gc.Arg()])
    (report,) = gc.check_all([wrong], show=False)
    assert report.verdict == "fail"
    assert report.findings[0].message.startswith("case ")
    assert "check_card(registry['mul'], 'numpy', seed=0, case=" in report.reproduce


def test_broadcast_shapes_are_varied():
    shapes = [tuple(a.shape for a in case.args) for case in drawn(MUL)]
    assert any(a != b for a, b in shapes)
    assert any(1 in a and a != b for a, b in shapes)
    assert any(0 in a for a, _ in shapes)
    assert any(len(a) > 1 and a[0] == a[1] > 1 for a, _ in shapes)
    for a, b in shapes:
        np.broadcast_shapes(a, b)


def test_same_shapes_and_domains():
    for case in drawn(HYPOT):
        a, b = case.args
        assert a.shape == b.shape
        assert (a > 0).all()
        assert (b < 0).all()


def test_named_lengths_hold_throughout_the_op():
    sizes = set()
    for case in drawn(MATMUL):
        a, b = case.args
        assert a.shape[1] == b.shape[0]
        sizes.add(a.shape)
    assert len(sizes) > 5


def test_integers_stay_below_the_length_they_name():
    repeated = False
    for case in drawn(PICK):
        table, rows = case.args
        assert rows.dtype == np.int64
        assert ((rows >= 0) & (rows < len(table))).all()
        repeated |= len(set(rows.tolist())) < rows.size
    assert repeated


def test_axes_fit_and_every_value_of_a_keyword_is_tried():
    kwargs = [(case.args[0].ndim, case.kwargs) for case in drawn(TOTAL)]
    assert {k["keepdims"] for _, k in kwargs} == {False, True}
    kinds = {type(k["axis"]) for _, k in kwargs}
    assert kinds == {int, tuple, type(None)}
    for rank, k in kwargs:
        axes = k["axis"] if isinstance(k["axis"], tuple) else (k["axis"] or 0,)
        assert all(-rank <= axis < max(rank, 1) for axis in axes)


def test_distinct_values_have_no_ties():
    for case in drawn(LARGEST):
        assert len(set(case.args[0].reshape(-1))) == case.args[0].size


def test_an_empty_input_that_the_function_refuses_is_not_tried():
    assert all(case.args[0].shape[case.kwargs["axis"]] for case in drawn(LARGEST))


def test_single_precision():
    spec = gc.OpSpec(
        "double", lambda x: 2 * x, lambda g, y, x: 2 * g, args=[gc.Arg(dtype="float32")]
    )
    assert {case.args[0].dtype.name for case in drawn(spec)} == {"float32"}
    assert gc.check_card(spec).ok


def test_the_same_seed_draws_the_same_cases():
    first, again = (repr(drawn(TOTAL, [3])) for _ in range(2))
    assert first == again


def test_a_case_prints_as_what_makes_it():
    case = gc.Case(np.array([[1.0, 0.5]]), np.array([1, 2]), np.ones(1, "float32"), axis=(0, -1))
    made = eval(repr(case), {"np": np, "Case": gc.Case})
    assert repr(made) == repr(case)
    assert made.args[2].dtype == np.float32
    assert made.kwargs == {"axis": (0, -1)}
    assert repr(gc.Case(np.ones((4, 5)))) == "Case(array of shape (4, 5), float64)"


def test_a_finding_of_check_case_reproduces_itself():
    wrong = gc.OpSpec("wrong", np.sin, lambda g, y, x: g)
    report = gc.check_case(wrong, gc.Case(np.array([0.5])))
    names = {"np": np, "Case": gc.Case, "check_case": gc.check_case, "wrong": wrong}
    assert eval(report.reproduce, names).verdict == "fail"


def test_a_case_made_by_hand_keeps_to_the_domain_of_the_spec():
    def log(x):
        assert (x > 0).all()
        return np.log(x)

    spec = gc.OpSpec("log", log, lambda g, y, x: g / x, args=[gc.Arg(domain=(0.0, None))])
    assert gc.check_case(spec, gc.Case(np.array([1e-6]))).ok


def test_second_order_of_a_rule_that_is_a_pair():
    def second(gg, raw, g, y, x):
        return gg * np.cos(x), None, -gg * g * np.sin(x)

    def rule(g, y, x):
        return g * np.cos(x)

    right = gc.OpSpec("sin", np.sin, gc.Pair(rule, second), order=2, examples=3)
    assert gc.check_card(right).ok
    wrong = gc.Pair(rule, lambda gg, raw, g, y, x: (gg * np.cos(x), None, gg * g * np.sin(x)))
    report = gc.check_card(gc.OpSpec("sin", np.sin, wrong, order=2, examples=3))
    assert {finding.order for finding in report.findings} == {2}


def test_a_forward_rule_is_checked_too():
    def rule(g, y, x, n):
        return g * n * x ** (n - 1)

    def power(jvp):
        kwargs = {"n": [2, 3]}
        return gc.OpSpec("power", lambda x, n: x**n, rule, jvp, kwargs=kwargs, examples=2)

    assert gc.check_card(power(lambda t, y, x, n: t * n * x ** (n - 1))).ok
    assert gc.check_card(power(lambda t, y, x, n: t * 2 * x ** (n - 1))).verdict == "fail"


def test_an_engine_of_its_own_is_asked():
    class Doubled(type(gc.get_engine("numpy"))):
        name = "doubled"

        def vjp(self, f, primals):
            outputs, pull = super().vjp(f, primals)
            return outputs, lambda gs: 2 * pull(gs)

    spec = gc.OpSpec("double", lambda x: 2 * x, lambda g, y, x: 2 * g)
    assert gc.check_card(spec).engine == "numpy"
    spec = gc.OpSpec("double", lambda x: 2 * x, lambda g, y, x: 2 * g, engine=Doubled())
    report = gc.check_card(spec, order=1)
    assert (report.verdict, report.engine) == ("fail", "doubled")


def test_misuse_is_said_in_a_sentence():
    def rule(g, y, x):
        return g

    for message, make in {
        "order=2 needs a rule that is a pair": lambda: gc.OpSpec("f", np.sin, rule, order=2),
        "'n', but no shape of f has that name": lambda: gc.OpSpec(
            "f", np.sin, rule, args=[gc.Arg(below="n")]
        ),
        "must be 'broadcast' or 'same'": lambda: gc.Arg("bcast"),
        "is an axis of argument 1: none such": lambda: gc.OpSpec(
            "f", np.sin, rule, kwargs={"axis": gc.Axis(1)}
        ),
    }.items():
        with pytest.raises(ValueError, match=message):
            make()
    with pytest.raises(TypeError, match="must be an Axis or a list"):
        gc.OpSpec("f", np.sin, rule, kwargs={"axis": 1})


def test_a_domain_without_room_is_refused():
    assert spread(3, (0.0, 1.0), (), 0.2).tolist() == [0.25, 0.5, 0.75]
    with pytest.raises(ValueError, match="no room for 9 numbers"):
        spread(9, (0.0, 1.0), (), 0.2)
    with pytest.raises(ValueError, match="low must be below high"):
        grid((1.0, 1.0))


@pytest.mark.parametrize("domain", [None, (0.0, None), (None, 2.0), (-1.0, 2.0)])
def test_chance_keeps_its_distances(domain):
    chance = Chance(np.random.default_rng(1))
    low, high = domain or (None, None)
    for x in (
        chance.values((50,), domain, (0.5,), 0.1),
        chance.distinct((9,), domain, (0.5,), 0.1),
    ):
        assert (np.abs(x - 0.5) >= 0.05 - 1e-12).all()
        assert low is None or (x > low).all()
        assert high is None or (x < high).all()
    assert (np.diff(np.sort(x)) >= 0.1 - 1e-12).all()


def test_the_two_tables_of_public_names_agree():
    tree = ast.parse(Path(gc.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imported = {alias.name for node in block.body for alias in node.names}
    assert imported == set(gc._HOME)
    for name in imported:
        assert getattr(gc, name).__module__.startswith("gradcheck") or name == "defaults"


def test_what_many_cases_share_is_said_once():
    wrong = gc.OpSpec("square", np.square, lambda g, y, x: g * x, args=[gc.Arg(("n",))])
    report = gc.check_card(wrong)
    assert len(report.findings) == 1
    assert report.notes == ["value of input 0: as in case 0, so in 1, 2, 3, 4, 5, 6, 7"]

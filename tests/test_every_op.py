"""Every card of tensor_core on every case: finite differences, torch, and what a fused op fuses."""

import inspect

import numpy as np
import pytest
from op_cards import Call, cases, rebuilt
from side_by_side import agree, close, run, tally

import tensor_core
from gradcheck import check_card
from tensor_core import kernels, registry

CARDS = list(registry)
TRIED = [name for name in CARDS if list(registry[name].cases(np.random.default_rng(0)))]

# The ops whose numbers come out of tensor_core.kernels: tried with each version of them.
OF_KERNELS = {
    *("attention", "combinations", "cross_entropy", "cross_entropy_mean", "embedding"),
    *("embedding_bag", "erf", "gelu", "group_norm", "index", "index_reduce", "index_select"),
    *("layer_norm", "linear_cross_entropy", "log_softmax", "multi_head_attention_forward"),
    *("pdist", "rms_norm", "scatter_extreme", "silu", "softmax", "softmin", "sparse_mm", "take"),
}


def each(names):
    """The names as arguments of a test, marked where kernels are at work."""
    marks = {True: pytest.mark.kernels, False: ()}
    return [pytest.param(name, marks=marks[name in OF_KERNELS]) for name in names]


# Where torch refuses to differentiate what has a derivative: values alone are compared.
NOT_DIFFERENTIATED_BY_TORCH = ("floor_divide",)

PRECISIONS = ("float64", "float32")

# What is no derivative of what it is given: torch's ctc_loss wants log-probabilities, and hands on
# the gradient of the softmax they came from (checked in test_ctc_against_torch.py).
NOT_OF_ITS_INPUT = ("ctc_loss", "ctc_rows")


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("name", each(TRIED))
def test_finite_differences(name, dtype):
    """First and second derivatives, in double and in single precision."""
    differentiated = 0
    for number, case in cases(name):
        report = check_card(registry[name], order=2, case=number, dtype=dtype)
        if report.notes == ["nothing to differentiate"]:  # comparisons, integers
            tally["cases without a derivative"] += dtype == "float64"
        else:
            differentiated += 1
        tally["comparisons by gradcheck"] += report.checks
        tally["inconclusive verdicts"] += report.verdict == "inconclusive"
        assert report.verdict == "pass", f"{case}\n{report}"
    tally[f"ops by finite differences in {dtype}"] += differentiated > 0
    tally[f"cases by finite differences in {dtype}"] += differentiated


def test_what_is_not_differentiated_is_known_to_be():
    """Numbers go in and numbers come out, but no case has a derivative."""
    left_out = set()
    for name in TRIED:
        calls = [Call(registry[name], case) for _, case in cases(name)]
        kinds = {array.dtype.kind for call in calls for array in call.arrays}
        if "f" in kinds and not any(call.wrt for call in calls):
            left_out.add(name)
    assert left_out == set(NOT_OF_ITS_INPUT)


@pytest.mark.parametrize("name", each(n for n in TRIED if registry[n].torch))
def test_torch(name):
    tally["ops beside torch"] += 1
    for number, case in cases(name):
        call = Call(registry[name], case)
        refused = name in NOT_DIFFERENTIATED_BY_TORCH
        try:
            outcome = agree(call, call.arrays, case.max_order, () if refused else call.wrt)
        except AssertionError as error:
            raise AssertionError(f"case {number}, {case}: {error}") from error
        assert outcome.error is None, f"case {number}, {case}: {outcome.error!r}"
        tally["cases beside torch"] += 1


def narrow(value):
    """The same argument in float32."""
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        return value.astype(np.float32)
    if isinstance(value, list | tuple):
        return rebuilt(value, narrow)
    return value


@pytest.mark.parametrize("name", each(n for n in TRIED if registry[n].torch))
def test_torch_in_float32(name):
    for number, case in cases(name):
        case.args = tuple(narrow(v) for v in case.args)
        case.kwargs = {k: narrow(v) for k, v in case.kwargs.items()}
        call = Call(registry[name], case)
        refused = name in NOT_DIFFERENTIATED_BY_TORCH
        try:
            outcome = agree(call, call.arrays, 1, () if refused else call.wrt, (1e-4, 1e-5))
        except AssertionError as error:
            raise AssertionError(f"case {number}, {case}: {error}") from error
        assert outcome.error is None, f"case {number}, {case}: {outcome.error!r}"


@pytest.mark.parametrize("name", each(n for n in CARDS if registry[n].fuses))
def test_fused_op_equals_its_composition(name):
    op = registry[name]

    def composition(*args, **kwargs):
        given = inspect.signature(op.forward).bind(*args, **kwargs)
        given.apply_defaults()
        return op.fuses(*given.args, **given.kwargs)

    for number, case in cases(name):
        fused = Call(op, case)
        composed = Call(composition, case)
        a, b = (run(tensor_core, f, fused.arrays, 1, fused.wrt) for f in (fused, composed))
        assert a.error is None and b.error is None, (a.error, b.error)
        for what in ("outputs", "first"):
            for x, y in zip(getattr(a, what), getattr(b, what), strict=True):
                close(x, y, what=f"case {number}, {case}: {what}")
        tally["fused cases beside their composition"] += 1


# From real numbers to complex ones and back: tried in test_complex_against_torch.py.
OF_COMPLEX = {
    *("complex", "polar", "view_as_real", "view_as_complex", "real", "imag", "conj_physical")
}


def test_a_card_without_cases_has_no_derivative():
    for name in set(CARDS) - set(TRIED) - OF_COMPLEX:
        assert not registry[name].rules, f"{name} has a rule, and no case to try it on"


def test_what_calls_kernels_is_known_to(monkeypatch):
    called = set()

    def noted(kernel):
        def call(*args):
            called.add(name)
            return kernel(*args)

        return call

    kernels.backend()  # the choice is made before its kernels are replaced
    for kernel in kernels.NAMES:
        monkeypatch.setattr(kernels.active, kernel, noted(getattr(kernels.active, kernel)))
    for name in TRIED:
        for _, case in cases(name):
            call = Call(registry[name], case)
            run(tensor_core, call, call.arrays, 1, call.wrt)
    assert called <= OF_KERNELS, called - OF_KERNELS

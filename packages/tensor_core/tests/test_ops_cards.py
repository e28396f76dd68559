"""Every card, every case: derivatives against differences, types, fused ops, memory."""

import functools

import numpy as np
import pytest
from differences import Call, cases, central, sides

import tensor_core as torch
from tensor_core import Op, registry

CARDS = dict(registry)  # as imported: examples elsewhere may add cards of their own
EVERY = [
    pytest.param(card, case, id=f"{name}-{i}")
    for name, card in CARDS.items()
    for i, case in enumerate(cases(card))
]


def is_step(card):
    """Whether this is an op without a rule: a comparison, an index, a whole quotient."""
    return isinstance(card, Op) and not card.rules


STEPS = [p for p in EVERY if is_step(p.values[0])]
CASES = [p for p in EVERY if not is_step(p.values[0]) and p.values[1].wrt != ()]
SMOOTH = [p for p in CASES if p.values[1].max_order > 1]
FUSED = [p for p in CASES if p.values[0].fuses is not None]


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


# From real numbers to complex ones and back: tried in test_complex.py.
OF_COMPLEX = {
    *("complex", "polar", "view_as_real", "view_as_complex", "real", "imag", "conj_physical")
}


def test_every_op_with_a_derivative_has_cases():
    bare = {name for name, card in CARDS.items() if not is_step(card) and not cases(card)}
    assert bare == OF_COMPLEX


@pytest.mark.parametrize("card, case", STEPS)
def test_without_a_rule_nothing_is_recorded(card, case):
    call = Call(card, case)
    assert not any(out.requires_grad for out in call(call.leaves()))


@pytest.mark.parametrize("card, case", CASES)
def test_first_derivative(card, case):
    call = Call(card, case)
    weights = call.weights()
    found = call.gradients(weights)
    assert call.inputs and len(found) == len(call.inputs)
    for x, g in zip(call.inputs, found, strict=True):
        f = functools.partial(call.value, weights)
        low, high = sides(f, x)
        kink = high - low > 1e-2
        assert not kink.any() or card.kinks
        a = g.detach().numpy()
        close(a[~kink], central(f, x)[~kink])
        assert (low[kink] <= a[kink]).all() and (a[kink] <= high[kink]).all()


@pytest.mark.parametrize("card, case", SMOOTH)
def test_second_derivative(card, case):
    call = Call(card, case)
    weights = call.weights()
    rng = np.random.default_rng(11)
    vs = [rng.normal(size=x.shape) for x in call.inputs]

    def along() -> float:
        found = call.gradients(weights)
        return float(sum((g.detach().numpy() * v).sum() for g, v in zip(found, vs, strict=True)))

    gs = call.gradients(weights, create_graph=True)
    leaves = call.last
    total = sum((g * torch.tensor(v)).sum() for g, v in zip(gs, vs, strict=True))
    seconds = [None] * len(leaves)
    if total.requires_grad:
        seconds = torch.autograd.grad(total, leaves, allow_unused=True)
    for x, s in zip(call.inputs, seconds, strict=True):
        expected = central(along, x)
        close(np.zeros(x.shape) if s is None else s.numpy(), expected)


@pytest.mark.parametrize("card, case", CASES)
def test_float32_stays_float32(card, case):
    call = Call(card, case, np.float32)
    leaves = call.leaves()
    outs = call(leaves)
    wide = card.name in ("cast", "float_power")
    assert {o.dtype for o in outs} == {torch.float64 if wide else torch.float32}
    found = torch.autograd.grad(outs, leaves, [torch.ones_like(o) for o in outs], allow_unused=True)
    for x, g in zip(leaves, found, strict=True):
        assert g is None or (g.dtype, g.shape) == (torch.float32, x.shape)


@pytest.mark.parametrize("card, case", FUSED)
def test_fused_equals_its_composition(card, case):
    arrays = [torch.tensor(a) if isinstance(a, np.ndarray) else a for a in case.args]
    args = card._bind(tuple(arrays), dict(case.kwargs))
    outs, expected = card(*args), card.fuses(*args)
    assert isinstance(outs, tuple) == isinstance(expected, tuple)
    pairs = zip(outs, expected, strict=True) if isinstance(outs, tuple) else [(outs, expected)]
    for out, other in pairs:
        close(out.numpy(), other.numpy())


@pytest.mark.parametrize("card, case", CASES)
def test_gradients_share_no_memory(card, case):
    call = Call(card, case)
    leaves = call.leaves()
    outs = call(leaves)
    cotangents = [torch.ones_like(o) for o in outs]
    found = torch.autograd.grad(outs, leaves, cotangents, allow_unused=True)
    arrays = [g.numpy() for g in found if g is not None]
    others = call.inputs + [t.detach().numpy() for t in (*outs, *cotangents)]
    for i, g in enumerate(arrays):
        assert g.flags.writeable
        assert not any(np.shares_memory(g, other) for other in arrays[i + 1 :] + others)


@pytest.mark.parametrize("card, case", CASES)
def test_inputs_are_left_as_they_were(card, case):
    call = Call(card, case)
    before = [x.copy() for x in call.inputs]
    call.gradients(call.weights())
    for x, b in zip(call.inputs, before, strict=True):
        np.testing.assert_array_equal(x, b)

"""einsum against NumPy's, on subscripts of every kind; its derivative; its errors."""

import re

import numpy as np
import pytest
from differences import Call, central
from hypothesis import given, settings
from hypothesis import strategies as st

import tensor_core as torch
from tensor_core import Case, registry

LETTERS = "ijkl"


@st.composite
def contractions(draw):
    """Subscripts, arrays that fit them, and the arrays broadcast to full lengths for NumPy."""
    length = {c: draw(st.integers(0, 3)) for c in LETTERS}
    dots = draw(st.lists(st.integers(1, 3), max_size=2))  # the lengths that ... stands for
    terms, arrays, names = [], [], []
    for _ in range(draw(st.integers(1, 3))):
        labels = draw(st.lists(st.sampled_from(LETTERS), max_size=3))
        ones = {c for c in labels if draw(st.integers(0, 5)) == 0}  # broadcast in this operand
        at = draw(st.integers(0, len(labels))) if draw(st.booleans()) else None
        own = draw(st.integers(0, len(dots))) if at is not None else 0
        shape = [1 if c in ones else length[c] for c in labels]
        where = list(labels)
        if own:
            shape[at:at] = [draw(st.sampled_from([n, 1])) for n in dots[-own:]]
            where[at:at] = range(-own, 0)
        arrays.append(np.arange(np.prod(shape, dtype=int)).reshape(shape) * 0.37 - 0.9)
        names.append(where)
        terms.append("".join(labels) if at is None else insert(labels, at))
    present = sorted(set("".join(terms)) - {"."})
    text = ",".join(terms)
    if draw(st.booleans()) or "..." not in text:
        out = draw(st.permutations(present))[: draw(st.integers(0, len(present)))]
        use_dots = "..." in text
        at = draw(st.integers(0, len(out)))
        text += "->" + (insert(out, at) if use_dots else "".join(out))
    return text, arrays, expanded(arrays, names)


def expanded(arrays, names):
    """The arrays broadcast along what they name, since NumPy does so for ``...`` alone."""
    size = {}
    for x, where in zip(arrays, names, strict=True):
        size.update({c: n for c, n in zip(where, x.shape, strict=True) if n != 1})
    return [
        np.broadcast_to(x, [size.get(c, 1) for c in where])
        for x, where in zip(arrays, names, strict=True)
    ]


def insert(labels, at):
    return "".join(labels[:at]) + "..." + "".join(labels[at:])


@settings(max_examples=300)
@given(contractions())
def test_equals_numpy(made):
    text, arrays, full = made
    found = torch.einsum(text, *[torch.tensor(a) for a in arrays])
    expected = np.einsum(text, *full)
    assert tuple(found.shape) == expected.shape
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)


@settings(max_examples=60)
@given(contractions())
def test_derivative_equals_differences(made):
    text, arrays, _ = made
    call = Call(registry["einsum"], Case([np.array(a) for a in arrays], text))
    weights = call.weights()
    for x, g in zip(call.inputs, call.gradients(weights), strict=True):
        numeric = central(lambda: call.value(weights), x)
        np.testing.assert_allclose(g.numpy(), numeric, rtol=1e-6, atol=1e-7)


@settings(max_examples=40)
@given(contractions())
def test_the_kept_object_is_the_same_function(made):
    text, arrays, _ = made
    kept = torch.einsum(text)
    operands = [torch.tensor(a) for a in arrays]
    assert torch.equal(kept(*operands), torch.einsum(text, *operands))
    assert torch.equal(torch.einsum(text, operands), torch.einsum(text, *operands))
    assert repr(kept) == f"einsum({text!r})"


def test_sublists_spell_the_same_contraction():
    a, b = torch.rand(2, 3), torch.rand(3, 4)
    assert torch.equal(torch.einsum(a, [0, 1], b, [1, 2], [0, 2]), torch.einsum("ij,jk->ik", a, b))
    assert torch.equal(torch.einsum(a, [Ellipsis, 1], [1, Ellipsis]), a.t())


def test_the_result_is_writable_and_its_own():
    a = torch.rand(3, 3)
    for text in ("ij->ij", "ij->ji", "ii->i", "ij->i"):
        y = torch.einsum(text, a)
        assert not np.shares_memory(y.numpy(), a.numpy()) and y.numpy().flags.writeable


def test_dots_left_out_of_the_output_are_summed():
    a = torch.rand(2, 3, 4)
    assert torch.allclose(torch.einsum("...i->i", a), a.sum((0, 1)))


def test_types_mix_as_in_a_product():
    y = torch.einsum("i,i->", torch.arange(3), torch.ones(3))
    assert y.dtype is torch.float32 and y.item() == 3


MISTAKES = [
    ("ij,jk->ik", [(2, 3)], "einsum(): 'ij,jk->ik' names 2 operands, but 1 were given"),
    ("ij->ij", [(2, 3, 4)], "the subscript 'ij' of operand 0 does not fit its 3 dimensions"),
    ("ij->ij", [(2,)], "the subscript 'ij' of operand 0 does not fit its 1 dimensions"),
    ("ij->ii", [(2, 3)], "output subscript 'i' appears more than once"),
    ("ij->k", [(2, 3)], "output subscript 'k' is in none of the operands"),
    ("i1->i", [(2, 3)], "invalid subscript '1' in 'i1->i': use [a-zA-Z]"),
    ("i,i->i", [(2,), (3,)], "label 'i' has length 2 elsewhere, but 3 in operand 1 of shape (3,)"),
    ("ii->", [(2, 3)], "label 'i' has length 2 elsewhere, but 3 in operand 0"),
    ("...->i...", [(2, 3)], "output subscript 'i' is in none of the operands"),
]


@pytest.mark.parametrize("text, shapes, message", MISTAKES)
def test_mistakes_are_named(text, shapes, message):
    with pytest.raises(RuntimeError, match=re.escape(message)):
        torch.einsum(text, *[torch.zeros(s) for s in shapes])


def test_a_kept_object_checks_its_subscripts_at_once():
    with pytest.raises(RuntimeError, match="appears more than once"):
        torch.einsum("ij->ii")
    with pytest.raises(RuntimeError, match="names 1 operands, but 2 were given"):
        torch.einsum("ij->i")(torch.zeros(2, 2), torch.zeros(2))
    with pytest.raises(TypeError, match="expected Tensor as element 1"):
        torch.einsum("i,i->", torch.zeros(2), 3.0)

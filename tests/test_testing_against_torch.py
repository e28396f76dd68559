"""torch.testing, the named results, the lists of _foreach functions and out=, beside torch."""

import copy
import pickle

import numpy as np
import pytest
import torch
from side_by_side import BOTH, array

import tensor_core

NAN = float("nan")
PAIRS = {
    "close": lambda t: ((t.tensor([1.0]), t.tensor([1.0 + 1e-7])), {}),
    "values": lambda t: ((t.tensor([1.0, 2.0]), t.tensor([1.0, 2.1])), {}),
    "rows": lambda t: ((t.tensor([[1.0, 2.0]]), t.tensor([[0.0, 2.1]])), {"rtol": 0, "atol": 0}),
    "doubles": lambda t: ((t.tensor([1.0], dtype=t.float64), t.tensor([1.1], dtype=t.float64)), {}),
    "halves": lambda t: ((t.tensor([1.0]).half(), t.tensor([1.1]).half()), {}),
    "integers": lambda t: ((t.tensor([1, 2]), t.tensor([1, 4])), {}),
    "truths": lambda t: ((t.tensor([True, False]), t.tensor([True, True])), {}),
    "numbers": lambda t: ((1.0, 1.1), {}),
    "whole numbers": lambda t: ((1, 2), {}),
    "complex numbers": lambda t: ((1 + 1j, 1 + 2j), {}),
    "no dimension": lambda t: ((t.tensor(1.0), t.tensor(2.0)), {}),
    "types": lambda t: ((t.tensor([1.0]), t.tensor([1.0], dtype=t.float64)), {}),
    "types unchecked": lambda t: (
        (t.tensor([1.0]), t.tensor([1.2], dtype=t.float64)), {"check_dtype": False}
    ),
    "number types": lambda t: ((1, 1.0), {}),
    "shapes": lambda t: ((t.tensor([1.0]), t.tensor([1.0, 2.0])), {}),
    "strides": lambda t: ((t.zeros(2, 3).t(), t.zeros(3, 2)), {"check_stride": True}),
    "not a number": lambda t: ((t.tensor([NAN]), t.tensor([NAN])), {}),
    "equal not a number": lambda t: ((t.tensor([NAN]), t.tensor([NAN])), {"equal_nan": True}),
    "infinite": lambda t: ((t.tensor([np.inf, 1.0]), t.tensor([np.inf, np.inf])), {}),
    "one tolerance": lambda t: ((t.tensor([1.0]), t.tensor([1.0])), {"rtol": 0.1}),
    "tolerances": lambda t: ((t.tensor([1.0]), t.tensor([2.0])), {"rtol": 0.1, "atol": 0.2}),
    "message": lambda t: ((t.tensor([1.0]), t.tensor([2.0])), {"msg": "no"}),
    "message of it": lambda t: ((t.tensor([1.0]), t.tensor([2.0])), {"msg": lambda m: "> " + m}),
    "lists": lambda t: (([1.0, t.tensor([2.0])], [1.0, t.tensor([3.0])]), {}),
    "lengths": lambda t: (([1, 2], [1, 2, 3]), {}),
    "mappings": lambda t: (({"a": t.tensor([1.0])}, {"a": t.tensor([2.0])}), {}),
    "keys": lambda t: (({"a": 1}, {"b": 1}), {}),
    "nested": lambda t: (([{"a": [1, 2]}], [{"a": [1, 3]}]), {}),
    "None": lambda t: ((None, 1), {}),
    "bool": lambda t: ((True, False), {}),
    "text": lambda t: (("a", "b"), {}),
    "a tensor and a list": lambda t: ((t.tensor([1.0]), [1.0]), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_assert_close(name):
    said = []
    for t in BOTH:
        args, named = PAIRS[name](t)
        try:
            t.testing.assert_close(*args, **named)
            said.append("close")
        except (AssertionError, ValueError, TypeError) as error:
            text = str(error).replace("tensor_core.", "torch.")
            said.append((type(error).__name__, text))
    assert said[0] == said[1]


NAMED = {
    "max": lambda t: t.max(t.tensor([[1.0, 5.0], [7.0, 2.0]]), 1),
    "min": lambda t: t.min(t.tensor([[1, 5], [7, 2]]), dim=0),
    "sort": lambda t: t.sort(t.tensor([3, 1, 2])),
    "topk": lambda t: t.topk(t.tensor([3, 1, 2]), 2),
    "median": lambda t: t.median(t.tensor([3, 1, 2]), 0),
    "nanmedian": lambda t: t.nanmedian(t.tensor([3.0, 1.0, NAN]), 0),
    "kthvalue": lambda t: t.kthvalue(t.tensor([3, 1, 2]), 1),
    "mode": lambda t: t.mode(t.tensor([3, 1, 3])),
    "cummax": lambda t: t.cummax(t.tensor([3, 1, 4]), 0),
    "cummin": lambda t: t.cummin(t.tensor([3, 1, 4]), 0),
    "aminmax": lambda t: t.aminmax(t.tensor([3, 1, 4])),
    "frexp": lambda t: t.frexp(t.tensor([3.0, 1.0])),
    "histogram": lambda t: t.histogram(t.tensor([3.0, 1.0]), 2),
}


@pytest.mark.parametrize("name", NAMED)
def test_named_results(name):
    theirs, ours = (NAMED[name](t) for t in BOTH)
    assert repr(ours) == repr(theirs)
    assert type(ours) is getattr(tensor_core.return_types, name)
    fields = [n for n in dir(theirs) if not n.startswith(("_", "n_")) and n not in dir(tuple)]
    for i, field in enumerate(f for f in type(ours)._names):
        assert getattr(ours, field) is ours[i] and field in fields
    for again in (copy.copy(ours), pickle.loads(pickle.dumps(ours))):
        assert type(again) is type(ours) and again[0].equal(ours[0])


ONE = tensor_core.foreach.UNARY
LISTS = {
    **{f"_foreach_{n}{s}": () for n in ONE for s in ("", "_")},
    **{f"_foreach_{n}{s}": (2.0,) for n in tensor_core.foreach.BINARY for s in ("", "_")},
    "_foreach_zero_": (), "_foreach_norm": (1,), "_foreach_max": (), "_foreach_clone": (),
}  # fmt: skip


def two(t):
    return [t.tensor([0.3, 0.7]), t.tensor([[0.5]])]


@pytest.mark.parametrize("name", LISTS)
def test_lists(name):
    found = []
    for t in BOTH:
        xs = two(t)
        made = getattr(t, name)(xs, *LISTS[name])
        assert (made is xs) == name.endswith("_")
        assert isinstance(made, list if name.endswith("_") else tuple)
        found.append([array(y) for y in made])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(b, a, rtol=2e-6)
        assert a.dtype == b.dtype


WITH_LISTS = {
    "_foreach_add of lists": lambda t, xs: t._foreach_add(xs, two(t), alpha=3),
    "_foreach_mul of numbers": lambda t, xs: t._foreach_mul_(xs, [2.0, 3.0]),
    "_foreach_div of a tensor": lambda t, xs: t._foreach_div(xs, t.tensor(4.0)),
    "_foreach_copy_": lambda t, xs: t._foreach_copy_(xs, [x + 1 for x in two(t)]),
    "_foreach_lerp_": lambda t, xs: t._foreach_lerp_(xs, [x + 1 for x in two(t)], 0.25),
    "_foreach_addcmul_": lambda t, xs: t._foreach_addcmul_(xs, two(t), two(t), value=2.0),
    "_foreach_addcdiv of values": lambda t, xs: t._foreach_addcdiv(xs, two(t), two(t), [2.0, 3.0]),
    "_foreach_addcdiv of a tensor": lambda t, xs: t._foreach_addcdiv(
        xs, two(t), two(t), t.tensor([2.0, 3.0])
    ),
    "_foreach_pow of a number": lambda t, xs: t._foreach_pow(2.0, xs),
    "_foreach_add of too few": lambda t, xs: t._foreach_add(xs, xs[:1]),
    "_foreach_add of nothing": lambda t, xs: t._foreach_add([], 1.0),
    "_foreach_add of a tensor alone": lambda t, xs: t._foreach_add(xs[0], 1.0),
}


@pytest.mark.parametrize("name", WITH_LISTS)
def test_lists_with_others(name):
    found = []
    for t in BOTH:
        try:
            found.append([array(y) for y in WITH_LISTS[name](t, two(t))])
        except (RuntimeError, TypeError) as error:
            found.append(type(error))
    if isinstance(found[0], type):
        assert found[0] is found[1]
        return
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(b, a, rtol=2e-6)


OUT = {
    "exp": lambda t, o: t.exp(t.tensor([1.0, 2.0]), out=o),
    "lerp": lambda t, o: t.lerp(t.zeros(2), t.ones(2), 0.3, out=o),
    "addcmul": lambda t, o: t.addcmul(t.zeros(2), t.ones(2), t.ones(2), out=o),
    "clamp_min": lambda t, o: t.clamp_min(t.tensor([-1.0, 2.0]), 0.5, out=o),
    "cumprod": lambda t, o: t.cumprod(t.tensor([3.0, 2.0]), 0, out=o),
    "sum": lambda t, o: t.sum(t.ones(3, 2), 0, out=o),
    "xlogy": lambda t, o: t.xlogy(t.ones(2), t.tensor([3.0, 2.0]), out=o),
    "quantile": lambda t, o: t.quantile(t.ones(3, 2), 0.3, dim=0, out=o),
    "nextafter": lambda t, o: t.nextafter(t.ones(2), t.zeros(2), out=o),
    "histc": lambda t, o: t.histc(t.ones(5), 2, 0, 3, out=o),
    "msort": lambda t, o: t.msort(t.tensor([3.0, 2.0]), out=o),
}


@pytest.mark.parametrize("name", OUT)
def test_out(name):
    found = []
    for t in BOTH:
        for o in (t.zeros(2), t.empty(0)):
            made = OUT[name](t, o)
            assert made is o
            found.append(array(made))
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=1e-6)


def test_out_of_a_lesser_type():
    for t in BOTH:
        with pytest.raises(RuntimeError, match="can't be cast to the desired output type"):
            t.exp(t.ones(2), out=t.zeros(2, dtype=t.int64))
        assert t.add(t.tensor([1]), 1, out=t.zeros(1)).tolist() == [2.0]


def test_two_results_into_two_tensors():
    for t in BOTH:
        values, places = t.empty(0), t.empty(0, dtype=t.int64)
        found = t.max(t.tensor([[1.0, 5.0]]), 1, out=(values, places))
        assert found.values is values and found.indices is places
        assert (values.tolist(), places.tolist()) == ([5.0], [1])


def test_every_name_of_special_is_torch_s():
    ours = tensor_core.special
    assert set(ours.__all__) <= set(dir(torch.special))
    with pytest.raises(AttributeError, match=r"torch\.special\.airy_ai is not served"):
        ours.airy_ai(tensor_core.ones(1))

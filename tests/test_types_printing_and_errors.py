"""Element types, printed tensors and the types of errors, beside torch."""

import itertools
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from side_by_side import BOTH, array, error_of, tally

TYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64",
         "complex64", "complex128")  # fmt: skip
SCALARS = {"True": True, "2": 2, "2.5": 2.5}
BINARY = ("add", "sub", "mul", "div", "floor_divide", "remainder", "pow", "maximum", "minimum",
          "eq", "lt", "logical_and", "bitwise_and")  # fmt: skip


def operand(t, kind, level):
    """A tensor with one dimension or none, of a type; or a Python number."""
    if kind in SCALARS:
        return SCALARS[kind]
    one = t.ones(2 if level else (), dtype=t.float32)
    return one.to(getattr(t, kind))


def result(t, name, a, b):
    """The type and numbers of an operation, or that it raises."""
    try:
        with np.errstate(all="ignore"):
            y = getattr(t, name)(a, b)
    except (RuntimeError, TypeError) as error:
        return f"raises {type(error).__name__}"
    return str(y.dtype), tuple(y.shape), array(y).tolist()


@pytest.mark.parametrize("name", BINARY)
def test_promotion(name):
    """Every pair of types, each with dimensions or without, and Python numbers."""
    wrong = []
    kinds = [(k, level) for k in TYPES for level in (0, 1)]
    pairs = itertools.product(kinds, [*kinds, *((s, 0) for s in SCALARS)])
    for (a, la), (b, lb) in pairs:
        if {"float16"} < {a, b} and a[:7] != b[:7] and "complex" in a + b:
            continue  # complex numbers of 2 x 16 bits, which NumPy does not have
        if name == "sub" and {a, b} & {"bool", "True"} and a != b:
            continue  # torch refuses; tensor_core takes a truth for 0 or 1, as + does
        theirs, ours = (result(t, name, operand(t, a, la), operand(t, b, lb)) for t in BOTH)
        if str(theirs).startswith("raises") and not_implemented(name, a, la, b, lb):
            continue
        if ours != theirs:
            wrong.append(f"{name}({a}{'[]' * la}, {b}{'[]' * lb}): {ours}, torch {theirs}")
        tally["promotions beside torch"] += 1
    assert not wrong, "\n".join(wrong)


def not_implemented(name, a, la, b, lb):
    """Whether torch says that it merely lacks the operation for a type."""
    try:
        getattr(torch, name)(operand(torch, a, la), operand(torch, b, lb))
    except (RuntimeError, TypeError) as error:
        return "not implemented" in str(error) or "must be Tensor" in str(error)
    return False


@given(st.sampled_from(TYPES[:-2]), st.sampled_from(TYPES[:-2]), st.sampled_from("+-*/"))
def test_gradients_arrive_in_the_type_of_their_tensor(a, b, sign):
    kinds = []
    for t in BOTH:
        x, y = (operand(t, k, 1) for k in (a, b))
        for z in (x, y):
            if z.is_floating_point():
                z.requires_grad_()
        try:
            out = {"+": x.add, "-": x.sub, "*": x.mul, "/": x.div}[sign](y)
        except RuntimeError:
            return  # torch comes first, and refuses to subtract truths
        if out.requires_grad:
            out.sum().backward()
        kinds.append([z.grad is not None and str(z.grad.dtype) for z in (x, y)])
    assert kinds[0] == kinds[1]


# tensor_core orders truths, and complex numbers by their real part, where torch raises; it has no
# variance of complex numbers, and says so.
LENIENT = {
    *(("argmax", k) for k in ("bool", "complex64", "complex128")),
    *((n, k) for n in ("var", "std") for k in ("complex64", "complex128")),
}


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "name", ["sum", "prod", "mean", "cumsum", "max", "argmax", "all", "exp", "sqrt", "neg", "abs",
             "floor", "sigmoid", "softmax", "std", "square", "sign", "var", "logical_not"]
)  # fmt: skip
def test_types_of_functions_of_one_tensor(name, kind):
    found = []
    for t in BOTH:
        x = t.tensor([1, 1]).to(getattr(t, kind))
        args = (0,) if name in ("cumsum", "softmax") else ()
        try:
            y = getattr(x, name)(*args)
            found.append((str(y.dtype), array(y).tolist()))
        except (RuntimeError, TypeError) as error:
            missing = "not implemented" in str(error) or "not supported" in str(error)
            found.append("raises" if not missing else None)
    if found[0] is not None and (name, kind) not in LENIENT:  # None: torch merely lacks it
        if isinstance(found[0], tuple) and isinstance(found[1], tuple):
            assert found[1][0] == found[0][0]
            np.testing.assert_allclose(found[1][1], found[0][1], rtol=2e-3)
        else:
            assert (found[0] == "raises") == (found[1] in ("raises", None))


# -- printing --------------------------------------------------------------------------------------

PRINTED = [
    lambda t: t.tensor(3.14159),
    lambda t: t.tensor(7),
    lambda t: t.tensor([True, False]),
    lambda t: t.tensor([]),
    lambda t: t.zeros(0, 3),
    lambda t: t.zeros(2, 0, dtype=t.int64),
    lambda t: t.tensor([1.0, 2.0, 3.0]),
    lambda t: t.tensor([1.5, -2.25, 1e-3]),
    lambda t: t.tensor([1e-9, 1.0]),
    lambda t: t.tensor([1e10, 1.0]),
    lambda t: t.tensor([123456.0, 0.5]),
    lambda t: t.tensor([float("inf"), -float("inf"), float("nan")]),
    lambda t: t.tensor([float("nan"), 1.0, 2.5]),
    lambda t: t.tensor([[1, -20], [300, 4]]),
    lambda t: t.arange(12).reshape(2, 2, 3),
    lambda t: t.arange(12.0).reshape(3, 4) / 7,
    lambda t: t.arange(2000),
    lambda t: t.arange(3000.0).reshape(50, 60),
    lambda t: t.arange(40.0) / 3,
    lambda t: t.arange(1200.0).reshape(2, 3, 200),
    lambda t: t.tensor([1.0], dtype=t.float64),
    lambda t: t.tensor([1, 2], dtype=t.int32),
    lambda t: t.tensor([1.0, 2.0], dtype=t.float16),
    lambda t: t.tensor(1 + 2j),
    lambda t: t.tensor([1.0, 2.0], requires_grad=True),
    lambda t: t.tensor([1.0, 2.0], dtype=t.float64, requires_grad=True),
    lambda t: t.ones(2, requires_grad=True).exp(),
    lambda t: t.ones(2, requires_grad=True) + 1,
    lambda t: t.ones(2, requires_grad=True) * 2,
    lambda t: t.ones(2, 2, requires_grad=True).sum(),
    lambda t: t.ones(2, 2, requires_grad=True).transpose(0, 1),
    lambda t: t.ones(2, 2, requires_grad=True).relu(),
    lambda t: t.ones(30, requires_grad=True).tanh(),
    lambda t: -t.ones(2, requires_grad=True),
    lambda t: t.ones(2, requires_grad=True).mean(),
    lambda t: t.ones(2, 2).requires_grad_().softmax(-1),
    lambda t: t.ones(2, 2, requires_grad=True).view(4),
    lambda t: t.ones(2, requires_grad=True) ** 2,
    lambda t: t.ones(3, 4).shape,
    lambda t: t.float32,
    lambda t: t.ones(2).device,
    lambda t: f"{t.tensor(2.5):.3f}",
    lambda t: t.tensor([-0.0, 0.0]),
    lambda t: t.full((2, 2), 1e-5),
]


@pytest.mark.parametrize("make", PRINTED)
def test_printing(make):
    theirs, ours = (make(t) for t in BOTH)
    assert repr(ours) == repr(theirs)
    assert str(ours) == str(theirs)


@given(st.lists(st.floats(width=32), min_size=1, max_size=30), st.sampled_from([1, 2, 3, 5]))
def test_printing_any_numbers(numbers, rows):
    shape = (rows, -1) if len(numbers) % rows == 0 else (-1,)
    theirs, ours = (repr(t.tensor(numbers).reshape(shape)) for t in BOTH)
    assert ours == theirs


# -- errors ----------------------------------------------------------------------------------------

ERRORS = {
    "too many indices": lambda t: t.ones(2)[0, 0],
    "index outside": lambda t: t.ones(2)[2],
    "index array outside": lambda t: t.ones(2)[[0, 5]],
    "index of a number": lambda t: t.ones(())[0],
    "float index": lambda t: t.ones(3)[1.5],
    "float tensor index": lambda t: t.ones(3)[t.tensor([1.0])],
    "text index": lambda t: t.ones(3)["a"],
    "mask of another shape": lambda t: t.ones(3)[t.tensor([True, False])],
    "negative step": lambda t: t.ones(3)[::-1],
    "index arrays that do not broadcast": lambda t: t.ones(4, 4)[[0, 1], [0, 1, 2]],
    "write outside": lambda t: t.ones(2).__setitem__(5, 1.0),
    "write of another shape": lambda t: t.ones(3).__setitem__(slice(None), t.ones(2)),
    "write at indices of another shape": lambda t: t.ones(3).__setitem__([0, 1], t.ones(3)),
    "write text": lambda t: t.ones(3).__setitem__(0, "a"),
    "item of several": lambda t: t.ones(2).item(),
    "truth of several": lambda t: bool(t.ones(2)),
    "length of a number": lambda t: len(t.ones(())),
    "walk over a number": lambda t: list(t.ones(())),
    "numpy of what needs a gradient": lambda t: t.ones(2, requires_grad=True).numpy(),
    "view of another size": lambda t: t.ones(4).view(3),
    "view across strides": lambda t: t.ones(2, 3).t().view(6),
    "reshape to another size": lambda t: t.ones(4).reshape(3, -1),
    "two unknown sizes": lambda t: t.ones(4).reshape(-1, -1),
    "no such dim": lambda t: t.ones(2).sum(2),
    "dim twice": lambda t: t.ones(2, 2).sum((0, 0)),
    "permutation": lambda t: t.ones(2, 2).permute(0, 0),
    "matmul sizes": lambda t: t.ones(2, 3) @ t.ones(2, 3),
    "matmul of a number": lambda t: t.ones(()) @ t.ones(2),
    "matmul types": lambda t: t.ones(2) @ t.ones(2, dtype=t.float64),
    "broadcast": lambda t: t.ones(2) + t.ones(3),
    "expand": lambda t: t.ones(2).expand(3),
    "cat nothing": lambda t: t.cat([]),
    "cat sizes": lambda t: t.cat([t.ones(2, 2), t.ones(3, 3)]),
    "cat a tensor": lambda t: t.cat(t.ones(2)),
    "stack sizes": lambda t: t.stack([t.ones(2), t.ones(3)]),
    "split sizes": lambda t: t.ones(4).split([1, 2]),
    "topk": lambda t: t.ones(2).topk(3),
    "gather outside": lambda t: t.ones(2).gather(0, t.tensor([3])),
    "mean of integers": lambda t: t.arange(3).mean(),
    "minus of truths": lambda t: t.tensor([True]) - t.tensor([False]),
    "unknown keyword": lambda t: t.ones(2).sum(axes=0),
    "text for a tensor": lambda t: t.exp("a"),
    "ragged list": lambda t: t.tensor([[1.0], [1.0, 2.0]]),
    "einsum equation": lambda t: t.einsum("ij,jk->il", t.ones(2, 2), t.ones(2, 2)),
    "einsum sizes": lambda t: t.einsum("ij,jk", t.ones(2, 2), t.ones(3, 2)),
    "target outside": lambda t: t.nn.functional.cross_entropy(t.ones(2, 3), t.tensor([0, 7])),
    "embedding outside": lambda t: t.nn.functional.embedding(t.tensor([5]), t.ones(2, 2)),
    "dropout": lambda t: t.nn.functional.dropout(t.ones(2), 1.5),
    "layer norm": lambda t: t.nn.functional.layer_norm(t.ones(2, 3), (2,)),
    "masks that are no masks": lambda t: t.ones(2).masked_fill(t.ones(2), 0.0),
    "shape of a product": lambda t: t.ones(2).unflatten(0, (3, 1)),
    "multinomial": lambda t: t.multinomial(t.tensor([-1.0, 2.0]), 1),
    "randint": lambda t: t.randint(3, 3, (2,)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_of_the_same_type(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, ours = (error_of(lambda t=t: ERRORS[name](t)) for t in BOTH)
    assert theirs is not None, "torch raises nothing here"
    assert ours is not None and issubclass(ours, theirs), (ours, theirs)
    tally["errors beside torch"] += 1


KEYS = (0, slice(1), slice(None), None, (0, slice(2)), (slice(None), 0), (slice(1), 0), (0, None),
        (None, slice(2)), (slice(2), None), (..., 0), (0, ..., slice(1, None)), (0, slice(0, 4)),
        (slice(None), -1, slice(None)), (slice(1, None), slice(None), 0))  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_the_step_that_made_a_part_has_torchs_name(key):
    names = [repr(t.ones(3, 4, 5, requires_grad=True)[key]).split("grad_fn=")[1] for t in BOTH]
    assert names[0] == names[1]


def test_numbers_and_tables_in_text():
    """A number is written as Python writes it, all else as by ``str``."""
    said = []
    for t in BOTH:
        x = t.tensor(1.7290102243423462, requires_grad=True)
        parts = [
            f"{x} {x:.3f} {x!r} {x * 2} {t.tensor(3)} {t.tensor(True)} {t.ones(2)} {t.ones(1)}"
        ]
        parts.append("{:>8} {}".format(t.tensor(1.5), t.tensor(1.1, dtype=t.bfloat16)))  # noqa: UP032
        parts.append(f"{t.nn.Parameter(t.tensor(2.5))} {t.tensor([[1.5]])}")
        parts += [error_of(lambda t=t: f"{t.ones(1):.2f}")]
        parts += [error_of(lambda t=t: f"{t.nn.Parameter(t.tensor(2.5)):.2f}")]
        said.append(parts)
    assert said[0] == said[1]


def test_an_array_is_handed_over_where_nothing_is_recorded():
    for t in BOTH:
        x = t.ones(2, requires_grad=True)
        with t.no_grad():
            assert x.numpy().tolist() == np.asarray(x).tolist() == [1.0, 1.0]
        with pytest.raises(RuntimeError, match="requires grad"):
            x.numpy()

"""Families of ops on shapes, dims, subscripts and keys that Hypothesis makes up, beside torch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from side_by_side import agree

from gradcheck.strategies import broadcastable_shapes, distinct, shapes

SEEDS = st.integers(0, 2**32 - 1)


def normal(seed, *sizes):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=size)) for size in sizes]


# -- broadcasting ----------------------------------------------------------------------------------

BINARY = {
    "add": lambda t, a, b: t.add(a, b, alpha=2),
    "sub": lambda t, a, b: a - b,
    "mul": lambda t, a, b: a * b,
    "div": lambda t, a, b: a / (b.abs() + 0.5),
    "floor": lambda t, a, b: t.div(a, b.abs() + 0.5, rounding_mode="floor"),
    "remainder": lambda t, a, b: a % (b.abs() + 0.5),
    "pow": lambda t, a, b: (a.abs() + 0.5) ** b,
    "maximum": lambda t, a, b: t.maximum(a, b),
    "minimum": lambda t, a, b: t.minimum(a, b),
    "clamp": lambda t, a, b: t.clamp(a, min=b),
    "lerp": lambda t, a, b: a.lerp(b.expand_as(a * b), 0.3),
    "addcmul": lambda t, a, b: a.addcmul(b, a, value=0.5),
    "less": lambda t, a, b: a < b,
    "mse": lambda t, a, b: (
        t.nn.functional.mse_loss(*t.broadcast_tensors(a, b))
        if hasattr(t, "broadcast_tensors")
        else t.nn.functional.mse_loss(a.expand_as(a * b), b.expand_as(a * b))
    ),
}


@given(st.sampled_from(sorted(BINARY)), broadcastable_shapes(2), SEEDS)
def test_two_arrays_that_broadcast(name, sizes, seed):
    agree(BINARY[name], normal(seed, *sizes))


@given(broadcastable_shapes(3), SEEDS)
def test_three_arrays_that_broadcast(sizes, seed):
    agree(lambda t, c, a, b: t.where(c > 0, a, b), normal(seed, *sizes))


@given(st.sampled_from(["add", "mul", "maximum", "where"]), shapes(), shapes(), SEEDS)
def test_shapes_that_may_not_broadcast(name, a, b, seed):
    def program(t, x, y):
        return t.where(x > 0, x, y) if name == "where" else getattr(t, name)(x, y)

    agree(program, normal(seed, a, b), order=1, same_error=True)


# -- reductions ------------------------------------------------------------------------------------

REDUCTIONS = ("sum", "mean", "var", "std", "amax", "amin", "logsumexp", "norm")
ONE_DIM = ("prod", "cumsum", "softmax", "log_softmax", "max", "min", "argmax", "sort", "all")


@st.composite
def reductions(draw):
    """An array without ties, and the dims (some of them wrong) to reduce."""
    x = draw(distinct(draw(shapes())))
    dims = st.integers(-x.ndim - 1, x.ndim)
    dim = draw(st.one_of(st.none(), dims, st.lists(dims, max_size=3).map(tuple)))
    return x, dim, draw(st.booleans())


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
@given(st.sampled_from(REDUCTIONS), reductions())
def test_reductions(name, drawn):
    x, dim, keepdim = drawn
    if name == "logsumexp" and not isinstance(dim, int) and not dim:
        return  # torch wants the dims named
    if name == "norm" and isinstance(dim, tuple) and len(dim) > 2:
        return  # torch has vectors' and matrices' norms alone
    if name in ("var", "std") and dim == ():
        return  # torch's value reduces all, its gradient nothing
    agree(lambda t, x: getattr(x, name)(dim=dim, keepdim=keepdim), [x], order=1)


@given(st.sampled_from(ONE_DIM), reductions())
def test_along_one_dim(name, drawn):
    x, dim, _ = drawn
    if isinstance(dim, int):
        agree(lambda t, x: tuple(y for y in listed(getattr(x, name)(dim=dim))), [x])


def listed(result):
    """Values alone: indices have no gradient and come along as outputs."""
    return list(result) if isinstance(result, tuple) else [result]


# -- shapes ----------------------------------------------------------------------------------------


@st.composite
def shape_steps(draw):
    """The name and arguments of one method that moves elements about; now and then wrong ones."""
    dim = st.integers(-3, 3)
    size = st.integers(0, 3)
    dims = st.lists(dim, max_size=3).map(tuple)
    steps = {
        "transpose": st.tuples(dim, dim),
        "permute": st.tuples(st.permutations([0, 1, 2])).map(lambda p: (tuple(p[0]),)),
        "reshape": st.tuples(st.lists(st.integers(-1, 4), max_size=3).map(tuple)),
        "view": st.tuples(st.lists(st.integers(-1, 4), max_size=3).map(tuple)),
        "squeeze": st.one_of(st.just(()), st.tuples(dim), st.tuples(dims)),
        "unsqueeze": st.tuples(dim),
        "expand": st.tuples(st.lists(st.integers(-1, 3), max_size=4).map(tuple)),
        "flip": st.tuples(dims),
        "roll": st.tuples(size, dim),
        "narrow": st.tuples(dim, size, size),
        "movedim": st.tuples(dim, dim),
        "diagonal": st.tuples(st.integers(-2, 2), dim, dim),
        "repeat": st.tuples(st.lists(size, max_size=4).map(tuple)),
        "repeat_interleave": st.tuples(size, dim),
        "flatten": st.tuples(dim, dim),
        "unflatten": st.tuples(dim, st.lists(st.integers(-1, 3), min_size=1, max_size=2)),
        "tril": st.tuples(dim),
        "triu": st.tuples(dim),
        "contiguous": st.just(()),
        "clone": st.just(()),
        "t": st.just(()),
        "split": st.tuples(st.integers(1, 3), dim),
        "chunk": st.tuples(st.integers(1, 3), dim),
        "unbind": st.tuples(dim),
    }
    name = draw(st.sampled_from(sorted(steps)))
    return name, draw(steps[name])


@given(st.lists(shape_steps(), min_size=1, max_size=4), shapes(max_side=3), SEEDS)
def test_chains_of_shape_ops(steps, size, seed):
    """Steps that both refuse are left out; the others must agree in values, views and strides."""

    def program(t, x):
        layout = []
        for name, args in steps:
            if (name == "roll" and not x.numel()) or (name == "repeat_interleave" and not x.ndim):
                continue  # torch looks at no dim then
            if name == "expand" and -1 in args[0][: -x.ndim or None]:
                continue  # torch makes a dimension of -1 elements
            try:
                y = getattr(x, name)(*args)
            except (RuntimeError, IndexError, ValueError, TypeError) as error:
                layout.append((name, type(error).__name__ == "TypeError"))
                continue
            x = y[-1] if isinstance(y, tuple | list) and y else y
            if isinstance(x, tuple | list):
                break
            layout.append((name, tuple(x.shape), x._is_view(), x.is_contiguous()))
        seen.append(layout)
        return x if not isinstance(x, tuple | list) else t.zeros(1, dtype=t.float64)

    seen = []
    agree(program, normal(seed, size), order=1)
    theirs, ours = seen
    assert [s[:2] for s in ours] == [s[:2] for s in theirs]


@given(broadcastable_shapes(3), st.integers(-4, 3), st.booleans(), SEEDS)
def test_joining(sizes, dim, stacked, seed):
    if set(sizes) == {(0,)}:
        return  # torch lets such a tensor pass as empty of any rank

    def program(t, *parts):
        return t.stack(parts, dim) if stacked else t.cat(parts, dim)

    agree(program, normal(seed, *sizes), order=1)


@given(shapes(), st.lists(st.integers(-1, 2), max_size=8), SEEDS)
def test_padding(size, pads, seed):
    agree(lambda t, x: t.nn.functional.pad(x, tuple(pads), value=1.5), normal(seed, size), order=1)


# -- products --------------------------------------------------------------------------------------


@given(shapes(max_dims=4, max_side=3), shapes(max_dims=4, max_side=3), st.booleans(), SEEDS)
def test_matmul(a, b, fitting, seed):
    """Any two shapes: either the same product and gradients, or an error from both."""
    if fitting and a and b:
        b = (*b[:-2], a[-1], b[-1]) if len(b) > 1 else (a[-1],)
    agree(lambda t, x, y: x @ y, normal(seed, a, b), same_error=True)


@given(shapes(max_side=4), st.integers(0, 3), st.booleans(), SEEDS)
def test_linear(size, out, with_bias, seed):
    sizes = [size, (out, size[-1] if size else 1)] + ([(out,)] if with_bias else [])
    agree(lambda t, *args: t.nn.functional.linear(*args), normal(seed, *sizes))


@st.composite
def subscripts(draw):
    """An equation, explicit or not, and shapes for it: repeats, broadcasts and ... included."""
    size = {label: draw(st.integers(1, 3)) for label in "abcd"}
    batch = draw(st.lists(st.integers(1, 3), max_size=2))
    terms, shapes_ = [], []
    for _ in range(draw(st.integers(1, 3))):
        labels = draw(st.lists(st.sampled_from("abcd"), max_size=3))
        term, shape = "", []
        dots = draw(st.sampled_from([None, None, 0, len(labels)]))
        for i in range(len(labels) + 1):
            if dots == i:
                term += "..."
                kept = draw(st.integers(0, len(batch)))
                shape += [draw(st.sampled_from([n, 1])) for n in batch[len(batch) - kept :]]
            if i < len(labels):
                term += labels[i]
                shape.append(size[labels[i]])
        terms.append(term)
        shapes_.append(tuple(shape))
    equation = ",".join(terms)
    if draw(st.booleans()):
        used = sorted({c for c in equation if c.isalpha()})
        out = draw(st.lists(st.sampled_from(used), unique=True)) if used else []
        dots = ["..."] if "..." in equation else []
        equation += "->" + "".join(draw(st.permutations([*dots, *out])))
    return equation, shapes_


@given(subscripts(), SEEDS)
def test_einsum(drawn, seed):
    equation, sizes = drawn
    agree(lambda t, *xs: t.einsum(equation, *xs), normal(seed, *sizes))

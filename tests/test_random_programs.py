"""Random programs in PyTorch's language: the same steps on both libraries, and the same end.

A program starts from a few leaves of several types and shapes and goes on with what programs are
made of: arithmetic between tensors and numbers, reductions, products, views, indexing of every
kind, writes by index, in-place methods, conversions, ``detach``, ``no_grad`` blocks and
``.data``. After every step both tell what came of it (value, type, shape, whether it
requires a gradient and is a leaf, which tensors share its memory) or the type of the error; in
the end the gradients of a weighted sum of everything are compared.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from side_by_side import array, tally, tensor

import tensor_core

ERRORS = (IndexError, RuntimeError, ValueError, TypeError)

# -- the language --------------------------------------------------------------------------------

POINTWISE = {
    "exp": lambda t, x, y: (x * 0.3).exp(),
    "tanh": lambda t, x, y: t.tanh(x),
    "sigmoid": lambda t, x, y: x.sigmoid(),
    "relu": lambda t, x, y: x.relu(),
    "abs": lambda t, x, y: abs(x),
    "neg": lambda t, x, y: -x,
    "square": lambda t, x, y: x**2,
    "sin": lambda t, x, y: x.sin(),
    "clamp": lambda t, x, y: x.clamp(-0.5, 0.75),
    "log1p": lambda t, x, y: (x * x).log1p(),
    "add": lambda t, x, y: x + y,
    "sub": lambda t, x, y: x - y,
    "mul": lambda t, x, y: x * y,
    "div": lambda t, x, y: x / (y * y + 1),
    "add number": lambda t, x, y: x + 2,
    "mul number": lambda t, x, y: 0.5 * x,
    "rsub": lambda t, x, y: 1 - x,
    "maximum": lambda t, x, y: t.maximum(x, y),
    "where": lambda t, x, y: t.where(x > 0, x, y),
    "lt": lambda t, x, y: x < y,
    "eq": lambda t, x, y: x == y,
    "floor_divide": lambda t, x, y: x.detach() // 2,
    "remainder": lambda t, x, y: x % 2,
    "and": lambda t, x, y: x & y,
    "not": lambda t, x, y: ~x,
}

REDUCING = {
    "sum": lambda t, x, y: x.sum(),
    "sum 0": lambda t, x, y: x.sum(0),
    "sum keepdim": lambda t, x, y: x.sum(-1, keepdim=True),
    "mean": lambda t, x, y: x.mean(-1),
    "var": lambda t, x, y: x.var(-1, unbiased=False),
    "max": lambda t, x, y: x.max(),
    "amax": lambda t, x, y: x.amax(0),
    "argmax": lambda t, x, y: x.argmax(-1),
    "cumsum": lambda t, x, y: x.cumsum(0),
    "prod": lambda t, x, y: x.prod(-1),
    "softmax": lambda t, x, y: x.softmax(-1),
    "logsumexp": lambda t, x, y: x.logsumexp(0),
    "all": lambda t, x, y: x.all(),
    "matmul": lambda t, x, y: (x * 1.0) @ y,
    "matmul T": lambda t, x, y: (x * 1.0) @ (x * 1.0).mT,
    "outer": lambda t, x, y: t.outer(x, y),
    "cat": lambda t, x, y: t.cat([x, y]),
    "stack": lambda t, x, y: t.stack([x, y], -1),
    "norm": lambda t, x, y: (x + 3).norm(),
}

VIEWS = {
    "view": lambda t, x, y: x.view(-1),
    "reshape": lambda t, x, y: x.reshape(-1, 1),
    "transpose": lambda t, x, y: x.transpose(0, -1),
    "permute": lambda t, x, y: x.permute(tuple(range(x.dim())[::-1])),
    "unsqueeze": lambda t, x, y: x.unsqueeze(-1),
    "squeeze": lambda t, x, y: x.squeeze(),
    "expand": lambda t, x, y: x.expand(2, *x.shape),
    "narrow": lambda t, x, y: x.narrow(0, 0, 1),
    "diagonal": lambda t, x, y: x.diagonal(),
    "select": lambda t, x, y: x.select(-1, 0),
    "split": lambda t, x, y: x.split(1, -1)[0],
    "unbind": lambda t, x, y: x.unbind()[-1],
    "view_as": lambda t, x, y: x.view_as(x),
    "unflatten": lambda t, x, y: x.flatten().unflatten(-1, (-1, 1)),
    "flatten": lambda t, x, y: x.flatten(),
    "movedim": lambda t, x, y: x.movedim(0, -1),
    "broadcast": lambda t, x, y: t.broadcast_to(x, (2, *x.shape)),
    "detach": lambda t, x, y: x.detach(),
    "data": lambda t, x, y: x.data,
    "clone": lambda t, x, y: x.clone(),
    "contiguous": lambda t, x, y: x.contiguous(),
    "double": lambda t, x, y: x.double(),
    "float": lambda t, x, y: x.float(),
    "long": lambda t, x, y: x.long(),
    "bool": lambda t, x, y: x.bool(),
    "type_as": lambda t, x, y: x.type_as(y),
    "flip": lambda t, x, y: x.flip(0),
    "repeat": lambda t, x, y: x.repeat(2, *[1] * x.dim()),
    "roll": lambda t, x, y: x.roll(1, 0),
    "triu": lambda t, x, y: x.triu(),
}

KEYS = {
    "0": lambda t, x: 0,
    "-1": lambda t, x: -1,
    "7": lambda t, x: 7,
    "1:": lambda t, x: slice(1, None),
    "::2": lambda t, x: slice(None, None, 2),
    "::-1": lambda t, x: slice(None, None, -1),
    "None": lambda t, x: None,
    "...": lambda t, x: ...,
    "..., 0": lambda t, x: (..., 0),
    ":, None": lambda t, x: (slice(None), None),
    "0, 1": lambda t, x: (0, 1),
    "[0, 0]": lambda t, x: [0, 0],
    "[1], [0]": lambda t, x: ([1], [0]),
    ":, [1, 0]": lambda t, x: (slice(None), [1, 0]),
    "[0, 1], 0": lambda t, x: ([0, 1], 0),
    "..., T2": lambda t, x: (..., t.tensor([[0, 1], [1, 0]])),
    "T0": lambda t, x: t.tensor(1),
    "mask": lambda t, x: x.detach() > 0,
    "mask 1": lambda t, x: t.arange(x.shape[0]) % 2 == 0,
    "range, T1": lambda t, x: (range(2), t.tensor([1, 0])),
    "None, [0], :": lambda t, x: (None, [0], slice(None)),
    "[0], :, [1]": lambda t, x: ([0], slice(None), [1]),
    "1.5": lambda t, x: 1.5,
}

IN_PLACE = {
    "add_": lambda x, y: x.add_(y),
    "sub_": lambda x, y: x.sub_(y, alpha=2),
    "mul_": lambda x, y: x.mul_(y),
    "mul_ number": lambda x, y: x.mul_(0.5),
    "div_": lambda x, y: x.div_(2),
    "copy_": lambda x, y: x.copy_(y),
    "fill_": lambda x, y: x.fill_(0.7),
    "zero_": lambda x, y: x.zero_(),
    "tanh_": lambda x, y: x.tanh_(),
    "relu_": lambda x, y: x.relu_(),
    "clamp_": lambda x, y: x.clamp_(-0.5, 0.8),
    "exp_": lambda x, y: x.exp_(),
    "masked_fill_": lambda x, y: x.masked_fill_(x.detach() > 0.5, 0.25),
    "data.add_": lambda x, y: x.data.add_(0.125),
    "detach_": lambda x, y: x.detach_(),
    "requires_grad_": lambda x, y: x.requires_grad_(),
    "unsqueeze_": lambda x, y: x.unsqueeze_(0),
    "t_": lambda x, y: x.t_(),
    "squeeze_": lambda x, y: x.squeeze_(),
    "neg_": lambda x, y: x.neg_(),
    "lerp_": lambda x, y: x.lerp_(y, 0.25),
    "addcmul_": lambda x, y: x.addcmul_(y, y, value=0.5),
    "index_add_": lambda x, y: x.index_add_(0, KEEP["index"](x), x.detach()[:1].clone()),
}
KEEP = {"index": lambda x: (x.detach()[:1].flatten()[:1] * 0).long()}

RESHAPING = ("unsqueeze_", "squeeze_", "t_")
TABLES = {"point": POINTWISE, "reduce": REDUCING, "view": VIEWS}
WHICH = st.integers(0, 7)


def step(kind, table, *more):
    return st.tuples(st.just(kind), st.sampled_from(sorted(table)), WHICH, WHICH, *more)


STEP = st.one_of(
    *(step(kind, table) for kind, table in TABLES.items()),
    step("view", VIEWS),
    step("get", KEYS),
    step("set", KEYS, st.sampled_from(["number", "tensor", "+=", "no_grad"])),
    step("in place", IN_PLACE, st.sampled_from(["", "", "no_grad"])),
)

# -- running it ----------------------------------------------------------------------------------


def leaves_of(t):
    rng = np.random.default_rng(3)
    leaves = [tensor(t, rng.normal(size=s)) for s in ((2, 3), (3,), ())]
    leaves[0].requires_grad_()
    leaves[1].requires_grad_()
    single = tensor(t, rng.normal(size=(3, 2)).astype(np.float32)).requires_grad_()
    return [
        *leaves,
        single,
        tensor(t, np.arange(6).reshape(2, 3)),
        tensor(t, np.array([True, False])),
    ]


def written(t, x, y, key, how):
    if how == "number":
        x[key] = 0.5 if x.is_floating_point() else 1
    elif how == "tensor":
        x[key] = y
    elif how == "+=":
        x[key] += 1
    else:
        with t.no_grad():
            x[key] = 2


def carried_out(t, tensors, kind, name, i, j, how=""):
    """One step; what it makes, if anything."""
    x, y = tensors[-1 - i % len(tensors)], tensors[j % len(tensors)]
    if kind in TABLES:
        return TABLES[kind][name](t, x, y)
    if kind == "get":
        return x[KEYS[name](t, x)]
    if kind == "set":
        written(t, x, y.clone(), KEYS[name](t, x), how)
    elif how == "no_grad":
        with t.no_grad():
            IN_PLACE[name](x, y.clone())
    else:
        IN_PLACE[name](x, y.clone())
    return None


def overlaps(x):
    return any(not s and n > 1 for s, n in zip(x.stride(), x.shape, strict=True))


def skipped(tensors, kind, name, i, j, how=""):
    """What torch does and tensor_core does not, each for its reason."""
    x = tensors[-1 - i % len(tensors)]
    if kind in ("set", "in place") and x.numel() and overlaps(x):
        return True  # torch writes masks and index lists there, and warns that it will stop
    if name == "data.add_":
        return not x.is_leaf  # behind the back of what backward has saved
    # The views of a tensor find it by the shape it had, and so do the gradients of a leaf.
    seen = any(y is not x and x.numel() and same_memory(x, y) for y in tensors)
    if name == "detach_":
        return seen  # torch remakes the other views' history only when asked, and then without it
    return name in RESHAPING and (seen or x.is_leaf)


def kind_of(error):
    """What a program would catch it as."""
    return next(kind.__name__ for kind in ERRORS if isinstance(error, kind))


def facts(x, tensors):
    """What a program can see of a tensor beside its values."""
    shares = [k for k, other in enumerate(tensors) if x.numel() and same_memory(x, other)]
    return str(x.dtype), tuple(x.shape), x.requires_grad, x.is_leaf, shares


def same_memory(x, y):
    return np.shares_memory(array_of(x), array_of(y))


def array_of(x):
    return x.detach().numpy()


def history(t, steps):
    """What every step told, all tensors, and the gradients."""
    leaves = leaves_of(t)
    tensors, told = [*leaves, leaves[0] * 1, leaves[3] * 2], []
    for one in steps:
        if skipped(tensors, *one):
            continue
        try:
            made = carried_out(t, tensors, *one)
        except ERRORS as error:
            if one[0] == "set":
                told.append((one, "refused"))
                break
            told.append((one, kind_of(error)))
            continue
        seen = target(tensors, one) if made is None else made
        if made is not None:
            tensors.append(made)
        told.append((one, facts(seen, tensors)))
    return told, tensors, gradients(t, tensors, leaves)


def target(tensors, one):
    return tensors[-1 - one[2] % len(tensors)]


def gradients(t, tensors, leaves):
    """The gradients of a weighted sum of all tensors, or the name of the error."""
    total = t.zeros((), dtype=t.float64)
    for k, x in enumerate(tensors):
        if x.requires_grad and x.numel():
            x = x.double()
            total = total + (x * (k + 1)).sum() + (x * x).sum() / 2
    try:
        total.backward()
    except ERRORS as error:
        return type(error).__name__
    return [None if x.grad is None else array(x.grad) for x in leaves]


def nearly(ours, theirs):
    """float32 numbers take part, whatever the type in the end."""
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def is_the_same_on_both(steps):
    try:
        said, theirs, expected = history(torch, steps)
    except RuntimeError as error:
        assert "view" in str(error), error
        return  # torch asks nothing more of one of several views whose base was written to
    told, ours, grads = history(tensor_core, steps)
    assert len(told) == len(said), f"after {steps[: len(told)]} one library stops"
    for a, b in zip(told, said, strict=True):
        assert a == b, f"step {a[0]}: tensor_core {a[1]}, torch {b[1]}"
    if said and said[-1][1] == "refused":
        tally["random programs that end in a refused write"] += 1
        return  # torch has written what came before the index that is out of range
    for x, y in zip(ours, theirs, strict=True):
        nearly(array(x), array(y))
    if isinstance(expected, str):
        tally["random programs whose backward raises"] += 1
        # tensor_core keeps a copy of what some writes change, where torch gives up.
        assert isinstance(grads, str) or any(kind in ("in place", "set") for kind, *_ in steps)
        return
    assert not isinstance(grads, str), f"backward raises {grads}; torch's does not"
    for g, h in zip(grads, expected, strict=True):
        assert (g is None) == (h is None)
        if g is not None:
            nearly(g, h)
    tally["random programs beside torch"] += 1


@settings(max_examples=8 * settings().max_examples)
@given(st.lists(STEP, min_size=1, max_size=8))
def test_random_programs(steps):
    is_the_same_on_both(steps)


# -- what the random programs have found, at its smallest ------------------------------------------

FOUND = {
    "a fraction times whole numbers, added in place": [("in place", "addcmul_", 1, 4, "")],
    "a truth value written by a number": [("set", "[0, 0]", 2, 1, "no_grad")],
    "a leaf that leaves the graph after use": [("in place", "detach_", 7, 7, "")],
    "a value that leaves the graph": [("in place", "detach_", 0, 0, "")],
    "a mask, and values of more dimensions": [("set", "mask", 5, 6, "tensor")],
    "part of a quotient overwritten": [
        ("point", "div", 1, 3),
        ("set", ":, None", 0, 5, "tensor"),
    ],
    "a new shape in place, not recorded": [
        ("set", ":, [1, 0]", 0, 0, "number"),
        ("in place", "unsqueeze_", 0, 5, "no_grad"),
    ],
    "all overwritten": [("in place", "fill_", 0, 0, "")],
    "one of several views": [("view", "split", 0, 0), ("in place", "mul_", 0, 1, "")],
    "softmax of whole numbers": [("reduce", "softmax", 3, 0)],
    "relu of truth values": [("point", "relu", 2, 7)],
    "an output saved in place, then changed": [
        ("in place", "tanh_", 0, 0, ""),
        ("in place", "add_", 0, 0, ""),
    ],
}


@pytest.mark.parametrize("name", FOUND)
def test_what_random_programs_have_found(name):
    is_the_same_on_both(FOUND[name])

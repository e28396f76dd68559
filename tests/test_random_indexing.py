"""Reading and writing by keys that Hypothesis makes up, and the named forms, beside torch."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from side_by_side import agree, error_of, run

from gradcheck.strategies import shapes

SEEDS = st.integers(0, 2**32 - 1)


def normal(seed, *sizes):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=size)) for size in sizes]


@st.composite
def keys(draw, shape):
    """A key of ints, slices, None, ..., lists, masks and index arrays, mixed; some out of range."""
    parts, axis, dots, size = [], 0, False, draw(st.integers(1, 3))
    while axis < len(shape) and draw(st.integers(0, 5)):
        n = shape[axis]
        kind = draw(st.sampled_from(["int", "slice", "None", "...", "list", "mask", "array"]))
        index = st.integers(-n, n - 1) if n and draw(st.integers(0, 20)) else st.integers(-n - 1, n)
        if kind == "None":
            parts.append(None)
            continue
        if kind == "...":
            if not dots:
                parts.append(Ellipsis)
                axis += draw(st.integers(0, len(shape) - axis))
            dots = True
            continue
        if kind == "int":
            parts.append(draw(index))
        elif kind == "slice":
            bound = st.one_of(st.none(), st.integers(-n - 1, n + 1))
            step = draw(st.sampled_from([None, 1, 2]))
            parts.append(slice(draw(bound), draw(bound), step))
        elif kind == "list":
            parts.append(draw(st.lists(index, min_size=1, max_size=3)))
        elif kind == "mask":
            parts.append(np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool))
        else:
            wide = draw(st.sampled_from([(size,), (1, size), (2, size), ()]))
            flat = draw(st.lists(index, min_size=int(np.prod(wide)), max_size=int(np.prod(wide))))
            parts.append(np.array(flat, np.int64).reshape(wide))
        axis += 1
    return tuple(parts)


@st.composite
def arrays_and_keys(draw):
    shape = draw(shapes(max_dims=4, max_side=4))
    return shape, draw(keys(shape))


def in_library(t, key):
    """The key with tensors for arrays; a key of one part without its tuple."""
    parts = tuple(t.from_numpy(k) if isinstance(k, np.ndarray) else k for k in key)
    return parts[0] if len(parts) == 1 else parts


def selects_nothing(shape, key):
    """Of an empty selection torch does not look whether the indices fit."""
    found = run(torch, lambda t, x: x[in_library(t, key)], [np.zeros(shape)], 1)
    return found.error is None and not found.outputs[0].size


@given(arrays_and_keys(), SEEDS)
def test_reading_by_any_key(drawn, seed):
    shape, key = drawn
    if selects_nothing(shape, key):
        return
    agree(lambda t, x: x[in_library(t, key)], normal(seed, shape), same_error=True)


@given(arrays_and_keys(), st.sampled_from(["number", "same", "one", "add"]), SEEDS)
def test_writing_by_any_key(drawn, value, seed):
    """Index arrays that name an element twice are left out: which write wins is undefined."""
    shape, key = drawn
    if selects_nothing(shape, key):
        return
    x, w = normal(seed, shape, (1,))
    probe = np.arange(x.size).reshape(shape)
    picked = []
    found = error_of(lambda: picked.append(probe[tuple(key)]))
    if found is None and len(np.unique(picked[0])) < picked[0].size and value != "number":
        return

    def program(t, x, w):
        y = x * 1
        k = in_library(t, key)
        if value == "number":
            y[k] = 2.5
        elif value == "one":
            y[k] = w
        elif value == "add":
            y[k] += w
        else:
            y[k] = y[k].detach() * w
        return y * x

    agree(program, [x, w], order=1)


@given(shapes(max_side=4), st.integers(-3, 2), st.lists(st.integers(0, 3), max_size=3), SEEDS)
def test_index_select_and_index_add(size, dim, index, seed):
    x = normal(seed, size)
    agree(lambda t, x: t.index_select(x, dim, t.tensor(index, dtype=t.int64)), x)

    def add(t, x):
        source = t.index_select(x, dim, t.tensor(index, dtype=t.int64))
        return t.index_add(x, dim, t.tensor(index, dtype=t.int64), source * source)

    agree(add, x, order=1)


@given(shapes(max_side=3), shapes(max_side=3), st.integers(-2, 2), SEEDS)
def test_gather_and_scatter(size, index_size, dim, seed):
    x, src = normal(seed, size, index_size)
    if 0 in index_size and size != index_size:
        return  # torch looks at no other size then
    limit = size[dim % len(size)] if size else 1
    index = np.asarray(np.random.default_rng(seed).integers(0, max(limit, 1), index_size))
    agree(lambda t, x: t.gather(x, dim, t.from_numpy(index)), [x])
    agree(lambda t, x, s: t.scatter_add(x, dim, t.from_numpy(index), s), [x, src])

"""Indexing: as NumPy where torch agrees with it, as torch where they differ."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tensor_core as torch

SHAPE = (3, 4, 2)


def grid(shape=SHAPE):
    return np.arange(np.prod(shape), dtype=np.float64).reshape(shape)


@st.composite
def slices(draw, n):
    ends = st.none() | st.integers(-n - 1, n + 1)
    return slice(draw(ends), draw(ends), draw(st.none() | st.integers(1, 3)))


@st.composite
def keys(draw, arrays):
    """A key for SHAPE: slices, None, ... and either integers or index arrays and masks."""
    wide = draw(st.sampled_from([(), (2,), (2, 3), (0,)]))
    key, axis = [], 0
    while axis < len(SHAPE) and draw(st.integers(0, 4)):
        n = SHAPE[axis]
        kind = draw(st.sampled_from(["slice", "none", "array" if arrays else "int"]))
        if kind == "none":
            key.append(None)
            continue
        if kind == "slice":
            key.append(draw(slices(n)))
        elif kind == "int":
            key.append(draw(st.integers(-n, n - 1)))
        else:
            shape = tuple(draw(st.sampled_from([d, 1])) for d in wide) if wide else (1,)
            if 0 in shape:
                key.append(np.zeros(shape, np.int64))
            else:
                flat = draw(st.lists(st.integers(-n, n - 1), min_size=6, max_size=6))
                key.append(np.resize(np.array(flat), shape))
        axis += 1
    if axis < len(SHAPE) and draw(st.booleans()):
        key.append(Ellipsis)
    return tuple(key)


def ours(key):
    """The key with tensors in the place of arrays."""
    return tuple(torch.tensor(k) if isinstance(k, np.ndarray) else k for k in key)


ANY = keys(arrays=True) | keys(arrays=False)


@settings(max_examples=300)
@given(ANY)
def test_reads_as_numpy(key):
    a = grid()
    expected = a[key]
    found = torch.tensor(a)[ours(key)]
    assert tuple(found.shape) == np.shape(expected)
    np.testing.assert_array_equal(found.numpy(), expected)


@settings(max_examples=200)
@given(keys(arrays=False))
def test_basic_keys_give_views(key):
    a = grid()
    t = torch.from_numpy(a)
    part = t[key]
    if part.numel():
        assert np.shares_memory(part.numpy(), a)
        part += 100
        np.testing.assert_array_equal(t.numpy(), a)
        assert (a >= 100).sum() == part.numel()


@settings(max_examples=200)
@given(ANY, st.booleans())
def test_writes_as_numpy(key, number):
    a = grid()
    t = torch.tensor(a)
    shape = np.shape(a[key])
    value = 7.5 if number else -1.0 - np.arange(np.prod(shape, dtype=int)).reshape(shape)
    repeated = len(set(np.ravel(grid()[key]))) < np.size(grid()[key])
    if repeated and not number:
        value = np.full(shape, -3.0)  # the order of repeated writes is nobody's promise
    a[key] = value
    t[ours(key)] = value if number else torch.tensor(value)
    np.testing.assert_array_equal(t.numpy(), a)


@settings(max_examples=100)
@given(ANY)
def test_the_gradient_counts_how_often_each_element_was_read(key):
    t = torch.tensor(grid(), requires_grad=True)
    y = t[ours(key)]
    count = np.zeros(SHAPE)
    np.add.at(count, key, 1)
    y.sum().backward()
    np.testing.assert_array_equal(t.grad.numpy(), count)


@settings(max_examples=100)
@given(ANY)
def test_a_write_moves_the_gradient_from_base_to_value(key):
    base = torch.tensor(grid(), requires_grad=True)
    value = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    t = base * 1
    t[ours(key)] = value
    written = np.zeros(SHAPE, bool)
    written[key] = True
    t.sum().backward()
    if base.grad is None:
        assert written.all()
    else:
        np.testing.assert_array_equal(base.grad.numpy(), ~written)
    assert value.grad is None or value.grad.item() == written.sum() or repeats(key)


def repeats(key):
    return len(set(np.ravel(grid()[key]))) < np.size(grid()[key])


@pytest.mark.parametrize("shape", [(3,), (3, 4), (3, 4, 2)])
def test_masks(shape):
    a = grid()
    mask = np.random.default_rng(3).random(shape) < 0.5
    t, m = torch.tensor(a), torch.tensor(mask)
    np.testing.assert_array_equal(t[m].numpy(), a[mask])
    t[m] = -1
    a[mask] = -1
    np.testing.assert_array_equal(t.numpy(), a)
    t[~m] *= 2
    a[~mask] *= 2
    np.testing.assert_array_equal(t.numpy(), a)


def test_masks_beside_indices():
    a = grid()
    t, mask = torch.tensor(a), np.array([True, False, True, True])
    np.testing.assert_array_equal(t[:, torch.tensor(mask)].numpy(), a[:, mask])
    picks = np.array([0, 1, 1])
    found = t[:, torch.tensor(mask), torch.tensor(picks)]
    np.testing.assert_array_equal(found.numpy(), a[:, mask, picks])
    assert t[True].shape == (1, *SHAPE) and t[False].shape == (0, *SHAPE)


def test_an_int_beside_index_arrays_selects_first():
    """NumPy counts the integer as an index array too, and moves the picked dimension to the front;
    torch selects by the integer, then indexes what is left."""
    a = grid()
    t = torch.tensor(a)
    picks = [0, 1]
    assert a[0, :, picks].shape == (2, 4)
    assert t[0, :, picks].shape == (4, 2)
    np.testing.assert_array_equal(t[0, :, picks].numpy(), a[0][:, picks])
    np.testing.assert_array_equal(t[[0, 2], :, 1].numpy(), a[:, :, 1][[0, 2]])
    t[0, :, picks] = 0
    a[0][:, picks] = 0
    np.testing.assert_array_equal(t.numpy(), a)


def test_kinds_of_indices():
    t = torch.tensor(grid())
    for key in ([0, 2], range(0, 3, 2), torch.tensor([0, 2]), np.array([0, 2]),
                torch.tensor([0, 2], dtype=torch.int32), (np.array([0, 2]), Ellipsis)):  # fmt: skip
        assert torch.equal(t[key], torch.stack([t[0], t[2]]))
    for one in (torch.tensor(1), np.int64(1), 1, -2):
        assert torch.equal(t[one], t[1:2].squeeze(0))
    assert torch.equal(t[torch.tensor(1) : torch.tensor(3)], t[1:3])
    assert t[[]].shape == (0, 4, 2)
    assert torch.equal(t[[[0, 1], [2, 2]]], t[torch.tensor([[0, 1], [2, 2]])])


MISTAKES = [
    (4, IndexError, "index 4 is out of bounds for dimension 0 with size 3"),
    ((0, -5), IndexError, "index -5 is out of bounds for dimension 1 with size 4"),
    ((0, 0, 0, 0), IndexError, "too many indices for tensor of dimension 3"),
    ([0, 3], IndexError, "index 3 is out of bounds for dimension 0 with size 3"),
    ((slice(None), [-5]), IndexError, "index -5 is out of bounds for dimension 1 with size 4"),
    (torch.zeros(3), IndexError, "must be long, int, byte or bool"),
    (torch.zeros(4, dtype=torch.bool), IndexError, r"mask \[4\] at index 0 does not match .*3, 4"),
    (slice(None, None, -1), ValueError, "step must be greater than zero"),
    ("a", TypeError, "indexed by int, slice, None"),
]


@pytest.mark.parametrize("key, kind, message", MISTAKES)
def test_mistakes_are_named(key, kind, message):
    t = torch.tensor(grid())
    with pytest.raises(kind, match=message):
        t[key]
    with pytest.raises(kind, match=message):
        t[key] = 0


def test_writes_that_do_not_fit():
    t = torch.zeros(3, 4)
    with pytest.raises(RuntimeError, match="does not broadcast"):
        t[0] = torch.zeros(3)
    with pytest.raises(RuntimeError, match="shape mismatch: value tensor of shape"):
        t[torch.tensor([0, 1])] = torch.zeros(3, 4)
    assert not t.any()


def test_a_0d_tensor():
    t = torch.tensor(5.0)
    assert t[...].item() == 5 and t[None].shape == (1,)
    with pytest.raises(IndexError, match="0-dim"):
        t[0]
    t[...] = 2
    assert t.item() == 2


def test_writes_convert_to_the_type_written_to():
    t = torch.zeros(3, dtype=torch.int64)
    t[0] = torch.tensor(2.9)
    t[1] = 3.7
    t[t == 0] = torch.tensor(4.2)
    assert t.tolist() == [2, 3, 4] and t.dtype is torch.int64
    with pytest.raises(RuntimeError, match="got int64 for the destination and float32 for"):
        t[torch.tensor([2])] = torch.tensor([4.2])  # with index arrays, torch wants equal types
    assert t.tolist() == [2, 3, 4]


def test_a_tensor_may_be_written_into_itself():
    t = torch.arange(6).reshape(2, 3)
    t[0] = t[1]
    assert t.tolist() == [[3, 4, 5], [3, 4, 5]]
    s = torch.arange(5)
    s[1:] = s[:-1].clone()
    assert s.tolist() == [0, 0, 1, 2, 3]


def test_named_forms():
    a = grid((3, 4))
    t = torch.tensor(a)
    i = np.array([[0, 3], [1, 1], [2, 0]])
    picked = np.take_along_axis(a, i, 1)
    ti = torch.tensor(i)
    np.testing.assert_array_equal(torch.gather(t, 1, ti).numpy(), picked)
    np.testing.assert_array_equal(torch.take_along_dim(t, ti, 1).numpy(), picked)
    rows = torch.tensor([2, 0])
    np.testing.assert_array_equal(torch.index_select(t, 0, rows).numpy(), a[[2, 0]])
    written = a.copy()
    np.put_along_axis(written, i, -1.0, 1)
    np.testing.assert_array_equal(t.scatter(1, ti, -1.0).numpy(), written)
    added = a.copy()
    np.add.at(added, (np.arange(3)[:, None], i), picked)
    np.testing.assert_array_equal(t.scatter_add(1, ti, torch.tensor(picked)).numpy(), added)
    more = a.copy()
    np.add.at(more, [0, 0], a[1:])
    found = t.index_add(0, torch.tensor([0, 0]), torch.tensor(a[1:]))
    np.testing.assert_array_equal(found.numpy(), more)


def test_the_padding_row_of_an_embedding_gets_no_gradient():
    table = torch.ones(3, 2, requires_grad=True)
    ids = torch.tensor([0, 2, 2, 1])
    for padding in (2, -1):
        table.grad = None
        torch.nn.functional.embedding(ids, table, padding_idx=padding).sum().backward()
        assert table.grad.tolist() == [[1, 1], [1, 1], [0, 0]]

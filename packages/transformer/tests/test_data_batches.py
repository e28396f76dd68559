"""The split into training and validation, and random batches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transformer import torch
from transformer.data import get_batch, train_val_split


@given(st.integers(0, 300), st.floats(0, 0.99))
def test_the_split_is_head_and_tail(n, fraction):
    train, val = train_val_split(list(range(n)), fraction)
    assert train.tolist() + val.tolist() == list(range(n))
    assert abs(len(val) - n * fraction) <= 1
    assert train.dtype == val.dtype == torch.int64


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
def test_ids_may_be_a_list_an_array_or_a_tensor(kind):
    train, val = train_val_split(kind([3, 1, 2, 0, 4]), 0.4)
    assert (train.tolist(), val.tolist()) == ([3, 1, 2], [0, 4])


@pytest.mark.parametrize("fraction", [-0.1, 1, 1.5])
def test_a_fraction_that_is_none(fraction):
    with pytest.raises(ValueError, match=rf"val_fraction must be in \[0, 1\), got {fraction}"):
        train_val_split([1, 2, 3], fraction)


def test_ids_must_be_one_row():
    with pytest.raises(ValueError, match=r"one row of token ids, got shape \(1, 2\)"):
        train_val_split([[1, 2]])


@given(st.integers(1, 6), st.integers(1, 9), st.integers(0, 30), st.integers(0, 2**31))
def test_targets_are_the_inputs_one_later(batch_size, block_size, more, seed):
    data = torch.arange(block_size + 1 + more) * 3
    x, y = get_batch(data, batch_size, block_size, torch.Generator().manual_seed(seed))
    assert tuple(x.shape) == tuple(y.shape) == (batch_size, block_size)
    assert x.dtype == y.dtype == torch.int64
    x, y = x.numpy(), y.numpy()
    assert (y == x + 3).all()
    assert (np.diff(x, axis=1) == 3).all()
    assert x.min() >= 0
    assert y.max() <= (block_size + more) * 3


def test_every_stretch_comes_up_the_first_and_the_last_too():
    x, _ = get_batch(torch.arange(6), 300, 3, torch.Generator().manual_seed(0))
    assert set(x[:, 0].tolist()) == {0, 1, 2}


def test_the_generator_decides_and_nothing_else():
    data = torch.arange(1000)
    batches = []
    for _ in range(2):
        torch.manual_seed(len(batches))  # the engine's own generator does not matter
        generator = torch.Generator().manual_seed(42)
        batches.append([get_batch(data, 4, 8, generator)[0].tolist() for _ in range(3)])
    assert batches[0] == batches[1]
    assert batches[0][0] != batches[0][1]


def test_the_numbers_of_seed_1337():
    # What PyTorch's generator draws for randint(992, (4,)) after manual_seed(1337).
    x, _ = get_batch(torch.arange(1000), 4, 8, torch.Generator().manual_seed(1337))
    assert x[:, 0].tolist() == [119, 925, 796, 360]


def test_a_text_too_short_for_the_block():
    with pytest.raises(ValueError) as error:
        get_batch(torch.arange(8), 1, 8)
    assert "8 tokens are too few for block_size 8, which needs at least 9" in str(error.value)
    assert get_batch(torch.arange(9), 1, 8)[0].tolist() == [list(range(8))]


@pytest.mark.parametrize(("batch_size", "block_size"), [(0, 8), (4, 0), (-1, 8)])
def test_sizes_below_one(batch_size, block_size):
    with pytest.raises(ValueError, match=f"at least 1, got {batch_size} and {block_size}"):
        get_batch(torch.arange(100), batch_size, block_size)

"""Batches whose order is a function of seed and step."""

import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transformer import Batches, torch
from transformer.data import Windows
from transformer.data.shuffle import hashed, shuffled


@given(st.integers(1, 3000), st.integers(0, 2**63))
def test_a_shuffled_row_holds_every_number_once(size, key):
    assert sorted(shuffled(np.arange(size), size, key).tolist()) == list(range(size))


@given(st.integers(1, 10**12), st.integers(0, 2**63), st.data())
def test_places_of_a_row_too_long_to_list_are_found_one_by_one(size, key, data):
    places = np.array(data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=50)))
    together = shuffled(places, size, key)
    assert together.tolist() == [
        int(shuffled(places[i : i + 1], size, key)[0]) for i in range(len(places))
    ]
    assert ((together >= 0) & (together < size)).all()
    assert len(set(together.tolist())) == len(set(places.tolist()))


@pytest.mark.parametrize("size", [3, 4])
def test_all_orders_of_a_short_row_are_about_equally_likely(size):
    drawn = 2400
    counts = Counter(tuple(shuffled(np.arange(size), size, key)) for key in range(drawn))
    orders = {3: 6, 4: 24}[size]
    assert len(counts) == orders
    expected = drawn / orders
    chi2 = sum((n - expected) ** 2 / expected for n in counts.values())
    assert chi2 < orders - 1 + 5 * np.sqrt(2 * (orders - 1))  # five deviations of chi-squared


def test_a_shuffled_row_looks_random():
    size = 1000
    rows = np.array([shuffled(np.arange(size), size, key) for key in range(200)])
    mean = (size - 1) / 2
    deviation = np.sqrt((size**2 - 1) / 12 / 200)  # of the mean of 200 fair draws
    assert np.abs(rows.mean(axis=0) - mean).max() < 5 * deviation, "no place prefers some numbers"
    steps = np.corrcoef(rows[:, :-1].ravel(), rows[:, 1:].ravel())[0, 1]
    assert abs(steps) < 5 / np.sqrt(rows.size), "neighbours have nothing to do with each other"
    fixed = (rows == np.arange(size)).sum(axis=1)
    assert abs(fixed.mean() - 1) < 0.4, "a random permutation leaves one in its place"


def test_the_hash_is_splitmix64():
    # The first outputs of splitmix64 seeded with 0, as Vigna's reference prints them.
    from_zero = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert [int(hashed(i)[0]) for i in range(3)] == from_zero


@given(
    more=st.integers(1, 400),
    block=st.integers(1, 30),
    stride=st.none() | st.integers(1, 40),
    batch=st.integers(1, 9),
    seed=st.integers(-5, 2**40),
)
def test_each_epoch_visits_every_window_once(more, block, stride, batch, seed):
    n = block + more
    batches = Batches(torch.arange(n), batch, block, seed, stride=stride)
    size, stride = batches.windows, stride or block
    steps = -(-3 * size // batch)
    x = torch.cat([batches.at(step)[0] for step in range(steps)])[:, 0].numpy()
    for epoch in range(3):
        starts = np.sort(x[epoch * size : (epoch + 1) * size])
        assert (np.diff(starts) == stride).all()
        assert 0 <= starts[0] < stride
        assert starts[-1] + block < n
        left = n - 1 - block - starts[-1]  # what could still have begun a window
        assert left < 2 * stride


@given(st.integers(0, 10**15), st.sampled_from(["shuffled", "random", "sequential"]))
def test_any_step_comes_at_once_and_targets_follow_inputs(step, order):
    batches = Batches(np.arange(500, dtype=np.uint16), 5, 7, seed=3, order=order)
    x, y = batches.at(step)
    assert x.dtype == y.dtype == torch.int64
    assert tuple(x.shape) == (5, 7)
    assert (y.numpy() == x.numpy() + 1).all()
    again = Batches(torch.arange(500), 5, 7, seed=3, order=order).at(step)
    assert (again[0].numpy() == x.numpy()).all()


@given(st.integers(0, 50), st.integers(1, 12), st.integers(1, 5))
def test_workers_share_the_very_same_batch(step, batch, workers):
    batches = Batches(torch.arange(300), batch, 8, seed=1)
    x, y = (part.numpy() for part in batches.at(step))
    together = np.full_like(x, -1), np.full_like(y, -1)
    for rank in range(workers):
        rows = slice(rank, None, workers)
        together[0][rows], together[1][rows] = (p.numpy() for p in batches.rows(step, rows))
    assert (together[0] == x).all() and (together[1] == y).all()
    assert batches.rows(step, slice(0, 0))[0].shape == (0, 8)


def test_seeds_and_epochs_differ_in_order_and_in_cuts():
    starts = {}
    for seed in range(3):
        batches = Batches(torch.arange(10_000), 16, 32, seed)
        for epoch in range(4):
            first = range(epoch * batches.windows // 16 + 1, epoch * batches.windows // 16 + 4)
            rows = [int(row) for step in first for row in batches.at(step)[0][:, 0]]
            starts[seed, epoch] = tuple(rows)
    assert len(set(starts.values())) == 12
    assert len({rows[0] % 32 for rows in starts.values()}) > 6, "the cuts move"


def test_sequential_goes_from_end_to_end_and_begins_anew():
    batches = Batches(torch.arange(21), 2, 4, order="sequential")
    assert (batches.windows, len(batches)) == (5, 3)
    assert [batches.epoch(step) for step in range(6)] == [0, 0, 0, 1, 1, 2]
    assert [batches.at(i)[0][:, 0].tolist() for i in range(3)] == [[0, 4], [8, 12], [16, 0]]


def test_random_windows_begin_anywhere():
    batches = Batches(torch.arange(12), 50, 4, order="random")
    x = torch.cat([batches.at(i)[0][:, 0] for i in range(40)]).tolist()
    counts = np.bincount(x, minlength=8)
    assert len(counts) == 8 and (np.abs(counts - 250) < 5 * np.sqrt(250)).all()


def test_another_process_draws_the_same():
    program = (
        "from transformer import Batches, torch\n"
        "print(Batches(torch.arange(999), 4, 8, seed=5).at(12345)[0].tolist())"
    )
    run = [sys.executable, "-c", program]
    env = {**os.environ, "PYTHONHASHSEED": "99"}
    done = subprocess.run(run, capture_output=True, text=True, env=env, check=True)
    here = Batches(torch.arange(999), 4, 8, seed=5).at(12345)[0].tolist()
    assert done.stdout.strip() == str(here)


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"8 tokens are too few for block_size 8, which needs at"):
        Batches(torch.arange(8), 1, 8)
    assert len(Batches(torch.arange(9), 1, 8)) == 1
    with pytest.raises(ValueError, match="unknown order 'shuffle'; there are shuffled, random"):
        Batches(torch.arange(9), 1, 8, order="shuffle")
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        Batches(torch.arange(9), 0, 8)
    with pytest.raises(ValueError, match="at least 1, got 0 and 0"):
        Batches(torch.arange(9), 1, 0)
    with pytest.raises(ValueError, match="step must be at least 0, got -1"):
        Batches(torch.arange(9), 1, 8).at(-1)
    with pytest.raises(ValueError, match=r"one row of token ids, got shape \(3, 3\) of int64"):
        Batches(torch.arange(9).view(3, 3), 1, 2)
    with pytest.raises(ValueError, match=r"one row of token ids, got shape \(4,\) of float"):
        Batches(torch.ones(4), 1, 2)
    with pytest.raises(ValueError, match=r"packed in rows of 4 tokens, not of block_size 8"):
        Batches(Windows(torch.arange(50), 4), 1, 8)


def test_the_order_is_part_of_what_a_run_is_resumed_from():
    # Not to change: a run that was begun before the change would go on with other batches.
    assert shuffled(np.arange(10), 10, 7).tolist() == [3, 5, 1, 4, 6, 2, 7, 8, 0, 9]
    far = shuffled(np.arange(3) + 10**9, 10**12, 7)
    assert far.tolist() == [808249409343, 590521758539, 255490922314]
    batches = Batches(torch.arange(10_000), 4, 32, seed=1337)
    assert [batches.at(step)[0][:, 0].tolist() for step in (0, 77, 10**6)] == [
        [346, 4346, 1786, 5722],
        [7002, 2298, 9114, 2008],
        [6422, 1782, 7446, 1014],
    ]

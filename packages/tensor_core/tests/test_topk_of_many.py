"""The few largest of many are found by selecting: the same ones, in the order of sorting."""

import numpy as np
import pytest

import tensor_core as torch


def by_sorting(row, k, largest):
    """NaN before all else among the largest, after all else among the smallest; ties in place."""
    keys = np.where(np.isnan(row), np.inf, row) * (-1.0 if largest else 1.0)
    order = np.lexsort((np.arange(len(row)), keys, ~np.isnan(row) if largest else np.isnan(row)))
    return order[:k]


KINDS = {
    "distinct": lambda rng, n: rng.permutation(n).astype(np.float64),
    "ties": lambda rng, n: np.round(rng.normal(size=n), 1),
    "all equal": lambda rng, n: np.zeros(n),
    "a few nan": lambda rng, n: np.where(np.arange(n) % 700 == 3, np.nan, rng.normal(size=n)),
    "many nan": lambda rng, n: np.where(np.arange(n) % 3 == 0, np.nan, rng.normal(size=n)),
    "nothing but nan": lambda rng, n: np.where(np.arange(n) == 5, 1.0, np.nan),
    "infinite": lambda rng, n: np.where(np.arange(n) % 5 == 0, -np.inf, rng.normal(size=n)),
}


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n", "k"), [(1024, 1), (1500, 100), (2048, 256), (2048, 257)])
def test_the_same_as_by_sorting(kind, largest, n, k):
    rows = np.stack([KINDS[kind](np.random.default_rng(seed), n) for seed in range(2)])
    values, places = torch.topk(torch.from_numpy(rows), k, largest=largest)
    expected = np.stack([by_sorting(row, k, largest) for row in rows])
    np.testing.assert_array_equal(places.numpy(), expected)
    np.testing.assert_array_equal(values.numpy(), np.take_along_axis(rows, expected, 1))
    _, down = torch.topk(torch.from_numpy(rows.T.copy()), k, dim=0, largest=largest)
    np.testing.assert_array_equal(down.numpy(), expected.T)

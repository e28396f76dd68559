"""The CTC loss is its definition: the sum over all paths, and its derivative through a softmax."""

import itertools

import numpy as np
import pytest
from differences import central

import tensor_core as torch

STEPS, CLASSES = 4, 3


def written(path, blank):
    """What a path says: repeats merge, then blanks go."""
    return [c for c, _ in itertools.groupby(path) if c != blank]


def by_definition(chances, labels, blank):
    paths = itertools.product(range(CLASSES), repeat=len(chances))
    rows = range(len(chances))
    said = [p for p in paths if written(p, blank) == labels]
    return -np.log(sum(np.prod(chances[rows, list(p)]) for p in said))


def loss(logits, labels, blank, steps=STEPS):
    logs = logits.log_softmax(-1)
    given = torch.tensor(labels, dtype=torch.long)
    return torch.nn.functional.ctc_loss(logs, given, (steps,), (len(labels),), blank, "sum")


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("places", [[], [0], [0, 0], [1, 0], [0, 1, 0]])
def test_the_loss_is_the_sum_over_paths(places, blank):
    labels = [[c for c in range(CLASSES) if c != blank][i] for i in places]
    logits = np.random.default_rng(0).normal(size=(STEPS, CLASSES))
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    for steps in (3, STEPS):
        found = loss(torch.tensor(logits), labels, blank, steps).item()
        np.testing.assert_allclose(found, by_definition(chances[:steps], labels, blank), 1e-12)


@pytest.mark.parametrize("labels", [[], [1], [1, 1], [2, 1, 2]])
def test_the_gradient_of_logits_is_the_derivative(labels):
    logits = np.random.default_rng(1).normal(size=(STEPS, CLASSES))
    x = torch.from_numpy(logits).requires_grad_()
    loss(x, labels, 0).backward()
    expected = central(lambda: loss(torch.from_numpy(logits), labels, 0).item(), logits)
    np.testing.assert_allclose(x.grad.numpy(), expected, 1e-6, 1e-8)


def test_rows_that_no_path_writes():
    x = torch.zeros(1, CLASSES, requires_grad=True)
    assert loss(x, [1, 1], 0, 1).item() == np.inf
    logs, labels = x.log_softmax(-1), torch.tensor([1, 1])
    given = torch.nn.functional.ctc_loss(logs, labels, (1,), (2,), zero_infinity=True)
    given.backward()
    assert given.item() == 0 and not x.grad.any()

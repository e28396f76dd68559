"""The CTC loss beside torch: values, gradients of logits and of log-probabilities, reductions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from side_by_side import BOTH, array

from gradcheck import check_grads


@st.composite
def batches(draw):
    n, steps, classes = draw(st.integers(1, 3)), draw(st.integers(1, 7)), draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    blank = draw(st.integers(0, classes - 1))
    lengths = rng.integers(0, 4, n)
    labels = rng.integers(0, classes - 1, (n, 3))
    labels += labels >= blank  # labels are not the blank
    rows = draw(st.booleans())
    if not rows:
        labels = np.concatenate([row[:k] for row, k in zip(labels, lengths, strict=True)])
    logits = rng.normal(size=(steps, n, classes))
    return logits, labels, rng.integers(1, steps + 1, n), lengths, blank


def losses(t, batch, reduction, zero_infinity):
    logits, labels, steps, lengths, blank = batch
    x = t.from_numpy(logits.copy()).requires_grad_()
    logs = x.log_softmax(2)
    logs.retain_grad()
    y = t.nn.CTCLoss(blank, reduction, zero_infinity)(
        logs, t.from_numpy(labels), t.from_numpy(steps), t.from_numpy(lengths)
    )
    y.sum().backward()
    return [array(v) for v in (y, logs.grad, x.grad)]


@given(batches(), st.sampled_from(["none", "mean", "sum"]), st.booleans())
def test_losses_and_gradients(batch, reduction, zero_infinity):
    theirs, ours = (losses(t, batch, reduction, zero_infinity) for t in BOTH)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, 1e-7, 1e-9)


def test_finite_differences():
    rng = np.random.default_rng(0)
    labels, steps, lengths = np.array([[1, 1], [2, 0]]), np.array([5, 4]), np.array([2, 1])

    def program(x):
        t = BOTH[1]
        given = (t.from_numpy(a) for a in (labels, steps, lengths))
        return t.nn.functional.ctc_loss(x.log_softmax(2), *given, reduction="none")

    report = check_grads(program, [rng.normal(size=(5, 2, 3))], engine="tensor_core", order=1)
    assert report.verdict == "pass", str(report)


ERRORS = {
    "blank outside": lambda t, logs: t.nn.CTCLoss(9)(logs, t.ones(1, 1).long(), (2,), (1,)),
    "too many steps": lambda t, logs: t.nn.CTCLoss()(logs, t.ones(1, 1).long(), (9,), (1,)),
    "too few lengths": lambda t, logs: t.nn.CTCLoss()(logs, t.ones(1, 1).long(), (), (1,)),
    "too few labels": lambda t, logs: t.nn.CTCLoss()(logs, t.ones(1, 1).long(), (2,), (3,)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    kinds = []
    for t in BOTH:
        with pytest.raises(Exception) as caught:
            ERRORS[name](t, t.zeros(2, 1, 3).log_softmax(2))
        kinds.append(caught.type)
    assert kinds[0] is kinds[1]


def test_one_sequence_without_a_batch():
    found = []
    for t in BOTH:
        logs = t.linspace(0, 1, 12).reshape(4, 3).log_softmax(1)
        y = t.nn.CTCLoss(reduction="none")(logs, t.tensor([1, 2]), t.tensor(4), t.tensor(2))
        found.append((tuple(y.shape), round(y.item(), 5)))
    assert found[0] == found[1]

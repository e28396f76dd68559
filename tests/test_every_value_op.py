"""Every card of scalar_value: finite differences and torch, first and second derivative.

A Value is a Python float, so there is one precision to try: float64.
"""

import random

import numpy as np
import pytest
import torch
from side_by_side import tally
from torch.nn import functional as F

import scalar_value
from gradcheck import check_grads
from scalar_value import Value, grad, losses, registry

CASES = [
    pytest.param(op, case, id=f"{op.name}{case}")
    for op in registry.values()
    for case in op.cases(random.Random(0))
]
# torch calls the slope of x ** n at n = 0 the constant 0, which the next derivative tells wrong.
WRONG_IN_TORCH = ("pow", (2.0, 0.0))


def primals(case):
    return [np.asarray(float(x)) for x in case]


@pytest.mark.parametrize(("op", "case"), CASES)
def test_finite_differences(op, case):
    arrays = primals(case)
    domain = [(0.0, None) if op.name in ("log", "sqrt") else None for _ in arrays]
    if op.name == "pow":
        domain[0] = (0.0, None)
    report = check_grads(op, arrays, engine="scalar_value", order=2, domain=domain, name=op.name)
    tally["scalar cases by finite differences"] += 1
    tally["comparisons by gradcheck"] += report.checks
    tally["inconclusive verdicts"] += report.verdict == "inconclusive"
    assert report.verdict == "pass", f"{op.name}{case}\n{report}"


def torch_function(op):
    """The torch function a card names, of 0-d tensors alone."""
    if op.name == "leaky_relu":  # torch's slope is a number: the same function, both differentiable
        return lambda x, slope: torch.where(x > 0, x, slope * x)
    found = torch
    for part in op.torch.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize(("op", "case"), [c for c in CASES if c.values[0].torch])
def test_torch(op, case):
    xs = [torch.tensor(float(x), dtype=torch.float64, requires_grad=True) for x in case]
    vs = [Value(float(x)) for x in case]
    y, v = torch_function(op)(*xs), op(*vs)
    assert v.data == pytest.approx(y.item(), rel=1e-12, abs=1e-14)
    slopes = torch.autograd.grad(y, xs, create_graph=True)
    ours = grad(v, vs, create_graph=True)
    assert [s.data for s in ours] == pytest.approx([s.item() for s in slopes], rel=1e-11, abs=1e-13)
    if (op.name, case) == WRONG_IN_TORCH:
        return
    for s, t in zip(ours, slopes, strict=True):
        curvatures = [0.0] * len(xs)
        if t.requires_grad:
            found = torch.autograd.grad(t, xs, retain_graph=True, allow_unused=True)
            curvatures = [0.0 if c is None else c.item() for c in found]
        assert grad(s, vs) == pytest.approx(curvatures, rel=1e-9, abs=1e-12)
    tally["scalar cases beside torch"] += 1


def test_every_card_has_cases_and_torch_or_a_reason():
    """affine is the one card without a counterpart: a neuron's sum as one node."""
    assert [op.name for op in registry.values() if not op.torch] == ["affine"]
    assert all(list(op.cases(random.Random(0))) for op in registry.values())


def test_affine_beside_torch():
    case = next(c for c in registry["affine"].cases(random.Random(3)) if len(c) == 7)
    b, w, x = case[0], case[1:4], case[4:]
    ts = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (b, w, x)]
    y = ts[0] + (ts[1] * ts[2]).sum()
    vs = [Value(v) for v in case]
    v = registry["affine"](*vs)
    assert v.data == pytest.approx(y.item())
    expected = torch.cat([g.reshape(-1) for g in torch.autograd.grad(y, ts)]).tolist()
    assert grad(v, vs) == pytest.approx(expected)


# -- what is composed of cards -------------------------------------------------------------------

SCORES = np.array([[0.3, -1.2, 0.8], [1.1, 0.4, -0.6]])
LABELS = [1.0, -1.0, 1.0]


def of_rows(loss, targets):
    return lambda s: loss([list(row) for row in s], targets)


COMPOSED = {
    "mse": (lambda s: losses.mse(list(s[0]), list(s[1])), lambda s: F.mse_loss(s[0], s[1])),
    "hinge": (
        lambda s: losses.hinge(list(s[0]), LABELS),
        lambda s: (1 - s[0] * torch.tensor(LABELS, dtype=s.dtype)).relu().mean(),
    ),
    "binary_cross_entropy": (
        lambda s: losses.binary_cross_entropy(list(s[0]), [1.0, 0.0, 0.3]),
        lambda s: F.binary_cross_entropy_with_logits(
            s[0], torch.tensor([1.0, 0.0, 0.3], dtype=s.dtype)
        ),
    ),
    "cross_entropy": (
        of_rows(losses.cross_entropy, [2, 0]),
        lambda s: F.cross_entropy(s, torch.tensor([2, 0])),
    ),
    "dot": (
        lambda s: scalar_value.dot(list(s[0]), list(s[1]), s[0][0]),
        lambda s: s[0] @ s[1] + s[0][0],
    ),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_composed(name):
    ours, theirs = COMPOSED[name]
    assert check_grads(ours, [SCORES], engine="scalar_value", order=2).verdict == "pass"
    x = torch.tensor(SCORES, requires_grad=True)
    y = theirs(x)
    values = np.vectorize(Value, otypes=[object])(SCORES)
    v = ours(values)
    assert v.data == pytest.approx(y.item(), rel=1e-12)
    (slopes,) = torch.autograd.grad(y, x)
    assert grad(v, list(values.reshape(-1))) == pytest.approx(slopes.reshape(-1).tolist())
    tally["scalar cases beside torch"] += 1

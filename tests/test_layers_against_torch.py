"""Layers beside torch: same seed, same weights, texts, outputs, gradients, states."""

import numpy as np
import pytest
import torch
from nn_pairs import ours_of, same, theirs_of
from side_by_side import BOTH, array

import tensor_core

reals, ids = "reals", "ids"  # what a layer is fed
LAYERS = {
    "Linear": (lambda t: t.nn.Linear(7, 5), [(reals, (4, 7))]),
    "Linear 3-d": (lambda t: t.nn.Linear(3, 50, bias=False), [(reals, (2, 4, 3))]),
    "Linear float64": (lambda t: t.nn.Linear(3, 2, dtype=t.float64), [("doubles", (4, 3))]),
    "Bilinear": (lambda t: t.nn.Bilinear(2, 3, 4), [(reals, (5, 2)), (reals, (5, 3))]),
    "Identity": (lambda t: t.nn.Identity(3, a=1), [(reals, (2,))]),
    "Flatten": (lambda t: t.nn.Flatten(1, 2), [(reals, (2, 3, 4, 5))]),
    "Unflatten": (lambda t: t.nn.Unflatten(1, (2, 3)), [(reals, (4, 6))]),
    "Embedding": (lambda t: t.nn.Embedding(9, 4), [(ids, (3, 5))]),
    "Embedding padded": (lambda t: t.nn.Embedding(9, 4, padding_idx=-2), [(ids, (3, 5))]),
    "LayerNorm": (lambda t: t.nn.LayerNorm(6), [(reals, (3, 4, 6))]),
    "LayerNorm 2-d": (lambda t: t.nn.LayerNorm([4, 6], 1e-3, bias=False), [(reals, (3, 4, 6))]),
    "LayerNorm bare": (lambda t: t.nn.LayerNorm(6, elementwise_affine=False), [(reals, (3, 6))]),
    "RMSNorm": (lambda t: t.nn.RMSNorm(6), [(reals, (3, 4, 6))]),
    "RMSNorm eps": (lambda t: t.nn.RMSNorm(6, 1e-2, False), [(reals, (3, 6))]),
    "GroupNorm": (lambda t: t.nn.GroupNorm(2, 4), [(reals, (3, 4, 5, 2))]),
    "GroupNorm bare": (lambda t: t.nn.GroupNorm(2, 4, affine=False), [(reals, (3, 4))]),
    "BatchNorm1d": (lambda t: t.nn.BatchNorm1d(4), [(reals, (6, 4))]),
    "BatchNorm1d 3-d": (lambda t: t.nn.BatchNorm1d(4, momentum=None), [(reals, (6, 4, 3))]),
    "BatchNorm1d bare": (
        lambda t: t.nn.BatchNorm1d(4, affine=False, track_running_stats=False),
        [(reals, (6, 4))],
    ),
    "Dropout": (lambda t: t.nn.Dropout(0.3), [(reals, (20, 30))]),
    "Dropout all": (lambda t: t.nn.Dropout(1.0), [(reals, (3, 4))]),
    "ReLU": (lambda t: t.nn.ReLU(), [(reals, (4, 5))]),
    "ReLU inplace": (
        lambda t: t.nn.Sequential(t.nn.Linear(5, 5), t.nn.ReLU(inplace=True)),
        [(reals, (4, 5))],
    ),
    "ReLU6": (lambda t: t.nn.ReLU6(), [("wide", (4, 5))]),
    "LeakyReLU": (lambda t: t.nn.LeakyReLU(0.2), [(reals, (4, 5))]),
    "PReLU": (lambda t: t.nn.PReLU(5), [(reals, (4, 5, 2))]),
    "PReLU one": (lambda t: t.nn.PReLU(), [(reals, (4,))]),
    "ELU": (lambda t: t.nn.ELU(0.7), [(reals, (4, 5))]),
    "GELU": (lambda t: t.nn.GELU(), [(reals, (4, 5))]),
    "GELU tanh": (lambda t: t.nn.GELU(approximate="tanh"), [(reals, (4, 5))]),
    "GLU": (lambda t: t.nn.GLU(0), [(reals, (4, 5))]),
    "SiLU": (lambda t: t.nn.SiLU(), [("wide", (4, 5))]),
    "Mish": (lambda t: t.nn.Mish(), [(reals, (4, 5))]),
    "Tanh": (lambda t: t.nn.Tanh(), [(reals, (4, 5))]),
    "Sigmoid": (lambda t: t.nn.Sigmoid(), [("wide", (4, 5))]),
    "LogSigmoid": (lambda t: t.nn.LogSigmoid(), [("wide", (4, 5))]),
    "Softsign": (lambda t: t.nn.Softsign(), [(reals, (4, 5))]),
    "Softplus": (lambda t: t.nn.Softplus(2.0, 5.0), [("wide", (4, 5))]),
    "Softmax": (lambda t: t.nn.Softmax(dim=1), [(reals, (4, 5, 2))]),
    "LogSoftmax": (lambda t: t.nn.LogSoftmax(dim=-1), [("wide", (4, 5))]),
    "MSELoss": (lambda t: t.nn.MSELoss(), [(reals, (4, 5)), (reals, (4, 5))]),
    "L1Loss": (lambda t: t.nn.L1Loss(reduction="sum"), [(reals, (4, 5)), (reals, (4, 5))]),
    "SmoothL1Loss": (lambda t: t.nn.SmoothL1Loss(beta=0.5), [(reals, (4, 5)), (reals, (4, 5))]),
    "CrossEntropyLoss": (lambda t: t.nn.CrossEntropyLoss(), [(reals, (6, 9)), (ids, (6,))]),
    "CrossEntropyLoss options": (
        lambda t: t.nn.CrossEntropyLoss(
            weight=t.arange(1, 10).float(), ignore_index=2, label_smoothing=0.1
        ),
        [(reals, (6, 9)), (ids, (6,))],
    ),
    "CrossEntropyLoss 3-d": (
        lambda t: t.nn.CrossEntropyLoss(reduction="none"),
        [(reals, (6, 9, 2)), (ids, (6, 2))],
    ),
    "NLLLoss": (lambda t: t.nn.NLLLoss(ignore_index=1), [(reals, (6, 9)), (ids, (6,))]),
    "BCELoss": (lambda t: t.nn.BCELoss(), [("chances", (4, 5)), ("chances", (4, 5))]),
    "BCEWithLogitsLoss": (
        lambda t: t.nn.BCEWithLogitsLoss(pos_weight=t.tensor([1.0, 2.0, 3.0])),
        [("wide", (4, 3)), ("chances", (4, 3))],
    ),
    "KLDivLoss": (
        lambda t: t.nn.KLDivLoss(reduction="batchmean"),
        [(reals, (4, 5)), ("chances", (4, 5))],
    ),
    "KLDivLoss log": (
        lambda t: t.nn.KLDivLoss(reduction="sum", log_target=True),
        [(reals, (4, 5)), (reals, (4, 5))],
    ),
    "Sequential": (
        lambda t: t.nn.Sequential(t.nn.Linear(7, 20), t.nn.GELU(), t.nn.Linear(20, 3)),
        [(reals, (4, 7))],
    ),
    "deep": (
        lambda t: t.nn.Sequential(
            *[t.nn.Sequential(t.nn.LayerNorm(8), t.nn.Linear(8, 8), t.nn.ReLU()) for _ in range(3)]
        ),
        [(reals, (2, 8))],
    ),
}


def fed(kind, shape, seed):
    rng = np.random.default_rng(seed)
    if kind == ids:
        return rng.integers(0, 9, shape)
    if kind == "chances":
        return rng.uniform(0.05, 0.95, shape).astype(np.float32)
    scale = 10 if kind == "wide" else 1
    return (rng.normal(size=shape) * scale).astype(np.float64 if kind == "doubles" else np.float32)


def made(name):
    """The layer of both libraries, from the same seed."""
    layers = []
    for library in BOTH:
        library.manual_seed(1337)
        layers.append(LAYERS[name][0](library))
    return layers


def called(library, layer, arrays):
    """Outputs and inputs of one call; only what can have a gradient asks for one."""
    inputs = [library.from_numpy(a.copy()) for a in arrays]
    for i, x in enumerate(inputs):
        if i == 0 and x.is_floating_point():
            x.requires_grad_()
    library.manual_seed(7)
    return layer(*inputs), inputs


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    theirs, ours = made(name)
    assert repr(ours) == repr(theirs)
    state, expected = ours.state_dict(), theirs.state_dict()
    assert list(state) == list(expected)
    assert dict(state._metadata) == dict(expected._metadata)
    for key, value in expected.items():
        assert np.array_equal(array(state[key]), array(value)), key
    arrays = [fed(kind, shape, i) for i, (kind, shape) in enumerate(LAYERS[name][1])]
    (y, x), (b, a) = called(torch, theirs, arrays), called(tensor_core, ours, arrays)
    same(b, y)
    assert tuple(b.shape) == tuple(y.shape)
    if y.requires_grad:
        g = np.random.default_rng(9).normal(size=y.shape).astype(array(y).dtype)
        y.backward(torch.from_numpy(np.asarray(g)))
        b.backward(tensor_core.from_numpy(np.asarray(g)))
        for (key, p), (_, q) in zip(
            ours.named_parameters(), theirs.named_parameters(), strict=True
        ):
            assert key and (p.grad is None) == (q.grad is None), key
            same(p.grad, q.grad, 2e-5)
        if x[0].requires_grad:
            same(a[0].grad, x[0].grad, 2e-5)
    for key, value in theirs.state_dict().items():  # running statistics
        same(ours.state_dict()[key], value)
    theirs.eval()
    ours.eval()
    same(called(tensor_core, ours, arrays)[0], called(torch, theirs, arrays)[0])


@pytest.mark.parametrize("name", LAYERS)
def test_states_move_both_ways(name):
    theirs, ours = made(name)
    ours.load_state_dict(ours_of(dict(theirs.state_dict())))
    assert str(theirs.load_state_dict(theirs_of(dict(ours.state_dict())))) == (
        "<All keys matched successfully>"
    )

"""Convolution, pooling and their like against their definitions, written as loops."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tensor_core as torch
from tensor_core import nn
from tensor_core.nn import functional as F


def correlated(x, w, stride, padding, dilation, groups):
    """The definition: for every output element the sum over its window."""
    n = w.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    per_group = len(w) // groups
    out = [
        (size - d * (k - 1) - 1) // s + 1
        for size, d, k, s in zip(x.shape[2:], dilation, w.shape[2:], stride, strict=True)
    ]
    y = np.zeros((len(x), len(w), *out))
    for o in range(len(w)):
        first = o // per_group * w.shape[1]
        channels = x[:, first : first + w.shape[1]]
        for place in itertools.product(*map(range, out)):
            window = channels[
                (
                    ...,
                    *(
                        slice(i * s, i * s + d * (k - 1) + 1, d)
                        for i, s, d, k in zip(place, stride, dilation, w.shape[2:], strict=True)
                    ),
                )
            ]
            y[(slice(None), o, *place)] = (window * w[o]).sum(axis=tuple(range(1, n + 2)))
    return y


@st.composite
def geometries(draw):
    n = draw(st.integers(1, 2))
    each = [tuple(draw(st.integers(*r)) for _ in range(n)) for r in ((1, 3), (0, 2), (1, 2))]
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(n))
    sizes = tuple(
        d * (k - 1) + draw(st.integers(1, 4)) for k, d in zip(kernel, each[2], strict=True)
    )
    groups = draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    x = rng.normal(size=(draw(st.integers(0, 3)), 2 * groups, *sizes))
    return n, x, rng.normal(size=(groups * draw(st.integers(1, 2)), 2, *kernel)), *each, groups


@given(geometries())
def test_convolution_is_its_definition(case):
    n, x, w, *how = case
    y = getattr(F, f"conv{n}d")(torch.tensor(x), torch.tensor(w), None, *how)
    np.testing.assert_allclose(y.numpy(), correlated(x, w, *how), 1e-10, 1e-12)


@given(geometries())
def test_the_transposed_convolution_is_the_adjoint(case):
    """``<conv(x), u> == <x, conv_transpose(u)>`` for every x and u."""
    n, x, w, stride, padding, dilation, groups = case
    w_t = torch.tensor(w)
    y = getattr(F, f"conv{n}d")(torch.tensor(x), w_t, None, stride, padding, dilation, groups)
    u = torch.tensor(np.random.default_rng(1).normal(size=tuple(y.shape)))
    reach = [
        (k - 1) * s - 2 * p + d * (j - 1) + 1
        for k, s, p, d, j in zip(y.shape[2:], stride, padding, dilation, w.shape[2:], strict=True)
    ]
    extra = [size - r for size, r in zip(x.shape[2:], reach, strict=True)]
    back = getattr(F, f"conv_transpose{n}d")(u, w_t, None, stride, padding, extra, groups, dilation)
    assert tuple(back.shape) == x.shape
    assert float((y * u).sum()) == pytest.approx(float((back * torch.tensor(x)).sum()), abs=1e-9)


def test_pieces_join_to_the_whole():
    """A result too large for one piece equals that of its samples and of its parts."""
    rng = np.random.default_rng(0)
    x, w = (
        torch.tensor(rng.normal(size=(3, 16, 90, 60))),
        torch.tensor(rng.normal(size=(4, 16, 3, 3))),
    )
    whole = F.conv2d(x, w)
    each = torch.cat([F.conv2d(x[i : i + 1], w) for i in range(3)])
    assert torch.allclose(whole, each)
    assert torch.allclose(whole[:, :, 40:43], F.conv2d(x[:, :, 40:45], w))


def test_no_memory_is_shared_with_the_input():
    x = torch.ones(1, 1, 2, 2)
    same = [
        F.max_pool2d(x, 1), F.avg_pool2d(x, 1), F.adaptive_avg_pool2d(x, 2), F.unfold(x, 1),
        F.interpolate(x, 2), F.conv2d(x, torch.ones(1, 1, 1, 1)),
    ]  # fmt: skip
    for y in same:
        y.zero_()
    assert float(x.sum()) == 4


@given(st.integers(1, 3), st.integers(1, 3), st.booleans(), st.integers(1, 7))
def test_pools_are_their_definition(kernel, stride, ceil, size):
    kernel = min(kernel, size)
    x = np.random.default_rng(size).normal(size=(2, size))
    starts = [i for i in range(0, size, stride) if i + kernel <= size or ceil]
    count = (math.ceil if ceil else math.floor)((size - kernel) / stride) + 1
    starts = starts[:count]
    blocks = [x[:, i : i + kernel] for i in starts]
    most = F.max_pool1d(torch.tensor(x), kernel, stride, ceil_mode=ceil)
    mean = F.avg_pool1d(torch.tensor(x), kernel, stride, ceil_mode=ceil)
    np.testing.assert_array_equal(most.numpy(), np.stack([b.max(1) for b in blocks], 1))
    np.testing.assert_allclose(mean.numpy(), np.stack([b.mean(1) for b in blocks], 1))


def test_results_lie_in_memory_as_their_shape_says():
    x, w = torch.rand(2, 3, 6, 6), torch.rand(3, 2, 3, 3)
    folded = F.fold(F.unfold(x, 3, padding=1), (6, 6), 3, padding=1)
    assert all(y.is_contiguous() for y in (F.conv_transpose2d(x, w, None, 2, 1), folded))


def test_unfold_and_fold_are_adjoint_and_convolve():
    rng = np.random.default_rng(0)
    x, w = torch.tensor(rng.normal(size=(2, 3, 5, 4))), torch.tensor(rng.normal(size=(2, 3, 2, 3)))
    columns = F.unfold(x, (2, 3), padding=1)
    y = w.reshape(2, -1) @ columns
    assert torch.allclose(y.reshape(2, 2, 6, 4), F.conv2d(x, w, padding=1))
    u = torch.tensor(rng.normal(size=tuple(columns.shape)))
    folded = F.fold(u, (5, 4), (2, 3), padding=1)
    assert float((u * columns).sum()) == pytest.approx(float((folded * x).sum()))


def test_batch_norm_normalises_and_tracks():
    norm = nn.BatchNorm2d(2, momentum=None)
    batches = [torch.tensor(np.random.default_rng(i).normal(i, 2, (4, 2, 3, 3))) for i in range(3)]
    for x in batches:
        y = norm(x.float())
        np.testing.assert_allclose(y.mean((0, 2, 3)).detach().numpy(), 0, atol=1e-5)
        np.testing.assert_allclose(y.var((0, 2, 3), False).detach().numpy(), 1, atol=1e-4)
    means = np.mean([x.numpy().mean((0, 2, 3)) for x in batches], 0)
    np.testing.assert_allclose(norm.running_mean.numpy(), means, 1e-5)
    assert norm.num_batches_tracked.item() == 3


@pytest.mark.parametrize(("mode", "expected"), [
    ("reflect", [2, 1, 0, 1, 2, 1]),
    ("replicate", [0, 0, 0, 1, 2, 2]),
    ("circular", [1, 2, 0, 1, 2, 0]),
])  # fmt: skip
def test_borders(mode, expected):
    assert F.pad(torch.tensor([[0, 1, 2]]), (2, 1), mode).flatten().tolist() == expected


def test_whole_channels_are_dropped():
    torch.manual_seed(0)
    y = F.dropout2d(torch.ones(50, 20, 2, 2), 0.3)
    assert y.unique().tolist() == pytest.approx([0, 1 / 0.7])
    assert bool((y == y[:, :, :1, :1]).all())
    assert 0.6 < float((y > 0).float().mean()) < 0.8


def test_alpha_dropout_keeps_mean_and_variance():
    torch.manual_seed(0)
    y = F.alpha_dropout(torch.randn(200_000), 0.2, training=True)
    assert abs(float(y.mean())) < 0.01
    assert abs(float(y.var()) - 1) < 0.02

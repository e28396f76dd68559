"""Inside ``autocast("cpu")`` every operation gives torch's type and torch's numbers."""

import numpy as np
import pytest
import torch

import tensor_core

BOTH = (torch, tensor_core)
RNG = np.random.default_rng(11)
X, W = (RNG.normal(size=s).astype(np.float32) for s in ((3, 4), (4, 5)))

# Of (library, functional, x, w, h), where h = x @ w has been computed inside the block.
OPERATIONS = {
    "matmul": lambda t, F, x, w, h: h,
    "method": lambda t, F, x, w, h: x.matmul(w),
    "mm": lambda t, F, x, w, h: t.mm(x, w),
    "bmm": lambda t, F, x, w, h: t.bmm(x[None], w[None]),
    "addmm": lambda t, F, x, w, h: t.addmm(t.ones(5), x, w),
    "baddbmm": lambda t, F, x, w, h: t.baddbmm(t.ones(1, 3, 5), x[None], w[None]),
    "matrix times vector": lambda t, F, x, w, h: x @ w[:, 0],
    "mv": lambda t, F, x, w, h: t.mv(x, w[:, 0]),
    "dot": lambda t, F, x, w, h: t.dot(x[0], x[1]),
    "outer": lambda t, F, x, w, h: t.outer(x[0], x[1]),
    "einsum": lambda t, F, x, w, h: t.einsum("ij,jk->ik", x, w),
    "einsum of one": lambda t, F, x, w, h: t.einsum("ij->ji", x),
    "linear": lambda t, F, x, w, h: F.linear(x, w.T, t.ones(5)),
    "conv1d": lambda t, F, x, w, h: F.conv1d(x[None], w[None, :3, :2].transpose(0, 1)[:, :1]
                                             .expand(3, 3, 2)),
    "attention": lambda t, F, x, w, h: F.scaled_dot_product_attention(x[None], x[None], x[None]),
    "layer_norm": lambda t, F, x, w, h: F.layer_norm(h, (5,), t.arange(5.0), t.ones(5)),
    "rms_norm": lambda t, F, x, w, h: F.rms_norm(x, (4,), t.ones(4)),
    "gelu": lambda t, F, x, w, h: F.gelu(h),
    "softmax": lambda t, F, x, w, h: F.softmax(h, -1),
    "add": lambda t, F, x, w, h: h + t.ones(5),
    "cat": lambda t, F, x, w, h: t.cat([h, t.ones(3, 5)]),
    "sum": lambda t, F, x, w, h: h.sum(),
    "cross_entropy": lambda t, F, x, w, h: F.cross_entropy(h, t.tensor([0, 1, 2])),
    "mse_loss": lambda t, F, x, w, h: F.mse_loss(h, 2 * h),
    "kl_div": lambda t, F, x, w, h: F.kl_div(h, F.softmax(h, -1), reduction="sum"),
    "bce": lambda t, F, x, w, h: F.binary_cross_entropy_with_logits(h, t.ones(3, 5)),
    "prod": lambda t, F, x, w, h: t.prod(h),
    "double": lambda t, F, x, w, h: x.double() @ w.double(),
    "switched off inside": lambda t, F, x, w, h: off(t, x, w),
}  # fmt: skip


def off(t, x, w):
    with t.autocast("cpu", enabled=False):
        inside = x @ w
    assert (x @ w).dtype is t.bfloat16
    return inside


def outcome(t, name, kind):
    x, w = (t.from_numpy(a.copy()).requires_grad_() for a in (X, W))
    with t.autocast("cpu", dtype=getattr(t, kind)):
        assert t.is_autocast_enabled("cpu")
        y = OPERATIONS[name](t, t.nn.functional, x, w, x @ w)
    assert not t.is_autocast_enabled("cpu")
    assert (x @ w).dtype is t.float32
    y.float().sum().backward()
    grads = [g.grad.numpy() for g in (x, w) if g.grad is not None]
    return str(y.dtype), [y.detach().float().numpy(), *grads]


@pytest.mark.parametrize("name", OPERATIONS)
def test_types_and_numbers_are_torchs(name):
    (theirs, wanted), (ours, found) = (outcome(t, name, "bfloat16") for t in BOTH)
    assert ours == theirs
    assert len(found) == len(wanted)
    for x, y in zip(found, wanted, strict=True):
        np.testing.assert_allclose(x, y, rtol=2**-7, atol=2**-7 * np.abs(y).max(initial=0))


def test_half_and_the_decorator():
    for t in BOTH:
        x, w = t.from_numpy(X), t.from_numpy(W)
        product = t.autocast("cpu", dtype=t.float16)(t.matmul)
        assert product(x, w).dtype is t.float16


def test_an_error_inside_leaves_nothing_behind():
    for t in BOTH:
        with pytest.raises(RuntimeError), t.autocast("cpu"):
            t.ones(2, 3) @ t.ones(2, 3)
        assert (t.ones(1, 2) @ t.ones(2, 1)).dtype is t.float32


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM", "LSTMCell"])
def test_recurrent_layers_are_refused_rather_than_rounded_elsewhere(name):
    layer = getattr(tensor_core.nn, name)(2, 3)
    x = tensor_core.ones(1, 2)
    with tensor_core.autocast("cpu"):
        with pytest.raises(RuntimeError, match="not supported"):
            layer(x)
        with tensor_core.autocast("cpu", enabled=False):
            layer(x)

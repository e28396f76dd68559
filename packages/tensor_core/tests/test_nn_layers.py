"""Layers against their formulas written in NumPy."""

import numpy as np
import pytest

import tensor_core as torch
from tensor_core import nn


def close(tensor, expected, tolerance=1e-6):
    np.testing.assert_allclose(tensor.detach().numpy(), expected, tolerance, tolerance)


def values(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_linear():
    layer, x = nn.Linear(3, 2), values(4, 5, 3)
    w, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    close(layer(torch.from_numpy(x)), x @ w.T + b, 1e-5)
    assert np.abs(w).max() <= 1 / np.sqrt(3) and nn.Linear(3, 2, bias=False).bias is None
    assert nn.Linear(3, 2, dtype=torch.float64).weight.dtype is torch.float64


def test_bilinear():
    layer, x, y = nn.Bilinear(2, 3, 4), values(5, 2), values(5, 3, seed=1)
    w, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    expected = np.einsum("ni,kij,nj->nk", x, w, y) + b
    close(layer(torch.from_numpy(x), torch.from_numpy(y)), expected, 1e-5)


def test_flatten_and_unflatten():
    x = torch.from_numpy(values(2, 3, 4))
    assert nn.Flatten()(x).shape == (2, 12) and nn.Flatten(0, 1)(x).shape == (6, 4)
    assert nn.Unflatten(1, (3, 1))(x).shape == (2, 3, 1, 4)
    with pytest.raises(TypeError):
        nn.Unflatten(1, (1.5, 2))


def test_embedding_rows_and_padding():
    layer = nn.Embedding(5, 3, padding_idx=-1)
    assert layer.padding_idx == 4 and layer.weight[4].tolist() == [0, 0, 0]
    out = layer(torch.tensor([[0, 4], [1, 0]]))
    assert out.shape == (2, 2, 3)
    out.sum().backward()
    assert layer.weight.grad[:, 0].tolist() == [2, 1, 0, 0, 0]


def test_embedding_from_a_table():
    table = torch.from_numpy(values(4, 2))
    layer = nn.Embedding.from_pretrained(table)
    assert not layer.weight.requires_grad and layer.num_embeddings == 4
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad
    with pytest.raises(AssertionError, match="2-dimensional"):
        nn.Embedding.from_pretrained(torch.zeros(3))


def test_layer_norm():
    layer, x = nn.LayerNorm((3, 4), eps=1e-3), values(2, 3, 4)
    mean, var = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    close(layer(torch.from_numpy(x)), (x - mean) / np.sqrt(var + 1e-3), 1e-5)
    assert nn.LayerNorm(4, bias=False).bias is None
    assert nn.LayerNorm(4, elementwise_affine=False).weight is None


def test_rms_norm():
    x = values(2, 4)
    expected = x / np.sqrt((x * x).mean(-1, keepdims=True) + 0.1)
    close(nn.RMSNorm(4, eps=0.1)(torch.from_numpy(x)), expected, 1e-5)


def test_group_norm():
    layer, x = nn.GroupNorm(2, 4), values(3, 4, 5)
    groups = x.reshape(3, 2, -1)
    mean, std = groups.mean(-1, keepdims=True), np.sqrt(groups.var(-1, keepdims=True) + 1e-5)
    with torch.no_grad():
        layer.weight.copy_(torch.arange(4).float())
    expected = ((groups - mean) / std).reshape(x.shape) * np.arange(4)[:, None]
    close(layer(torch.from_numpy(x)), expected, 1e-5)
    with pytest.raises(ValueError, match="divisible"):
        nn.GroupNorm(3, 4)


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 5)])
def test_batch_norm_trains_tracks_and_evaluates(shape):
    layer, x = nn.BatchNorm1d(3, momentum=0.25), values(*shape)
    axes = (0,) if x.ndim == 2 else (0, 2)
    count = x.size // 3
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    close(layer(torch.from_numpy(x)), (x - mean) / np.sqrt(var + 1e-5), 1e-5)
    close(layer.running_mean, 0.25 * mean.ravel())
    close(layer.running_var, 0.75 + 0.25 * var.ravel() * count / (count - 1))
    assert layer.num_batches_tracked.item() == 1
    layer.eval()
    like = (1, 3, 1)[: x.ndim]
    rm, rv = (t.numpy().reshape(like) for t in (layer.running_mean, layer.running_var))
    close(layer(torch.from_numpy(x)), (x - rm) / np.sqrt(rv + 1e-5), 1e-5)


def test_batch_norm_needs_more_than_one_value():
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        nn.BatchNorm1d(3)(torch.zeros(1, 3))
    with pytest.raises(ValueError, match="2D or 3D"):
        nn.BatchNorm1d(3)(torch.zeros(3))


def test_batch_norm_averages_all_batches_without_momentum():
    layer = nn.BatchNorm1d(1, momentum=None)
    for x in ([[0.0], [2.0]], [[4.0], [6.0]]):
        layer(torch.tensor(x))
    assert layer.running_mean.item() == 3.0


def test_dropout_scales_what_it_keeps():
    torch.manual_seed(0)
    layer, x = nn.Dropout(0.25), torch.ones(4000)
    out = layer(x).numpy()
    assert set(np.unique(out)) == {np.float32(0), np.float32(1 / 0.75)}
    assert 0.2 < (out == 0).mean() < 0.3
    assert layer.eval()(x).tolist() == x.tolist()
    with pytest.raises(ValueError, match="between 0 and 1"):
        nn.Dropout(1.5)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


ACTIVATIONS = [
    (nn.ReLU(), lambda x: np.maximum(x, 0)),
    (nn.ReLU6(), lambda x: np.clip(x, 0, 6)),
    (nn.LeakyReLU(0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
    (nn.PReLU(init=0.3), lambda x: np.where(x > 0, x, 0.3 * x)),
    (nn.ELU(0.5), lambda x: np.where(x > 0, x, 0.5 * np.expm1(x))),
    (nn.SiLU(), lambda x: x * sigmoid(x)),
    (nn.Mish(), lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    (
        nn.GELU("tanh"),
        lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    ),
    (nn.Tanh(), np.tanh),
    (nn.Sigmoid(), sigmoid),
    (nn.LogSigmoid(), lambda x: np.log(sigmoid(x))),
    (nn.Softsign(), lambda x: x / (1 + np.abs(x))),
    (nn.Softplus(2.0), lambda x: np.log1p(np.exp(2 * x)) / 2),
    (nn.GLU(), lambda x: x[:, :2] * sigmoid(x[:, 2:])),
    (nn.Softmax(dim=1), lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True)),
    (nn.LogSoftmax(dim=0), lambda x: x - np.log(np.exp(x).sum(0, keepdims=True))),
]


@pytest.mark.parametrize(
    ("layer", "formula"), ACTIVATIONS, ids=lambda a: getattr(a, "_get_name", str)()
)
def test_activation(layer, formula):
    x = values(5, 4) * 3
    close(layer(torch.from_numpy(x)), formula(x.astype(np.float64)), 1e-5)


@pytest.mark.parametrize("kind", [nn.ReLU, nn.ReLU6, nn.SiLU, nn.Mish, nn.LeakyReLU, nn.ELU])
def test_activation_in_place(kind):
    x = torch.from_numpy(values(6))
    expected = kind()(x).tolist()
    out = kind(inplace=True)(x)
    assert out is x and x.tolist() == pytest.approx(expected)


def test_losses():
    x, y = values(4, 3), values(4, 3, seed=1)
    a, b = torch.from_numpy(x), torch.from_numpy(y)
    close(nn.MSELoss()(a, b), ((x - y) ** 2).mean())
    close(nn.MSELoss(reduction="none")(a, b), (x - y) ** 2)
    close(nn.L1Loss(reduction="sum")(a, b), np.abs(x - y).sum())
    d = np.abs(x - y)
    close(nn.SmoothL1Loss(beta=0.5)(a, b), np.where(d < 0.5, d * d, d - 0.25).mean())
    ids = np.array([0, 2, 1, 0])
    logp = x - np.log(np.exp(x).sum(1, keepdims=True))
    close(nn.CrossEntropyLoss()(a, torch.tensor(ids)), -logp[range(4), ids].mean())
    close(
        nn.NLLLoss(ignore_index=0)(torch.from_numpy(logp), torch.tensor(ids)),
        -(logp[1, 2] + logp[2, 1]) / 2,
    )
    p, t = sigmoid(x), sigmoid(y)
    bce = -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()
    close(nn.BCELoss()(torch.from_numpy(p), torch.from_numpy(t)), bce, 1e-5)
    close(nn.BCEWithLogitsLoss()(a, torch.from_numpy(t)), bce, 1e-5)
    kl = (t * (np.log(t) - logp)).sum() / 4
    close(
        nn.KLDivLoss(reduction="batchmean")(torch.from_numpy(logp), torch.from_numpy(t)), kl, 1e-5
    )


@pytest.mark.parametrize(
    ("old", "reduction"),
    [
        ({"size_average": False}, "sum"),
        ({"reduce": False}, "none"),
        ({"size_average": True}, "mean"),
        ({"reduce": True}, "mean"),
    ],
)
def test_losses_take_the_old_arguments(old, reduction):
    with pytest.warns(UserWarning, match="size_average and reduce"):
        assert nn.MSELoss(**old).reduction == reduction


def test_loss_weight_is_a_buffer():
    loss = nn.CrossEntropyLoss(weight=torch.ones(3))
    assert list(loss.state_dict()) == ["weight"] and list(loss.parameters()) == []

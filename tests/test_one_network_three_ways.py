"""One small network on scalar_value, tensor_core and torch: same loss, gradients, and theirs."""

from itertools import pairwise

import numpy as np
import pytest
from side_by_side import BOTH, array, tally

import scalar_value

SIZES = [3, 4, 4, 2]
TOLERANCE = {"rel": 1e-11, "abs": 1e-13}


def data():
    rng = np.random.default_rng(5)
    return rng.normal(size=(6, 3)), np.array([0, 1, 1, 0, 1, 0])


def weights(sizes=SIZES):
    """One (out, in) matrix and one vector a layer."""
    rng = np.random.default_rng(1)
    return [(rng.normal(size=(o, i)) * 0.8, rng.normal(size=o) * 0.3) for i, o in pairwise(sizes)]


def of_values(activation, sizes=SIZES):
    """The network of Values with those weights."""
    mlp = scalar_value.nn.MLP(sizes[0], sizes[1:], activation=activation)
    for layer, (w, b) in zip(mlp.layers, weights(sizes), strict=True):
        for neuron, row, bias in zip(layer.neurons, w, b, strict=True):
            neuron.b.data = float(bias)
            for value, number in zip(neuron.w, row, strict=True):
                value.data = float(number)
    return mlp


def of_tensors(library, activation, sizes=SIZES):
    """The network of tensors with those weights."""
    layers = []
    for w, b in weights(sizes):
        linear = library.nn.Linear(w.shape[1], w.shape[0], dtype=library.float64)
        linear.load_state_dict({"weight": library.from_numpy(w), "bias": library.from_numpy(b)})
        layers += [linear, activation()]
    return library.nn.Sequential(*layers[:-1])


def flat(values):
    """All numbers in a network's order of parameters: a neuron's weights, then its bias."""
    out = []
    for w, b in zip(values[::2], values[1::2], strict=True):
        for row, bias in zip(w, b, strict=True):
            out += [*row.tolist(), float(bias)]
    return out


def losses(x, y):
    """The three ways' losses by name, each a function of a network."""

    def value_loss(mlp):
        rows = [mlp([float(v) for v in row]) for row in x]
        return scalar_value.losses.cross_entropy(rows, [int(t) for t in y])

    def tensor_loss(library):
        logits_of, target = library.from_numpy(x), library.from_numpy(y)
        return lambda net: library.nn.functional.cross_entropy(net(logits_of), target)

    return value_loss, tensor_loss


@pytest.mark.parametrize("name", ["tanh", "relu", "sigmoid", "gelu"])
def test_loss_and_gradients(name):
    modules = {"tanh": "Tanh", "relu": "ReLU", "sigmoid": "Sigmoid", "gelu": "GELU"}
    x, y = data()
    value_loss, tensor_loss = losses(x, y)
    mlp = of_values(getattr(scalar_value, name))
    loss = value_loss(mlp)
    loss.backward()
    for library in BOTH:
        net = of_tensors(library, getattr(library.nn, modules[name]))
        theirs = tensor_loss(library)(net)
        assert loss.data == pytest.approx(theirs.item(), **TOLERANCE)
        theirs.backward()
        expected = flat([array(p.grad) for p in net.parameters()])
        assert [p.grad for p in mlp.parameters()] == pytest.approx(expected, **TOLERANCE)
    tally["networks three ways"] += 1


def test_gradients_of_gradients():
    """The Hessian times a vector, for a network small enough for Values."""
    sizes = [3, 3, 2]
    x, y = data()
    value_loss, tensor_loss = losses(x[:3], y[:3])
    mlp = of_values(scalar_value.tanh, sizes)
    slopes = scalar_value.grad(value_loss(mlp), mlp.parameters(), create_graph=True)
    v = np.random.default_rng(2).normal(size=len(slopes)).tolist()
    product = scalar_value.dot(slopes, v)
    hessian_v = scalar_value.grad(product, mlp.parameters())
    for library in BOTH:
        net = of_tensors(library, library.nn.Tanh, sizes)
        ps = list(net.parameters())
        grads = library.autograd.grad(tensor_loss(library)(net), ps, create_graph=True)
        rest, pieces = iter(v), []
        for w, _ in zip(ps[::2], ps[1::2], strict=True):  # v in the network's order of parameters
            rows = [[next(rest) for _ in range(w.shape[1] + 1)] for _ in range(w.shape[0])]
            block = np.array(rows)
            pieces += [block[:, :-1], block[:, -1]]
        total = sum(
            (g * library.from_numpy(np.ascontiguousarray(p))).sum()
            for g, p in zip(grads, pieces, strict=True)
        )
        found = library.autograd.grad(total, ps)
        assert hessian_v == pytest.approx(flat([array(h) for h in found]), rel=1e-9, abs=1e-11)
    tally["networks three ways"] += 1


def test_training_keeps_them_together():
    """Twenty steps of momentum: the losses stay equal to ten digits."""
    x, y = data()
    value_loss, tensor_loss = losses(x, y)
    mlp = of_values(scalar_value.tanh)
    nets = [of_tensors(library, library.nn.Tanh) for library in BOTH]
    optimizers = [
        library.optim.SGD(net.parameters(), lr=0.1) for library, net in zip(BOTH, nets, strict=True)
    ]
    for _ in range(20):
        loss = value_loss(mlp)
        mlp.zero_grad()
        loss.backward()
        for p in mlp.parameters():
            p.data -= 0.1 * p.grad
        for library, net, optimizer in zip(BOTH, nets, optimizers, strict=True):
            theirs = tensor_loss(library)(net)
            optimizer.zero_grad()
            theirs.backward()
            optimizer.step()
            assert loss.data == pytest.approx(theirs.item(), rel=1e-10)

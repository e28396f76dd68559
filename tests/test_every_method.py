"""Every differentiable Tensor method, operator and alias by its own name, beside torch."""

import numpy as np
import pytest
from elementwise_programs import FUNCTIONS as ELEMENTWISE_FUNCTIONS
from elementwise_programs import METHODS as ELEMENTWISE_METHODS
from nn_programs import FUNCTIONS as NN_FUNCTIONS
from op_cards import Call, cases
from shape_programs import FUNCTIONS as SHAPE_FUNCTIONS
from shape_programs import METHODS as SHAPE_METHODS
from side_by_side import agree, tally
from spatial_programs import FUNCTIONS as SPATIAL_FUNCTIONS

from tensor_core import Tensor, registry

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3))
POSITIVE = np.abs(Y) + 0.5
SQUARE = RNG.normal(size=(3, 3))
MASK = X > 0
IDS = np.array([1, 0, 1])


def write(x, key, value):
    """A write into a copy, as an expression."""
    y = x * 1
    y[key] = value
    return y


def changed(name):
    """``x op= y`` on a copy."""

    def program(t, x, y):
        z = x * 1
        return getattr(z, name)(y)

    return program


def from_the_right(t, x, y):
    """``ndarray @ tensor``, which torch cannot."""
    return x @ y if t.__name__ == "torch" else x.numpy() @ y


# What has no card of its own name, and what its card calls in another order: a program and arrays.
OWN = {
    **SHAPE_METHODS,
    **ELEMENTWISE_METHODS,
    "T": (lambda t, x: x.T, [X]),
    "mT": (lambda t, x: x.mT, [X]),
    "real": (lambda t, x: x.real * 2, [X]),
    "absolute": (lambda t, x: x.absolute(), [X]),
    "absolute_": (lambda t, x: (x * 1).absolute_(), [X]),
    "add": (lambda t, x, y: x.add(y, alpha=3), [X, Y]),
    "add_": (lambda t, x, y: (x * 1).add_(y, alpha=3), [X, Y]),
    "addcdiv": (lambda t, x, y: x.addcdiv(x, y, value=2), [X, POSITIVE]),
    "addcdiv_": (lambda t, x, y: (x * 1).addcdiv_(x, y, value=2), [X, POSITIVE]),
    "addcmul": (lambda t, x, y: x.addcmul(x, y, value=2), [X, Y]),
    "addcmul_": (lambda t, x, y: (x * 1).addcmul_(x, y, value=2), [X, Y]),
    "arccos": (lambda t, x: x.arccos(), [X / 9]),
    "arcsin": (lambda t, x: x.arcsin(), [X / 9]),
    "arctan": (lambda t, x: x.arctan(), [X]),
    "clamp_max": (lambda t, x: x.clamp_max(0.3), [X]),
    "clamp_max_": (lambda t, x: (x * 1).clamp_max_(0.3), [X]),
    "clamp_min": (lambda t, x: x.clamp_min(0.3), [X]),
    "clamp_min_": (lambda t, x: (x * 1).clamp_min_(0.3), [X]),
    "clip": (lambda t, x: x.clip(-0.5, 0.5), [X]),
    "clip_": (lambda t, x: (x * 1).clip_(-0.5, 0.5), [X]),
    "clone": (lambda t, x: x.clone(), [X]),
    "copy_": (lambda t, x, y: (x * 1).copy_(y), [X, Y]),
    "cpu": (lambda t, x: x.cpu() * x, [X]),
    "div": (lambda t, x, y: x.div(y), [X, POSITIVE]),
    "div_": (lambda t, x, y: (x * 1).div_(y), [X, POSITIVE]),
    "divide": (lambda t, x, y: x.divide(y), [X, POSITIVE]),
    "divide_": (lambda t, x, y: (x * 1).divide_(y), [X, POSITIVE]),
    "double": (lambda t, x: x.double() * x, [X]),
    "expand_as": (lambda t, x, y: x.expand_as(y) * y, [X[0], Y]),
    "fill_": (lambda t, x, y: (x * 1).fill_(y.sum()) * x, [X, Y]),
    "float": (lambda t, x: x.float() * 2, [X]),
    "floor_divide_": (lambda t, x, y: (x * 1).detach().floor_divide_(y.detach()), [X, POSITIVE]),
    "floor_divide": (lambda t, x, y: x.detach().floor_divide(y.detach()), [X, POSITIVE]),
    "ger": (lambda t, x, y: x[0].ger(y[1]), [X, Y]),
    "half": (lambda t, x: x.half() * 2, [X]),
    "lerp": (lambda t, x, y: x.lerp(y, 0.3), [X, Y]),
    "lerp_": (lambda t, x, y: (x * 1).lerp_(y, 0.3), [X, Y]),
    "moveaxis": (lambda t, x: x.moveaxis(0, 1), [X]),
    "multiply": (lambda t, x, y: x.multiply(y), [X, Y]),
    "multiply_": (lambda t, x, y: (x * 1).multiply_(y), [X, Y]),
    "negative": (lambda t, x: x.negative(), [X]),
    "negative_": (lambda t, x: (x * 1).negative_(), [X]),
    "prod": (lambda t, x: x.prod(1), [X]),
    "reshape_as": (lambda t, x, y: x.reshape_as(y), [X, Y.T.copy()]),
    "std": (lambda t, x: x.std(1, unbiased=False), [X]),
    "subtract": (lambda t, x, y: x.subtract(y), [X, Y]),
    "subtract_": (lambda t, x, y: (x * 1).subtract_(y), [X, Y]),
    "swapaxes": (lambda t, x: x.swapaxes(0, 1), [X]),
    "swapdims": (lambda t, x: x.swapdims(0, 1), [X]),
    "to": (lambda t, x: x.to(t.float64) * x, [X]),
    "true_divide": (lambda t, x, y: x.true_divide(y), [X, POSITIVE]),
    "type": (lambda t, x: x.type(t.float64) * x, [X]),
    "type_as": (lambda t, x, y: x.type_as(y) * y, [X, Y]),
    "var": (lambda t, x: x.var(0, keepdim=True, correction=0), [X]),
    "view": (lambda t, x: x.view(3, -1), [X]),
    "view_as": (lambda t, x, y: x.view_as(y), [X, Y.T.copy()]),
    "where": (lambda t, x, y: x.where(x > 0, y), [X, Y]),
    "zero_": (lambda t, x: (x * 1).zero_() + x, [X]),
    "__add__": (lambda t, x, y: x + y, [X, Y]),
    "__radd__": (lambda t, x: 2 + x, [X]),
    "__sub__": (lambda t, x, y: x - y, [X, Y]),
    "__rsub__": (lambda t, x: 2 - x, [X]),
    "__mul__": (lambda t, x, y: x * y, [X, Y]),
    "__rmul__": (lambda t, x: 2 * x, [X]),
    "__truediv__": (lambda t, x, y: x / y, [X, POSITIVE]),
    "__rtruediv__": (lambda t, x: 2 / x, [POSITIVE]),
    "__floordiv__": (lambda t, x: x.detach() // 0.7, [X]),
    "__rfloordiv__": (lambda t, x: 2 // x.detach(), [POSITIVE]),
    "__mod__": (lambda t, x, y: x % y, [X, POSITIVE]),
    "__rmod__": (lambda t, x: 2 % x.detach(), [POSITIVE]),
    "__pow__": (lambda t, x: x**3 + x**2 + x**0.5, [POSITIVE]),
    "__rpow__": (lambda t, x: 2**x, [X]),
    "__matmul__": (lambda t, x, y: x @ y, [X, SQUARE]),
    "__rmatmul__": (lambda t, x, y: from_the_right(t, x.detach(), y), [X, SQUARE]),
    "__neg__": (lambda t, x: -x, [X]),
    "__pos__": (lambda t, x: +x * 2, [X]),
    "__abs__": (lambda t, x: abs(x), [X]),
    "__getitem__": (lambda t, x: x[1:, [0, 2]], [X]),
    "__setitem__": (lambda t, x, y: write(x, (slice(None), 1), y[:, 0]), [X, Y]),
    "__iter__": (lambda t, x: [2 * row for row in x], [X]),
    "__iadd__": (changed("__iadd__"), [X, Y]),
    "__isub__": (changed("__isub__"), [X, Y]),
    "__imul__": (changed("__imul__"), [X, Y]),
    "__itruediv__": (changed("__itruediv__"), [X, POSITIVE]),
    "__imod__": (changed("__imod__"), [X, POSITIVE]),
    "__ipow__": (lambda t, x: (x * 1).__ipow__(2), [X]),
    "__ifloordiv__": (lambda t, x: (x * 1).detach().__ifloordiv__(0.7), [X]),
}  # fmt: skip

# Functions of the package without a card: they have no Tensor first, or several forms.
FUNCTIONS = {
    **NN_FUNCTIONS,
    **SHAPE_FUNCTIONS,
    **ELEMENTWISE_FUNCTIONS,
    **SPATIAL_FUNCTIONS,
    "div": (lambda t, x, y: t.div(x, y), [X, POSITIVE]),
    "div rounded": (lambda t, x, y: t.div(x, y, rounding_mode="floor"), [X, POSITIVE]),
    "div truncated": (lambda t, x, y: t.div(x, y, rounding_mode="trunc"), [X, POSITIVE]),
    "hstack": (lambda t, x, y: t.hstack([x, y]), [X, Y]),
    "vstack": (lambda t, x, y: t.vstack([x, y[0]]), [X, Y]),
    "einsum": (lambda t, x, y: t.einsum("ij,kj->ik", x, y), [X, Y]),
    "clip": (lambda t, x: t.clamp(x, -0.5, 0.5), [X]),
    "dropout": (lambda t, x: [t.manual_seed(3), t.nn.functional.dropout(x, 0.4)][1], [X]),
    "normalize": (lambda t, x: t.nn.functional.normalize(x, dim=1), [X]),
    "scaled_dot_product_attention": (
        lambda t, q, k: t.nn.functional.scaled_dot_product_attention(
            q[None], k[None], k[None] * 2, scale=0.7
        ),
        [X, Y],
    ),
    "scaled_dot_product_attention with a bias": (
        lambda t, q, k, b: t.nn.functional.scaled_dot_product_attention(
            q[None], k[None], k[None], attn_mask=b
        ),
        [X, SQUARE, Y],
    ),
    "scaled_dot_product_attention with a mask": (
        lambda t, q, k: t.nn.functional.scaled_dot_product_attention(
            q[None], k[None], k[None], attn_mask=t.ones(2, 2, dtype=t.bool).tril()
        ),
        [X, Y],
    ),
    "scaled_dot_product_attention causal": (
        lambda t, q, k: t.nn.functional.scaled_dot_product_attention(
            q[None], k[None], k[None], is_causal=True
        ),
        [X, Y],
    ),
    "relu": (lambda t, x: t.nn.functional.relu(x * 1, inplace=True), [X]),
    "leaky_relu": (lambda t, x: t.nn.functional.leaky_relu(x * 1, 0.2, inplace=True), [X]),
    "elu": (lambda t, x: t.nn.functional.elu(x * 1, 0.7, inplace=True), [X]),
    "silu": (lambda t, x: t.nn.functional.silu(x * 1, inplace=True), [X]),
    "parameters_to_vector": (lambda t, x, y: t.nn.utils.parameters_to_vector([x, y]), [X, Y]),
    "bce target": (
        lambda t, x, y: t.nn.functional.binary_cross_entropy(x.sigmoid(), y.sigmoid()), [X, Y]
    ),
    "logits target": (
        lambda t, x, y: t.nn.functional.binary_cross_entropy_with_logits(x, y.sigmoid()), [X, Y]
    ),
    "mse target": (lambda t, x, y: t.nn.functional.mse_loss(x, y), [X, Y]),
    "kl target": (
        lambda t, x, y: t.nn.functional.kl_div(x, y.softmax(1), reduction="sum"), [X, Y]
    ),
    "soft target": (
        lambda t, x, y: t.nn.functional.cross_entropy(x, y.softmax(1)), [X, Y]
    ),
    "masked_fill value": (lambda t, x, y: x.masked_fill(x > 0, y.sum()), [X, Y]),
    "clamp bounds": (lambda t, x, y: t.clamp(x, min=y, max=y + 1), [X, Y]),
    "lerp weight": (lambda t, x, y: x.lerp(y, y), [X, Y]),
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_own(name):
    program, arrays = OWN[name]
    assert hasattr(Tensor, name)
    outcome = agree(program, arrays)
    assert outcome.error is None, outcome.error
    tally["methods beside torch"] += 1


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name):
    outcome = agree(*FUNCTIONS[name], tolerance=(1e-8, 1e-9), order=1)
    assert outcome.error is None, outcome.error
    assert all(np.any(g) for g in outcome.first) or "rounded" in name or "truncated" in name
    tally["functions beside torch"] += 1


def by_method(name, in_place):
    """The cards' cases as calls of a method; a method in place works on a copy."""
    card = name.removesuffix("_") if in_place else name
    calls = [Call(registry[card], case) for _, case in cases(card)]
    calls = [c for c in calls if c.case.args and isinstance(c.case.args[0], np.ndarray)]

    def program(call):
        def run(t, *tensors):
            (x, *rest), named = call.filled(t, tensors)
            x = x * 1 if in_place else x
            return getattr(x, name)(*rest, **named)

        return run

    return [(program(call), call.arrays, call.wrt) for call in calls]


PUBLIC = [n for n in dir(Tensor) if not n.startswith("_") and n not in OWN]
METHODS = [n for n in PUBLIC if n in registry and registry[n].torch and by_method(n, False)]
IN_PLACE = [n for n in PUBLIC if n[-1] == "_" and n[:-1] in registry and by_method(n, True)]
for _name in ("and", "not", "or", "xor"):  # torch leaves it on the graph of what it overwrote
    IN_PLACE.remove(f"logical_{_name}_")


@pytest.mark.parametrize("name", METHODS)
def test_method_of_a_card(name):
    outcomes = [agree(p, arrays, 1, wrt) for p, arrays, wrt in by_method(name, False)]
    assert any(o.error is None for o in outcomes)
    tally["methods beside torch"] += 1


@pytest.mark.parametrize("name", IN_PLACE)
def test_method_in_place(name):
    """Cases whose result does not fit the tensor must be refused by both."""
    outcomes = [agree(p, arrays, 1, wrt) for p, arrays, wrt in by_method(name, True)]
    assert any(o.error is None for o in outcomes)
    tally["methods beside torch"] += 1


COVERED = {*OWN, *METHODS, *IN_PLACE}

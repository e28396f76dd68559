"""float16 and bfloat16 beside torch: rounding, every card, random draws, a network."""

import numpy as np
import pytest
import torch
from half_cards import compare
from hypothesis import given
from hypothesis import strategies as st
from side_by_side import BOTH, error_of, tally
from test_every_op import TRIED

import tensor_core
from tensor_core import registry

HALVES = ("bfloat16", "float16")


def bits(tensor):
    """The bits of a half tensor."""
    return tensor.detach().view(torch.int16 if isinstance(tensor, torch.Tensor) else (
        tensor_core.int16)).numpy()  # fmt: skip


# -- conversion ------------------------------------------------------------------------------------


@pytest.mark.parametrize("half", HALVES)
def test_every_bit_pattern_is_the_same_number(half):
    patterns = np.arange(-(2**15), 2**15, dtype=np.int16)
    wide = [t.from_numpy(patterns.copy()).view(getattr(t, half)).float().numpy() for t in BOTH]
    np.testing.assert_array_equal(*wide)


@pytest.mark.parametrize("half", HALVES)
@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_rounding_is_the_same_from_every_type(half, numbers):
    for kind in ("float32", "float64"):
        with np.errstate(over="ignore"):
            a = np.array(numbers).astype(kind)
        rounded = [bits(t.from_numpy(a.copy()).to(getattr(t, half))) for t in BOTH]
        np.testing.assert_array_equal(*rounded)


@pytest.mark.parametrize("half", HALVES)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20))
def test_integers_round_the_same(half, numbers):
    rounded = [bits(t.tensor(numbers).to(getattr(t, half))) for t in BOTH]
    np.testing.assert_array_equal(*rounded)


# -- every card ------------------------------------------------------------------------------------

# What torch computes at one go and we out of parts that round, or the other way round, ends within
# this many roundings; everything else within 2.5, or at most a fifth worse than torch itself.
LOOSER = {
    **{"interpolate": 12, "pad": 7, "cosine_similarity": 6, "triplet_margin_loss": 5, "hypot": 3},
    **{"linalg_norm": 3, "adaptive_avg_pool2d": 3, "gradient": 5, "group_norm": 2, "renorm": 2},
}
ELSEWHERE = {  # tests of their own say how these differ
    "as_strided_scatter",  # torch differentiates the elements it overwrites
    "matrix_norm",  # refuses halves
}


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("name", [n for n in TRIED if registry[n].torch and n not in ELSEWHERE])
def test_every_card(name, half):
    for number, what, same, ours, theirs in compare(name, half):
        tally["half results beside torch"] += 1
        tally["of these bit for bit"] += same
        limit = max(LOOSER.get(name, 2.5), 1.2 * theirs)
        assert same or ours <= limit, f"case {number}, {what}: {ours} roundings, torch {theirs}"


POINTWISE = (
    *("add", "sub", "mul", "div", "abs", "neg", "sqrt", "floor", "ceil", "round", "relu"),
    *("square", "maximum", "minimum", "eq", "lt", "clone"),
)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("name", POINTWISE)
def test_pointwise_functions_are_equal_bit_for_bit(name, half):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 500)).astype(np.float32)
    two = name in ("add", "sub", "mul", "div", "maximum", "minimum", "eq", "lt")
    results = []
    for t in BOTH:
        x, y = (t.from_numpy(v.copy()).to(getattr(t, half)) for v in (a, b))
        out = getattr(t, name)(x, y) if two else getattr(t, name)(x)
        results.append(out.double().numpy())
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("other", [0.1, 3, True, "0-d float32", "0-d int64", "float32", "int64"])
@pytest.mark.parametrize("sign", ["add", "mul", "sub", "div", "where"])
def test_a_half_beside_another_type(half, other, sign):
    results = []
    for t in BOTH:
        x = t.arange(1, 5).to(getattr(t, half)) / 3
        values = {
            "0-d float32": t.tensor(0.1), "0-d int64": t.tensor(3), "float32": t.full((4,), 0.1),
            "int64": t.tensor([1, 257, 300, 1000]),
        }  # fmt: skip
        y = values.get(other, other)
        if sign == "sub" and other is True:
            results.append(error_of(lambda x=x, y=y: x - y))
            continue
        z = t.where(x > 0.5, x, y) if sign == "where" else getattr(t, sign)(x, y)
        results.append((str(z.dtype), z.double().tolist()))
    assert results[0] == results[1]


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize(
    "program",
    [
        lambda t, x: x @ x.float(),
        lambda t, x: t.nn.functional.linear(x, x.float()),
        lambda t, x: x.numpy() if x.dtype is t.bfloat16 else 1 / 0,
        lambda t, x: x & x,
        lambda t, x: x.masked_fill(x > 0, -1e39),
    ],
)
def test_errors(half, program):
    theirs, ours = (
        error_of(lambda t=t: program(t, t.ones(2, 2, dtype=getattr(t, half)))) for t in BOTH
    )
    assert theirs is not None and ours is not None and issubclass(ours, theirs), (ours, theirs)


# -- random numbers --------------------------------------------------------------------------------

DRAWS = {
    "rand": lambda t, n, d: t.rand(n, dtype=d),
    "randn": lambda t, n, d: t.randn(n, dtype=d),
    "randn_like": lambda t, n, d: t.randn_like(t.zeros(n, dtype=d)),
    "normal_": lambda t, n, d: t.empty(n, dtype=d).normal_(0, 2),
    "uniform_": lambda t, n, d: t.empty(n, dtype=d).uniform_(-0.3, 1.7),
    "exponential_": lambda t, n, d: t.empty(n, dtype=d).exponential_(1.5),
    "random_": lambda t, n, d: t.empty(n, dtype=d).random_(),
    "randint": lambda t, n, d: t.randint(0, 100, (n,), dtype=d),
    "bernoulli": lambda t, n, d: t.bernoulli(t.full((n,), 0.3, dtype=d)),
    "dropout": lambda t, n, d: t.nn.functional.dropout(t.ones(n, dtype=d), 0.3),
}


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("name", DRAWS)
def test_draws(name, half):
    for n in (1, 5, 16, 17, 40, 300, 3000):
        results = []
        for t in BOTH:
            t.manual_seed(n)
            drawn = DRAWS[name](t, n, getattr(t, half))
            results.append((str(drawn.dtype), drawn.double().tolist(), t.rand(2).tolist()))
        assert results[0] == results[1], f"{name}({n})"


# -- a network -------------------------------------------------------------------------------------


def block_of(t):
    """A transformer block with its embedding and its loss."""
    nn, functional = t.nn, t.nn.functional

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.place = nn.Embedding(20, 32), nn.Embedding(16, 32)
            self.norm, self.last = nn.LayerNorm(32), nn.LayerNorm(32)
            self.qkv, self.out = nn.Linear(32, 96), nn.Linear(32, 32)
            self.up, self.down = nn.Linear(32, 64), nn.Linear(64, 32)

        def forward(self, ids, targets):
            b, n = ids.shape
            x = self.table(ids) + self.place(t.arange(n))
            q, k, v = (
                z.view(b, n, 2, 16).transpose(1, 2) for z in self.qkv(self.norm(x)).split(32, 2)
            )
            mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(mixed.transpose(1, 2).reshape(b, n, 32))
            x = x + self.down(functional.gelu(self.up(self.last(x))))
            logits = x @ self.table.weight.t()
            return functional.cross_entropy(logits.view(-1, 20), targets.view(-1))

    return Model()


@pytest.mark.parametrize("half", HALVES)
def test_a_transformer_learns(half):
    losses, grads = [], []
    for t in BOTH:
        t.manual_seed(0)
        model = block_of(t)
        model = model.half() if half == "float16" else model.to(t.bfloat16)
        assert {p.dtype for p in model.parameters()} == {getattr(t, half)}
        ids = t.arange(32).reshape(2, 16) % 20
        optimizer = t.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        losses.append([])
        for step in range(5):
            loss = model(ids, (ids + 3) % 20)
            optimizer.zero_grad()
            loss.backward()
            if not step:
                grads.append({n: p.grad.float().numpy() for n, p in model.named_parameters()})
            assert {p.grad.dtype for p in model.parameters()} == {getattr(t, half)}
            optimizer.step()
            losses[-1].append(loss.item())
    tolerance = {"bfloat16": 0.04, "float16": 0.01}[half]
    np.testing.assert_allclose(losses[1], losses[0], rtol=tolerance)
    assert losses[1][-1] < 0.7 * losses[1][0]
    for name, theirs in grads[0].items():
        np.testing.assert_allclose(
            grads[1][name], theirs, atol=tolerance * np.abs(theirs).max(), err_msg=name
        )

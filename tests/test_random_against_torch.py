"""Every draw of tensor_core's Generator against PyTorch's: the numbers and the state after."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tensor_core.random import Generator

# torch has one loop of normals for x86 with AVX2 or more, which is the one followed; on other
# processors it calls the C library's logarithm and cosine, which round differently
SAME_LOOP = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")

SEEDS = st.integers(-(2**63), 2**64 - 1)
SIZES = st.one_of(st.integers(0, 40), st.sampled_from([100, 623, 624, 625, 1000, 8200]))
FLOATS = st.sampled_from(["float32", "float64"])


def both(seed):
    return Generator().manual_seed(seed), torch.Generator().manual_seed(seed)


def same_state(ours, theirs):
    np.testing.assert_array_equal(ours.get_state(), theirs.get_state().numpy())


# one function a kind of draw: (ours, theirs, size, number in (0, 1), float type) -> two arrays
def uniform(ours, theirs, n, x, kind):
    low, high = -x, 3 * x
    out = torch.empty(n, dtype=getattr(torch, kind)).uniform_(low, high, generator=theirs)
    return ours.uniform(n, kind, low, high), out.numpy()


def rand(ours, theirs, n, x, kind):
    return ours.uniform(n, kind), torch.rand(
        n, dtype=getattr(torch, kind), generator=theirs
    ).numpy()


def normal(ours, theirs, n, x, kind):
    out = torch.empty(n, dtype=getattr(torch, kind)).normal_(x, 2 * x, generator=theirs)
    return ours.normal(n, kind, x, 2 * x), out.numpy()


def exponential(ours, theirs, n, x, kind):
    out = torch.empty(n, dtype=getattr(torch, kind)).exponential_(2 * x, generator=theirs)
    return ours.exponential(n, kind, 2 * x), out.numpy()


def small_integers(ours, theirs, n, x, kind):
    high = 1 + int(x * 1000)
    return ours.random_(n, -5, high), torch.randint(-5, high, (n,), generator=theirs).numpy()


def large_integers(ours, theirs, n, x, kind):
    low, high = -int(x * 2**28), int(x * 2**62) + 1
    return ours.random_(n, low, high), torch.randint(low, high, (n,), generator=theirs).numpy()


def permutation(ours, theirs, n, x, kind):
    return ours.randperm(n), torch.randperm(n, generator=theirs).numpy()


def bernoulli(ours, theirs, n, x, kind):
    return ours.bernoulli(n, x), torch.empty(n).bernoulli_(x, generator=theirs).numpy() > 0


def bernoulli_each(ours, theirs, n, x, kind):
    p = np.linspace(0, x, n).astype(kind)
    return ours.bernoulli(n, p), torch.bernoulli(torch.tensor(p), generator=theirs).numpy() > 0


def one_of_each_row(ours, theirs, n, x, kind):
    probs = np.linspace(x, 1, 3 * (n + 1)).reshape(3, -1).astype(kind)
    out = torch.multinomial(torch.tensor(probs), 1, generator=theirs)
    return ours.multinomial(probs, 1), out.numpy()


def without_replacement(ours, theirs, n, x, kind):
    """The race values of the winners: where two tie, either may come first."""
    probs = np.linspace(x, 1, n + 1).astype(kind)
    k = 1 + n // 2
    race = probs / ours.clone_state().exponential(probs.shape, probs.dtype)
    out = torch.multinomial(torch.tensor(probs), k, generator=theirs)
    return race[ours.multinomial(probs, k)], race[out.numpy()]


def with_replacement(ours, theirs, n, x, kind):
    probs = np.linspace(x, 1, n + 1).astype(kind)
    out = torch.multinomial(torch.tensor(probs), n + 2, True, generator=theirs)
    return ours.multinomial(probs, n + 2, True), out.numpy()


EXACT = [
    rand,
    small_integers,
    large_integers,
    permutation,
    bernoulli,
    bernoulli_each,
    one_of_each_row,
    without_replacement,
    with_replacement,
]
# logarithms, sines and fused multiply-adds may round differently in the last place
ROUNDED = [uniform, normal, exponential]
DRAW = st.tuples(st.sampled_from(EXACT + ROUNDED), SIZES, st.floats(0.01, 0.99), FLOATS)


@settings(max_examples=150, deadline=None)
@given(SEEDS, st.lists(DRAW, min_size=1, max_size=6))
def test_mixed_draws_stay_in_step(seed, draws):
    ours, theirs = both(seed)
    assert ours.initial_seed() == theirs.initial_seed()
    same_state(ours, theirs)
    for kind_of_draw, n, x, kind in draws:
        a, b = kind_of_draw(ours, theirs, n, x, kind)
        assert a.shape == b.shape and a.dtype == b.dtype
        if kind_of_draw in EXACT:
            np.testing.assert_array_equal(a, b)
        else:
            scale = 4 * np.finfo(kind).eps if SAME_LOOP or kind == "float64" else 1e-5
            np.testing.assert_allclose(a, b, rtol=scale, atol=scale)
    same_state(ours, theirs)


def test_a_million_float32_normals_are_the_same_bits():
    ours, theirs = both(3)
    pairs = [
        (ours.normal(1 << 20), torch.randn(1 << 20, generator=theirs).numpy()),
        (
            ours.normal(100_003, np.float32, 1.5, 0.3),
            torch.empty(100_003).normal_(1.5, 0.3, generator=theirs).numpy(),
        ),
    ]
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=0, atol=0 if SAME_LOOP else 1e-5)


def test_a_large_permutation_is_the_same():
    ours, theirs = both(5)
    np.testing.assert_array_equal(
        ours.randperm(100_000), torch.randperm(100_000, generator=theirs).numpy()
    )
    same_state(ours, theirs)

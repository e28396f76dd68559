"""The Generator by itself. The reference numbers were printed by PyTorch 2.13 on a CPU, seed 42."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensor_core import random
from tensor_core.random import Generator


def seeded(seed=42):
    return Generator().manual_seed(seed)


WEIGHTS = np.array([1, 2, 3, 4], np.float32)
SPARSE = np.full(12, 0.3, np.float32)

REFERENCE = {
    "torch.rand(3)": (
        lambda g: g.uniform(3),
        [0.8822692632675171, 0.9150039553642273, 0.38286375999450684],
    ),
    "torch.rand(2, dtype=torch.float64)": (
        lambda g: g.uniform(2, np.float64),
        [0.05815448596142969, 0.06291016742457756],
    ),
    "torch.randn(3)": (
        lambda g: g.normal(3),
        [0.33669036626815796, 0.12880940735340118, 0.23446236550807953],
    ),
    "torch.randn(20)[[0, 8, 19]]": (
        lambda g: g.normal(20)[[0, 8, 19]],
        [1.9269152879714966, 0.3558599054813385, -0.6215953826904297],
    ),
    "torch.randint(0, 10, (5,))": (lambda g: g.random_(5, 0, 10), [2, 7, 6, 4, 6]),
    "torch.randint(0, 2**40, (2,))": (
        lambda g: g.random_(2, 0, 2**40),
        [441507790259, 395924837646],
    ),
    "torch.empty(2, dtype=torch.int32).random_()": (
        lambda g: g.random_(2, dtype=np.int32),
        [1608637542, 1273642419],
    ),
    "torch.empty(2, dtype=torch.int64).random_()": (
        lambda g: g.random_(2),
        [6909045637428952499, 8314211556539077902],
    ),
    "torch.randperm(8)": (lambda g: g.randperm(8), [6, 3, 0, 7, 2, 1, 4, 5]),
    "torch.empty(2).exponential_(2.0)": (
        lambda g: g.exponential(2, np.float32, 2.0),
        [0.029957007616758347, 0.03248806297779083],
    ),
    "torch.empty(8).bernoulli_(0.3)": (
        lambda g: g.bernoulli(8, 0.3),
        [True, True, True, True, False, False, False, False],
    ),
    "torch.bernoulli(torch.full((12,), 0.3)).nonzero()": (
        lambda g: np.flatnonzero(g.bernoulli(12, SPARSE)),
        [6, 9],
    ),
    "torch.multinomial(torch.tensor([[1, 2, 3, 4.0]] * 4), 1).view(-1)": (
        lambda g: g.multinomial(np.tile(WEIGHTS, (4, 1)), 1).reshape(-1),
        [3, 1, 2, 2],
    ),
    "torch.multinomial(torch.tensor([1, 2, 3, 4.0]), 3)": (
        lambda g: g.multinomial(WEIGHTS, 3),
        [3, 1, 2],
    ),
    "torch.multinomial(torch.tensor([1, 2, 3, 4.0]), 6, True)": (
        lambda g: g.multinomial(WEIGHTS, 6, True),
        [0, 0, 1, 0, 2, 2],
    ),
}


@pytest.mark.parametrize("name", REFERENCE)
def test_reference_numbers(name):
    draw, expected = REFERENCE[name]
    assert draw(seeded()).tolist() == expected


def test_float64_normals_of_sixteen():
    # torch.randn(16, dtype=torch.float64)[:2]; logarithm and cosine may differ in the last place
    expected = [0.2995562877502637, 0.24237779080894106]
    np.testing.assert_allclose(seeded().normal(16, np.float64)[:2], expected, rtol=1e-15)


SHAPES = st.lists(st.integers(0, 20), max_size=3).map(tuple)
DRAWS = {
    "uniform": lambda g, shape: g.uniform(shape),
    "uniform64": lambda g, shape: g.uniform(shape, np.float64),
    "normal": lambda g, shape: g.normal(shape),
    "normal64": lambda g, shape: g.normal(shape, np.float64),
    "exponential": lambda g, shape: g.exponential(shape),
    "integers": lambda g, shape: g.random_(shape, -3, 3),
    "bernoulli": lambda g, shape: g.bernoulli(shape, 0.5),
}


@settings(max_examples=60, deadline=None)
@given(
    st.integers(-(2**63), 2**64 - 1),
    st.lists(st.tuples(st.sampled_from(sorted(DRAWS)), SHAPES), max_size=5),
    SHAPES,
)
def test_a_state_brings_back_every_draw(seed, before, shape):
    one = seeded(seed)
    for name, past in before:
        DRAWS[name](one, past)
    other = Generator().set_state(one.get_state())
    for name, draw in DRAWS.items():
        a, b = draw(one, shape), draw(other, shape)
        assert a.shape == shape
        np.testing.assert_array_equal(a, b, err_msg=name)
    np.testing.assert_array_equal(one.get_state(), other.get_state())
    assert one.initial_seed() == other.initial_seed()


def test_the_second_of_two_normals_waits_in_the_state():
    one = seeded()
    one.normal(1)
    assert Generator().set_state(one.get_state()).normal(1) == one.normal(1)


def test_a_clone_does_not_disturb_its_original():
    one, other = seeded(), seeded()
    one.clone_state().uniform(700)
    np.testing.assert_array_equal(one.uniform(5), other.uniform(5))


@pytest.mark.parametrize("size", [0, 15, 16, 17, 8192, 8193, 16_384, 20_000])
def test_distributions_have_their_moments(size):
    g = seeded()
    normal, uniform = g.normal(size, np.float32, 2.0, 0.5), g.uniform(size, np.float64, -1.0, 3.0)
    assert np.isfinite(normal).all() and ((uniform >= -1) & (uniform < 3)).all()
    if size >= 8192:  # five standard errors
        assert abs(normal.mean() - 2) < 5 * 0.5 / size**0.5
        assert abs(normal.std() - 0.5) < 5 * 0.5 / (2 * size) ** 0.5
        assert abs(uniform.mean() - 1) < 5 * 4 / 12**0.5 / size**0.5


def test_bernoulli_at_the_ends():
    assert seeded().bernoulli(1000, 1.0).all() and not seeded().bernoulli(1000, 0.0).any()


def test_impossible_categories_are_never_drawn():
    probs = np.array([0.0, 0.5, 0.0, 0.5])
    assert set(seeded().multinomial(probs, 200, True).tolist()) == {1, 3}
    rows = np.tile(probs, (200, 1))
    assert set(seeded().multinomial(rows, 2).ravel().tolist()) == {1, 3}


@pytest.mark.parametrize(
    "error, words, call",
    [
        (RuntimeError, "low", lambda g: g.uniform(1, np.float32, 2.0, 1.0)),
        (RuntimeError, "std", lambda g: g.normal(1, np.float32, 0.0, -1.0)),
        (RuntimeError, "lambd", lambda g: g.exponential(1, np.float32, 0.0)),
        (RuntimeError, "p=", lambda g: g.bernoulli(1, 1.5)),
        (RuntimeError, "every p", lambda g: g.bernoulli(2, np.array([0.5, np.nan]))),
        (RuntimeError, "less than", lambda g: g.random_(1, 3, 3)),
        (RuntimeError, "uint8", lambda g: g.random_(1, 0, 300, np.uint8)),
        (RuntimeError, "range", lambda g: g.random_(1, 0, 2**40, np.float16)),
        (RuntimeError, "negative", lambda g: g.randperm(-1)),
        (RuntimeError, "less than", lambda g: g.randperm(2**40)),
        (RuntimeError, "floating", lambda g: g.multinomial(np.ones(2, int), 1)),
        (RuntimeError, "rows", lambda g: g.multinomial(np.ones((1, 1, 1)), 1)),
        (RuntimeError, "positive", lambda g: g.multinomial(np.ones(2), 0)),
        (RuntimeError, "without replacement", lambda g: g.multinomial(np.ones(2), 3)),
        (RuntimeError, "nan", lambda g: g.multinomial(np.array([np.nan, 1]), 1)),
        (RuntimeError, "sum to 0", lambda g: g.multinomial(np.zeros(2), 1)),
        (NotImplementedError, "int8", lambda g: g.uniform(1, np.int8)),
        (TypeError, "uint8", lambda g: g.set_state(np.zeros(5056))),
        (RuntimeError, "5056", lambda g: g.set_state(np.zeros(3, np.uint8))),
        (RuntimeError, "Mersenne", lambda g: g.set_state(np.zeros(5056, np.uint8))),
        (ValueError, "manual_seed", lambda g: g.manual_seed(2**64)),
        (RuntimeError, "cuda", lambda g: Generator("cuda:0")),
    ],
)
def test_errors_say_what_is_wrong(error, words, call):
    with pytest.raises(error, match=words):
        call(seeded())


def test_each_thread_may_have_its_own_default():
    drawn = {}

    def work(seed):
        with random.use_generator(seeded(seed)):
            drawn[seed] = random.current().uniform(3)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in (1, 2):
        np.testing.assert_array_equal(drawn[seed], seeded(seed).uniform(3))
    assert random.current() is random.default_generator


def test_use_generator_nests_and_recovers_from_errors():
    outer, inner = Generator(), Generator()
    with random.use_generator(outer):
        with pytest.raises(KeyError), random.use_generator(inner):
            assert random.current() is inner
            assert random.current(outer) is outer
            raise KeyError
        assert random.current() is outer


def test_manual_seed_restarts_the_default():
    assert random.manual_seed(5) is random.default_generator
    first = random.current().uniform(4)
    random.manual_seed(5)
    np.testing.assert_array_equal(random.current().uniform(4), first)


def test_seed_is_new_each_time():
    g = Generator()
    assert g.seed() == g.initial_seed() != g.seed()

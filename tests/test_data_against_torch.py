"""Datasets, samplers and loaders: the same samples, order, random numbers and errors as torch."""

import collections
import random
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from side_by_side import BOTH, error_of, tally

Point = collections.namedtuple("Point", ["x", "y"])


def plain(value):
    """Tensors as their type and numbers, inside whatever holds them."""
    if type(value).__name__ == "Tensor":
        return str(value.dtype), value.tolist()
    if isinstance(value, dict):
        return type(value).__name__, {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value).__name__, [plain(v) for v in value]
    return value


def same(program):
    """Run on both libraries from one seed; what comes out must be equal, warnings included."""
    found = []
    for t in BOTH:
        t.manual_seed(5)
        random.seed(5)
        np.random.seed(5)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = plain(program(t))
        after = t.rand(2).tolist(), random.random(), float(np.random.rand())
        kinds = {w.category for w in caught if "multi-threaded" not in str(w.message)}
        found.append((result, after, kinds))
    theirs, ours = found
    assert ours == theirs
    tally["loader programs beside torch"] += 1


def numbers(t, n=10):
    return t.utils.data.TensorDataset(t.arange(n), t.arange(float(n)))


def stream(t, n=7):
    class Stream(t.utils.data.IterableDataset):
        def __iter__(self):
            info = t.utils.data.get_worker_info()
            start, step = (0, 1) if info is None else (info.id, info.num_workers)
            return iter(range(start, n, step))

    return Stream()


def noisy(t, n=9):
    """Every sample draws from all three global generators."""

    class Noisy(t.utils.data.Dataset):
        calls = 0

        def __len__(self):
            return n

        def __getitem__(self, i):
            self.calls += 1
            info = t.utils.data.get_worker_info()
            who = -1 if info is None else info.id * 10 + info.num_workers
            return i, t.rand(1), random.random(), np.random.rand(2), who, self.calls

    return Noisy()


def epochs(loader, n=2):
    return [list(loader) for _ in range(n)]


LOADERS = {
    "plain": {"batch_size": 3},
    "one by one": {},
    "shuffled": {"batch_size": 4, "shuffle": True},
    "shuffled, last dropped": {"batch_size": 4, "shuffle": True, "drop_last": True},
    "no batches": {"batch_size": None, "shuffle": True},
    "workers": {"batch_size": 2, "shuffle": True, "num_workers": 2},
    "more workers than batches": {"batch_size": 5, "num_workers": 3, "prefetch_factor": 4},
    "workers that stay": {
        "batch_size": 2,
        "shuffle": True,
        "num_workers": 2,
        "persistent_workers": True,
    },
    "pinned": {"batch_size": 5, "pin_memory": True},
}


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("data", [numbers, noisy])
def test_loaders(name, data):
    same(lambda t: epochs(t.utils.data.DataLoader(data(t), **LOADERS[name])))


@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.parametrize("size", [None, 1, 2])
@pytest.mark.parametrize("drop", [False, True])
def test_streams(workers, size, drop):
    drop = drop and size is not None
    same(
        lambda t: epochs(
            t.utils.data.DataLoader(stream(t), size, num_workers=workers, drop_last=drop)
        )
    )


def test_draws_between_the_steps_of_an_epoch():
    def program(t, workers):
        loader = t.utils.data.DataLoader(numbers(t), 2, shuffle=True, num_workers=workers)
        out = [t.rand(1)]
        for _ in range(2):
            batches = iter(loader)
            out.append(t.rand(1))
            for batch in batches:
                out += [batch, t.randn(1), t.randperm(3)]
        return out

    same(lambda t: program(t, 0))
    same(lambda t: program(t, 2))


def test_a_generator_shared_by_the_loader_and_the_program():
    def program(t, workers):
        g = t.Generator().manual_seed(9)
        loader = t.utils.data.DataLoader(noisy(t), 2, True, generator=g, num_workers=workers)
        return [*epochs(loader), t.rand(2, generator=g)]

    same(lambda t: program(t, 0))
    same(lambda t: program(t, 2))


def test_each_worker_sets_up_its_own_copy():
    def program(t):
        class Range(t.utils.data.IterableDataset):
            start, end = 0, 8

            def __init__(self):
                self.order = list(range(self.start, self.end))

            def __iter__(self):
                random.shuffle(self.order)
                return iter(self.order[self.start : self.end])

        def split(worker_id):
            part = t.utils.data.get_worker_info().dataset
            part.start = 4 * worker_id
            part.end = part.start + 4

        data = Range()
        loader = t.utils.data.DataLoader(data, 3, num_workers=2, worker_init_fn=split)
        return [*epochs(loader), data.order, data.start]

    same(program)


SAMPLERS = {
    "sequential": lambda d, t, g: d.SequentialSampler(range(5)),
    "random": lambda d, t, g: d.RandomSampler(range(9), generator=g),
    "fewer": lambda d, t, g: d.RandomSampler(range(9), num_samples=4, generator=g),
    "more": lambda d, t, g: d.RandomSampler(range(9), num_samples=25, generator=g),
    "replaced": lambda d, t, g: d.RandomSampler(range(9), True, generator=g),
    "many replaced": lambda d, t, g: d.RandomSampler(range(9), True, 100, generator=g),
    "subset": lambda d, t, g: d.SubsetRandomSampler([3, 5, 7, 9], generator=g),
    "weighted": lambda d, t, g: d.WeightedRandomSampler([0.1, 5.0, 2.0], 20, generator=g),
    "weighted once": lambda d, t, g: d.WeightedRandomSampler(
        t.tensor([0.1, 5.0, 2.0, 1.0]), 3, False, generator=g
    ),
    "batches": lambda d, t, g: d.BatchSampler(d.RandomSampler(range(7), generator=g), 3, False),
    "whole batches": lambda d, t, g: d.BatchSampler(range(7), 3, True),
    "share 0": lambda d, t, g: d.DistributedSampler(range(10), 3, 0),
    "share 2": lambda d, t, g: d.DistributedSampler(range(10), 3, 2, drop_last=True, seed=4),
    "share of few": lambda d, t, g: d.DistributedSampler(range(2), 7, 6, shuffle=False),
}


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("own", [False, True])
def test_samplers(name, own):
    def program(t):
        g = t.Generator().manual_seed(2) if own else None
        sampler = SAMPLERS[name](t.utils.data, t, g)
        out = [len(sampler), list(sampler), t.rand(1)]
        if hasattr(sampler, "set_epoch"):
            sampler.set_epoch(3)
        return [*out, list(sampler)]

    same(program)


@given(st.integers(1, 40), st.integers(1, 9), st.booleans(), st.integers(0, 2**40))
@settings(max_examples=40, deadline=None)
def test_any_length_batch_and_seed(n, size, drop, seed):
    found = []
    for t in BOTH:
        t.manual_seed(seed)
        loader = t.utils.data.DataLoader(range(n), size, shuffle=True, drop_last=drop)
        found.append(([b.tolist() for b in loader], len(loader), t.rand(1).item()))
    assert found[0] == found[1]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.integers(1, 50))
@settings(max_examples=40, deadline=None)
def test_splits_by_fractions(weights, n):
    total = sum(weights)
    if total == 0:
        return
    fractions = [w / total for w in weights]
    found = []
    for t in BOTH:
        t.manual_seed(1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                parts = t.utils.data.random_split(range(n), fractions)
                found.append([list(p.indices) for p in parts])
            except ValueError:
                found.append("ValueError")
    assert found[0] == found[1]


COLLATED = {
    "integers": [1, 2],
    "floats": [1.5, 2.5],
    "truths": [True, False],
    "mixed": [1, 2.5],
    "text": ["a", "b"],
    "bytes": [b"a", b"b"],
    "arrays": [np.arange(3), np.arange(3)],
    "NumPy numbers": [np.float32(1), np.float32(2)],
    "tuples": [(1, 2.0), (3, 4.0)],
    "lists": [[1, "a"], [2, "b"]],
    "points": [Point(1, 2.0), Point(3, 4.0)],
    "dicts": [{"a": 1, "b": [1.0]}, {"a": 2, "b": [2.0]}],
    "ordered": [collections.OrderedDict(a=1), collections.OrderedDict(a=2)],
    "defaults": [collections.defaultdict(int, a=1), collections.defaultdict(int, a=2)],
    "ranges": [range(2), range(2, 4)],
    "nested": [{"p": Point(np.zeros(2), [True])}, {"p": Point(np.ones(2), [False])}],
    "unequal lists": [[1], [1, 2]],
    "unequal arrays": [np.zeros(2), np.zeros(3)],
    "nothing known": [object(), object()],
    "arrays of text": [np.array(["a"]), np.array(["b"])],
    "none": [None, None],
    "sets": [{1}, {2}],
}


@pytest.mark.parametrize("name", COLLATED)
def test_batches_of_anything(name):
    def attempt(t, function, value):
        try:
            return plain(function(t)(value))
        except Exception as error:
            return type(error).__name__

    batch = COLLATED[name]
    for function in (
        lambda t: t.utils.data.default_collate,
        lambda t: t.utils.data._utils.collate.default_collate,
        lambda t: t.utils.data.dataloader.default_collate,
    ):
        theirs, ours = (attempt(t, function, batch) for t in BOTH)
        assert ours == theirs
    if name not in ("nothing known",):
        theirs, ours = (attempt(t, lambda t: t.utils.data.default_convert, batch) for t in BOTH)
        assert str(ours) == str(theirs)


def test_tensors_are_stacked_and_converted():
    same(lambda t: t.utils.data.default_collate([t.ones(2, 3), t.zeros(2, 3)]))
    same(lambda t: t.utils.data.default_collate([{"x": t.tensor(1)}, {"x": t.tensor(2)}]))
    same(lambda t: t.utils.data.default_convert((np.ones(2), {"a": np.int64(3)}, "text")))


def test_datasets():
    def program(t):
        d = t.utils.data
        first, second = numbers(t, 4), numbers(t, 3)
        joined = first + second
        pair = d.StackDataset(first, joined.datasets[0])
        named = d.StackDataset(a=[1, 2, 3], b=d.Subset(range(9), [8, 7, 6]))
        chain = stream(t) + stream(t, 3)
        return [
            len(joined), joined[5], joined[-1], joined.cumulative_sizes,
            pair[2], pair.__getitems__([0, 3]), named[1], named.__getitems__([2, 0]), len(named),
            list(chain), [p.indices for p in d.random_split(range(10), [3, 7])],
            list(d.DataLoader(named, 2)), list(d.DataLoader(joined, 5, shuffle=True)),
        ]  # fmt: skip

    same(program)


ERRORS = {
    "workers": lambda d, t: d.DataLoader([1], num_workers=-1),
    "timeout": lambda d, t: d.DataLoader([1], timeout=-1),
    "timeout without workers": lambda d, t: iter(d.DataLoader([1], timeout=1)),
    "prefetch": lambda d, t: d.DataLoader([1], prefetch_factor=2),
    "negative prefetch": lambda d, t: d.DataLoader([1], num_workers=1, prefetch_factor=-2),
    "persistent": lambda d, t: d.DataLoader([1], persistent_workers=True),
    "sampler and shuffle": lambda d, t: d.DataLoader([1], sampler=[0], shuffle=True),
    "two samplers": lambda d, t: d.DataLoader([1], batch_sampler=[[0]], sampler=[0]),
    "batch sampler and size": lambda d, t: d.DataLoader([1], 2, batch_sampler=[[0]]),
    "no batch, no last": lambda d, t: d.DataLoader([1], None, drop_last=True),
    "shuffled stream": lambda d, t: d.DataLoader(stream(t), shuffle=True),
    "sampled stream": lambda d, t: d.DataLoader(stream(t), sampler=[0]),
    "batch-sampled stream": lambda d, t: d.DataLoader(stream(t), batch_sampler=[[0]]),
    "batch size 0": lambda d, t: d.DataLoader([1], 0),
    "batch size 1.5": lambda d, t: d.DataLoader([1], 1.5),
    "shuffled nothing": lambda d, t: d.DataLoader([], shuffle=True),
    "context": lambda d, t: d.DataLoader([1], multiprocessing_context="fork"),
    "wrong context": lambda d, t: d.DataLoader([1], num_workers=1, multiprocessing_context="no"),
    "no context": lambda d, t: d.DataLoader([1], num_workers=1, multiprocessing_context=3),
    "length of a stream": lambda d, t: len(d.DataLoader(stream(t))),
    "set later": lambda d, t: setattr(d.DataLoader([1]), "batch_size", 3),
    "replacement": lambda d, t: d.RandomSampler([1], replacement=1),
    "num_samples": lambda d, t: d.RandomSampler([1], num_samples=0),
    "weights": lambda d, t: d.WeightedRandomSampler([[1.0]], 1),
    "weights' count": lambda d, t: d.WeightedRandomSampler([1.0], True),
    "drop_last": lambda d, t: d.BatchSampler([1], 1, 0),
    "rank": lambda d, t: d.DistributedSampler([1], 2, 2),
    "rows": lambda d, t: d.TensorDataset(t.zeros(2), t.zeros(3)),
    "nothing to join": lambda d, t: d.ConcatDataset([]),
    "streams to join": lambda d, t: d.ConcatDataset([stream(t)]),
    "lists to chain": lambda d, t: list(d.ChainDataset([[1]])),
    "far index": lambda d, t: d.ConcatDataset([[1]])[-2],
    "stack of two kinds": lambda d, t: d.StackDataset([1], a=[1]),
    "stack of nothing": lambda d, t: d.StackDataset(),
    "stack of sizes": lambda d, t: d.StackDataset([1], [1, 2]),
    "split": lambda d, t: d.random_split([1, 2], [3]),
    "bad fraction": lambda d, t: d.random_split([1, 2], [1.5, -0.5]),
    "abstract": lambda d, t: d.Dataset()[0],
    "half a subset": lambda d, t: type("S", (d.Subset,), {"__getitem__": len})([1], [0]),
    "sample fails": lambda d, t: list(d.DataLoader([1], sampler=[3])),
    "sample fails in a worker": lambda d, t: list(d.DataLoader([1], sampler=[3], num_workers=1)),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_of_the_same_type(name):
    theirs, ours = (error_of(lambda t=t: ERRORS[name](t.utils.data, t)) for t in BOTH)
    assert theirs is not None and ours is theirs
    tally["errors beside torch"] += 1


def test_a_seed_of_numpy_in_a_worker_is_torchs():
    from torch.utils.data._utils.worker import _generate_state

    for base, worker in ((2**63 - 5, 3), (17, 0)):
        ours = np.random.SeedSequence([worker, base & 0xFFFFFFFF, base >> 32, 0]).generate_state(4)
        assert ours.tolist() == _generate_state(base, worker)

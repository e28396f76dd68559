"""Loading data, by the rules: what each batch holds, what workers know, what costs nothing."""

import itertools
import random

import numpy as np
import pytest

import tensor_core as torch
from tensor_core.utils import data


class Squares(data.Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, i):
        return i * i


def test_batches_in_order():
    loader = data.DataLoader(Squares(), batch_size=4)
    assert [b.tolist() for b in loader] == [[0, 1, 4, 9], [16, 25]]
    assert len(loader) == 2 and loader.dataset[3] == 9


def test_shuffling_gives_every_sample_once_and_another_order_each_time():
    loader = data.DataLoader(Squares(), batch_size=None, shuffle=True)
    torch.manual_seed(0)
    epochs = [[int(v) for v in loader] for _ in range(5)]
    assert all(sorted(e) == [0, 1, 4, 9, 16, 25] for e in epochs)
    assert len(set(map(tuple, epochs))) > 1


@pytest.mark.parametrize("workers", [0, 2])
def test_one_seed_is_one_order(workers):
    def run():
        g = torch.Generator().manual_seed(1)
        loader = data.DataLoader(Squares(), 2, True, num_workers=workers, generator=g)
        return [b.tolist() for b in itertools.chain(loader, loader)]

    assert run() == run()


def test_as_many_draws_as_one_likes_cost_nothing():
    sampler = data.RandomSampler(range(10), replacement=True, num_samples=10**10)
    first = list(itertools.islice(sampler, 100))
    assert len(sampler) == 10**10 and set(first) <= set(range(10))


def test_a_stream_is_shared_among_workers():
    class Stream(data.IterableDataset):
        def __iter__(self):
            info = data.get_worker_info()
            yield from range(info.id, 9, info.num_workers)

    assert data.get_worker_info() is None
    loader = data.DataLoader(Stream(), batch_size=2, num_workers=2)
    assert sorted(int(v) for b in loader for v in b) == list(range(9))
    assert data.get_worker_info() is None


def test_workers_leave_the_programs_random_numbers_alone():
    class Noise(Squares):
        def __getitem__(self, i):
            return torch.rand(1), random.random(), np.random.rand()

    loader = data.DataLoader(Noise(), 2, num_workers=2)
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)
    batches = iter(loader)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    seen = [float(v) for b in batches for v in b[0].flatten()]
    assert len(set(seen)) == 6
    assert random.getstate() == before[0] and np.random.get_state()[1].tolist() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])


def test_a_workers_copy_keeps_what_cannot_be_copied():
    class Mixed(data.IterableDataset):
        def __init__(self):
            self.double = lambda v: v * 2
            self.numbers = np.arange(4)

        def __iter__(self):
            self.numbers += 1
            return (self.double(int(v)) for v in self.numbers)

    mixed = Mixed()
    assert [int(v) for v in data.DataLoader(mixed, None, num_workers=1)] == [2, 4, 6, 8]
    assert mixed.numbers.tolist() == [0, 1, 2, 3]


def test_an_error_in_a_sample_reaches_the_program():
    with pytest.raises(IndexError):
        list(data.DataLoader([1, 2], sampler=[0, 5], num_workers=1))


def test_batches_of_unequal_lists_are_refused_with_their_sizes():
    with pytest.raises(RuntimeError, match=r"sizes \[1, 2\]"):
        data.default_collate([[1], [1, 2]])

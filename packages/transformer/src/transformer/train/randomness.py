"""Random draws inside a step (dropout) that depend on the seed, the step and the worker alone.

A generator carried from step to step would have to be saved for every thread; one seeded afresh
needs nothing saved, and a resumed run draws what the unbroken one would have.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

from transformer._engine import ENGINE, torch

ON_TORCH = ENGINE == "torch"


def mixed_seed(*numbers: int) -> int:
    """Return a seed in which every bit depends on each of the numbers.

    >>> mixed_seed(1337, 0) == mixed_seed(1337, 0), mixed_seed(1337, 0) == mixed_seed(1337, 1)
    (True, False)
    """
    digest = blake2b(repr(numbers).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1  # within int64, which seeds must fit


@contextmanager
def draws_seeded(seed: int) -> Iterator[None]:
    """Make every draw of the current thread within the block follow from ``seed``.

    >>> with draws_seeded(7):
    ...     drawn = torch.rand(2)
    >>> with draws_seeded(7):
    ...     torch.equal(torch.rand(2), drawn)
    True
    """
    if ON_TORCH:  # one worker only, so its one default generator may be seeded
        torch.manual_seed(seed)
        yield
    else:
        with torch.random.use_generator(torch.Generator().manual_seed(seed)):
            yield

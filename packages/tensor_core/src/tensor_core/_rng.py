"""torch's generator object: the same draws, its state as a ByteTensor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from . import random
from ._size import device
from ._tensor import Tensor, wrap


class Generator(random.Generator):
    """A source of random numbers with a state of its own, as torch's CPU generator.

    >>> import tensor_core as torch
    >>> g = torch.Generator().manual_seed(1)
    >>> state = g.get_state()
    >>> a = torch.rand(2, generator=g)
    >>> _ = g.set_state(state)
    >>> bool((torch.rand(2, generator=g) == a).all())
    True
    """

    @property
    def device(self) -> Any:
        """Where the generator lives: ``device(type='cpu')``."""
        return device("cpu")

    def get_state(self) -> Any:
        """The state as a ByteTensor."""
        return wrap(super().get_state())

    def set_state(self, state: Any) -> Any:
        """Continue from a state."""
        return super().set_state(state._a if isinstance(state, Tensor) else state)

    def clone_state(self) -> Any:
        """A generator that will draw the same numbers."""
        return Generator().set_state(self.get_state())

    def __reduce__(self) -> Any:
        return (Generator, (device("cpu"),), (self.initial_seed(), None, self.get_state()))

    def __setstate__(self, state: Any) -> None:
        self.set_state(state[2])


default_generator = random.default_generator = Generator()


def manual_seed(seed: int) -> Any:
    """Restart the default generator and return it.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(1)
    >>> torch.rand(1)
    tensor([0.7576])
    """
    return random.manual_seed(seed)


def seed() -> int:
    """Restart the default generator from a seed nobody chose, and return that.

    >>> import tensor_core as torch
    >>> first = torch.seed()
    >>> first == torch.initial_seed()
    True
    """
    return random.current().seed()


def initial_seed() -> int:
    """The seed the default generator started from.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(42)
    >>> torch.initial_seed()
    42
    """
    return random.current().initial_seed()


def get_rng_state() -> Tensor:
    """The default generator's state as a ByteTensor.

    >>> import tensor_core as torch
    >>> state = torch.get_rng_state()
    >>> state.dtype, state.shape
    (torch.uint8, torch.Size([5056]))
    """
    return wrap(np.asarray(random.current().get_state()))


def set_rng_state(new_state: Tensor) -> None:
    """Make the default generator continue from a state.

    >>> import tensor_core as torch
    >>> state = torch.get_rng_state()
    >>> a = torch.rand(2)
    >>> torch.set_rng_state(state)
    >>> torch.equal(torch.rand(2), a)
    True
    """
    random.current().set_state(new_state._a)


@contextmanager
def fork_rng(
    devices: Any = None, enabled: bool = True, _caller: str = "fork_rng",
    _devices_kw: str = "devices", device_type: str | None = None,
) -> Iterator[None]:  # fmt: skip
    """A block whose draws do not count: the default generator goes on where it was before.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> with torch.random.fork_rng():
    ...     a = torch.rand(1)
    >>> torch.equal(torch.rand(1), a)
    True
    """
    state = get_rng_state() if enabled else None
    try:
        yield
    finally:
        if state is not None:
            set_rng_state(state)


# ``torch.random`` has torch's functions on tensors, beside the arrays' own.
for _function in (fork_rng, get_rng_state, initial_seed, seed, set_rng_state):
    setattr(random, _function.__name__, _function)

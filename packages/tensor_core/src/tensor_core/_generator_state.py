"""A generator's state as bytes, in the layout of PyTorch's CPU generator (5056 bytes)."""

from typing import NamedTuple

import numpy as np

from ._mt19937 import WORDS

Array = np.ndarray

_LAYOUT = np.dtype(
    [
        ("seed", "<u8"),
        ("left", "<i4"),  # words until the next regeneration, plus one
        ("seeded", "<i4"),
        ("used", "<u8"),
        ("key", "<u8", WORDS),
        ("unused_x", "<f8"),
        ("spare", "<f8"),  # the second number of a Box-Muller pair, kept for the next draw
        ("unused_rho", "<f8"),
        ("has_spare", "<i4"),
        ("padding", "<i4"),
        ("unused_spare32", "<f4"),
        ("unused_has_spare32", "<i4"),
    ]
)


class State(NamedTuple):
    """A seed, the twister's words, how many are used up, and a normal number kept back.

    >>> State(1, np.zeros(624, np.uint32), 0, None).used
    0
    """

    seed: int
    key: Array
    used: int
    spare: float | None


def pack(state: State) -> Array:
    """The state as bytes. Shape: (5056,), uint8.

    ``used`` is 0 for a twister that nothing was drawn from: its words are still the seed's, not
    yet the first 624 of output.

    >>> pack(State(1, np.zeros(624, np.uint32), 0, None)).shape
    (5056,)
    """
    fields = np.zeros((), _LAYOUT)
    fields["seed"], fields["seeded"], fields["key"] = state.seed, 1, state.key
    fields["used"] = state.used
    fields["left"] = WORDS + 1 - state.used if state.used else 1
    if state.spare is not None:
        fields["spare"], fields["has_spare"] = state.spare, 1
    return np.frombuffer(bytearray(fields.tobytes()), np.uint8)


def unpack(data: Array) -> State:
    """What `pack` was given. Raises TypeError unless given bytes, RuntimeError for wrong ones.

    >>> unpack(pack(State(1, np.zeros(624, np.uint32), 7, 0.5))).spare
    0.5
    """
    if getattr(data, "dtype", None) != np.uint8:
        raise TypeError("set_state: the state must be an array of uint8")
    if data.size != _LAYOUT.itemsize:
        raise RuntimeError(f"set_state: the state has {data.size} bytes, not {_LAYOUT.itemsize}")
    fields = np.frombuffer(np.ascontiguousarray(data).tobytes(), _LAYOUT)[0]
    left, used = int(fields["left"]), int(fields["used"])
    whole = (left, used) == (1, 0) or (left + used == WORDS + 1 and 1 <= left <= WORDS)
    if not (fields["seeded"] and whole):
        raise RuntimeError("set_state: these bytes are no state of a Mersenne Twister")
    spare = float(fields["spare"]) if fields["has_spare"] else None
    return State(int(fields["seed"]), fields["key"].astype(np.uint32), used, spare)

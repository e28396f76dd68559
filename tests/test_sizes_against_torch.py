"""Sizes one by one, as one tuple, and by the names torch has for them."""

import pytest
from side_by_side import BOTH, array, error_of

CALLS = {
    "rand": lambda t, x: t.rand(size=(2, 3)).shape,
    "randn": lambda t, x: t.randn(size=()).shape,
    "randn of a list": lambda t, x: t.randn(size=[2]).shape,
    "zeros": lambda t, x: t.zeros(size=(2, 3)),
    "full": lambda t, x: t.full(size=(2,), fill_value=3),
    "randint": lambda t, x: t.randint(low=0, high=3, size=(2,)).shape,
    "normal": lambda t, x: t.normal(mean=0.0, std=1.0, size=(2, 2)).shape,
    "expand": lambda t, x: x.expand(size=(2, 2, 3)),
    "expand implicitly": lambda t, x: x.expand(2, 2, 3, implicit=False),
    "view": lambda t, x: x.view(size=(3, 2)),
    "view as a shape": lambda t, x: x.view(shape=(3, 2)),
    "reshape": lambda t, x: x.reshape(shape=(3, 2)),
    "reshape to a size": lambda t, x: x.reshape(size=(3, 2)),
    "repeat": lambda t, x: x.repeat(repeats=(2, 1)),
    "repeat sizes": lambda t, x: x.repeat(sizes=(2, 1)),
    "tile": lambda t, x: x.tile(dims=(2,)),
    "permute": lambda t, x: x.permute(dims=(1, 0)),
    "flip": lambda t, x: x.flip(dims=(0,)),
    "new_zeros": lambda t, x: x.new_zeros(size=(2,)),
    "broadcast_to": lambda t, x: t.broadcast_to(x, size=(2, 2, 3)),
    "as_strided": lambda t, x: x.as_strided(size=(2,), stride=(1,)),
}


@pytest.mark.parametrize("name", CALLS)
def test_sizes_by_name(name):
    told = []
    for t in BOTH:
        x = t.arange(6.0).reshape(2, 3)
        error = error_of(lambda t=t, x=x: CALLS[name](t, x))
        result = None if error else CALLS[name](t, x)
        told.append(
            error or (tuple(result) if isinstance(result, tuple) else array(result).tolist())
        )
    assert told[0] == told[1]

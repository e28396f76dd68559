"""Short programs by name, run on both libraries, their results or errors held equal."""

import numpy as np
import torch
from side_by_side import array, close

import tensor_core


def plain(value):
    """A program's result with tensors as (type, numbers), the same on both libraries."""
    if isinstance(value, torch.Tensor | tensor_core.Tensor):
        return str(value.dtype), array(value)
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    return value


def told(library, program):
    """What a program returns, or the type of its error."""
    try:
        return plain(program(library))
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
        return f"raises {type(error).__name__}"


def equal(ours, theirs):
    assert type(ours) is type(theirs), (ours, theirs)
    if isinstance(ours, list):
        assert len(ours) == len(theirs), (ours, theirs)
        for a, b in zip(ours, theirs, strict=True):
            equal(a, b)
    elif isinstance(ours, tuple):
        assert ours[0] == theirs[0]
        close(ours[1], theirs[1])
    else:
        assert ours == theirs


def leaf(t, *shape):
    values = np.linspace(-1.3, 1.7, int(np.prod(shape)) or 1).reshape(shape)
    return t.from_numpy(values.copy()).requires_grad_()


class Programs(dict):
    """Functions by name."""

    def __call__(self, function):
        self[function.__name__] = function
        return function

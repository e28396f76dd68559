"""What to do about a function that raises: the likeliest reason, tried out."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck.forward import Array


def integer_hint(call: Callable[[list[Array]], Any], primals: Sequence[Array]) -> str:
    """Which floating primals with whole numbers must be integers for ``call`` to work, in words.

    Empty when that is not what is wrong. ``call`` takes the list of primals.

    >>> table, ids = np.ones((3, 2)), np.array([0.0, 2.0])
    >>> integer_hint(lambda primals: primals[0][primals[1]], [table, ids])
    '; it works with integers for primal 1: give primals[1].astype(int)'
    """
    whole = [i for i, p in enumerate(primals) if p.dtype.kind == "f" and _is_whole(p)]
    for chosen in [*([i] for i in whole), *([whole] if len(whole) > 1 else [])]:
        tried = [p.astype(int) if i in chosen else p.copy() for i, p in enumerate(primals)]
        try:
            call(tried)
        except Exception:
            continue
        which = " and ".join(map(str, chosen))
        give = ", ".join(f"primals[{i}].astype(int)" for i in chosen)
        noun = "primal" if len(chosen) == 1 else "primals"
        return f"; it works with integers for {noun} {which}: give {give}"
    return ""


def _is_whole(array: Array) -> bool:
    return bool(np.isfinite(array).all() and (array == np.rint(array)).all())

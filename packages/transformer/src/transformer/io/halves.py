"""Which two dimensions of a head turn together: neighbours in some files, halves here.

Rotary positions turn dimensions in pairs. Those are neighbours in the paper, in llama.cpp's files
and in llama2.c; dimension i and i + D / 2 here and in ``transformers``. So the rows of the maps to
queries and keys are sorted on the way in and out.
"""

from transformer.io.stored import Float32, Stored


def in_halves(name: str, stored: Stored, n_head: int, n_kv_head: int) -> Stored:
    """A tensor of a file whose pairs are neighbours, as a model here wants it.

    >>> import numpy as np
    >>> rows = Stored("w", (4,), "F32", 16, lambda: np.arange(4, dtype=np.float32))
    >>> in_halves("layers.0.self_attn.q_proj.weight", rows, 1, 1).read().tolist()
    [0.0, 2.0, 1.0, 3.0]
    """
    heads = heads_of(name, n_head, n_kv_head)
    return stored.changed(lambda values: to_halves(values, heads)) if heads else stored


def in_pairs(name: str, stored: Stored, n_head: int, n_kv_head: int) -> Stored:
    """The inverse of :func:`in_halves`.

    >>> import numpy as np
    >>> rows = Stored("w", (4,), "F32", 16, lambda: np.arange(4, dtype=np.float32))
    >>> in_pairs("layers.0.self_attn.v_proj.weight", rows, 1, 1) is rows  # values are not turned
    True
    """
    heads = heads_of(name, n_head, n_kv_head)
    return stored.changed(lambda values: to_pairs(values, heads)) if heads else stored


def heads_of(name: str, n_head: int, n_kv_head: int) -> int:
    """How many heads a map to queries or keys has; 0 for any other tensor.

    >>> heads_of("layers.0.self_attn.k_proj.weight", n_head=9, n_kv_head=3)
    3
    """
    return n_head if ".q_proj" in name else n_kv_head if ".k_proj" in name else 0


def to_halves(values: Float32, n_head: int) -> Float32:
    """Rows of each head from pairs (0, 1), (2, 3), ... to a first and a second half.

    Shapes: (H D, ...) -> the same.

    >>> import numpy as np
    >>> to_halves(np.arange(4.0, dtype=np.float32), n_head=1).tolist()
    [0.0, 2.0, 1.0, 3.0]
    """
    pairs = values.reshape(n_head, -1, 2, *values.shape[1:])  # (H, D / 2, 2, ...)
    return pairs.swapaxes(1, 2).reshape(values.shape)


def to_pairs(values: Float32, n_head: int) -> Float32:
    """The inverse of :func:`to_halves`.

    >>> import numpy as np
    >>> to_pairs(np.arange(4.0, dtype=np.float32), n_head=1).tolist()
    [0.0, 2.0, 1.0, 3.0]
    """
    halves = values.reshape(n_head, 2, -1, *values.shape[1:])  # (H, 2, D / 2, ...)
    return halves.swapaxes(1, 2).reshape(values.shape)

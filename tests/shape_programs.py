"""Programs of shapes, indices and matrices: what has no card of its name, for both libraries.

``FUNCTIONS`` and ``METHODS`` join those of ``test_every_method.py``; ``EXCUSES`` are the names
that have no derivative to check.
"""

import numpy as np

RNG = np.random.default_rng(11)
X, Y = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3))
V = RNG.normal(size=4)
SQUARE = RNG.normal(size=(3, 3)) * 0.5 + 2 * np.eye(3)
BATCH = RNG.normal(size=(2, 3, 3)) * 0.5 + 2 * np.eye(3)
RIGHT = RNG.normal(size=(3, 2))


def definite(x):
    """A symmetric positive-definite matrix of any."""
    return x @ x.mT + x.detach()[..., :1, :1] * 0


def projections(vectors):
    """What of a basis is nobody's choice: the sign of each vector is."""
    return vectors * vectors


def place(t, *numbers):
    return t.tensor(numbers)


def adjacency(t, values):
    return t.sparse_coo_tensor(t.tensor([[0, 2, 1, 0], [1, 0, 1, 1]]), values, (3, 3))


def factored(t, x):
    return t.linalg.lu_factor(x)


COPIES = {
    "alias": (), "as_strided": ((2, 2), (1, 2)), "diagonal": (), "expand": ((2, 2, 3),),
    "narrow": (1, 0, 2), "permute": ((1, 0),), "select": (1, 2), "slice": (1, 0, 2),
    "split": (1,), "split_with_sizes": ([1, 1],), "squeeze": (), "t": (), "transpose": (0, 1),
    "unbind": (), "unfold": (1, 2, 1), "unsqueeze": (0,), "view": ((3, 2),),
}  # fmt: skip


def copied(name):
    def program(t, x):
        made = getattr(t, f"{name}_copy")(x * 1, *COPIES[name])
        parts = made if isinstance(made, tuple) else (made,)
        assert not any(p._base is not None for p in parts)
        return made

    return program


FUNCTIONS = {
    **{f"{name}_copy": (copied(name), [X]) for name in COPIES},
    "as_strided_scatter source": (
        lambda t, x: t.as_strided_scatter(t.zeros(2, 3, dtype=x.dtype), x, (2,), (3,), 1), [X[:, 0]]
    ),
    "block_diag": (lambda t, x, v, y: t.block_diag(x, v, y[0, 0]), [X, V, Y]),
    "broadcast_tensors": (lambda t, x, y: t.broadcast_tensors(x[:, :1] * 1, y), [X, Y]),
    "cartesian_prod": (lambda t, x, v: t.cartesian_prod(x[0], v, x[1]), [X, V]),
    "chain_matmul": (lambda t, x, s, r: t.chain_matmul(x, s, r), [X, SQUARE, RIGHT]),
    "concat": (lambda t, x, y: t.concat([x, y], dim=1), [X, Y]),
    "concatenate": (lambda t, x, y: t.concatenate([x, y], dim=1), [X, Y]),
    "row_stack": (lambda t, x, y: t.row_stack([x[0], y[1]]), [X, Y]),
    "meshgrid": (lambda t, x, v: t.meshgrid(x[0], v, indexing="ij"), [X, V]),
    "meshgrid xy": (lambda t, x, v: t.meshgrid(x[0], v, x[1], indexing="xy"), [X, V]),
    "unsafe_chunk": (lambda t, x: t.unsafe_chunk(x, 2, 1), [X]),
    "unsafe_split": (lambda t, x: t.unsafe_split(x, 2, 1), [X]),
    "unsafe_split_with_sizes": (lambda t, x: t.unsafe_split_with_sizes(x, [1, 2], 1), [X]),
    "index_put": (lambda t, x, v: t.index_put(x, (place(t, 1),), v[:3]), [X, V]),
    "index_put added": (
        lambda t, x, v: t.index_put(x, (place(t, 1, 1), place(t, 0, 0)), v[:2], True), [X, V]
    ),
    "scatter value": (lambda t, x: t.scatter(x, 1, t.tensor([[0], [2]]), 1.5), [X]),
    "scatter named": (lambda t, x: t.scatter(x, 1, t.tensor([[0], [2]]), value=2.5), [X]),
    "scatter added rounded": (
        lambda t, x, y: t.scatter(x, 1, t.tensor([[0, 0], [2, 1]]), y[:, :2], reduce="add"),
        [X.round().astype(np.int64), Y.round().astype(np.int64)],
    ),
    "scatter multiplied rounded": (
        lambda t, x, y: t.scatter(x, 1, t.tensor([[0, 0], [2, 1]]), y[:, :2], reduce="multiply"),
        [X.round().astype(np.int64), Y.round().astype(np.int64)],
    ),
    "scatter_reduce rounded": (
        lambda t, x, y: [
            t.scatter_reduce(x, 1, t.tensor([[0, 0, 1], [2, 2, 2]]), y, how, include_self=own)
            for how in ("sum", "prod", "mean", "amax", "amin") for own in (True, False)
        ],
        [(9 * X).round().astype(np.int64), (9 * Y).round().astype(np.int64)],
    ),
    "einsum sublists": (lambda t, x, y: t.einsum(x, [0, 1], y, [2, 1], [0, 2]), [X, Y]),
    "einsum capitals": (lambda t, x, y: t.einsum(" aB , c B -> c a ", x, y), [X, Y]),
    "einsum dots": (lambda t, x, y: t.einsum(x, [..., 1], y, [..., 1], [...]), [X, Y]),
    "spmm": (lambda t, v, r: t.spmm(adjacency(t, v), r), [V, RIGHT]),
    "spmm vector": (lambda t, v, r: adjacency(t, v) @ r[:, 0], [V, RIGHT]),
    "sparse sum": (lambda t, v: t.sparse.sum(adjacency(t, v)), [V]),
    "sparse dense": (lambda t, v: adjacency(t, v).to_dense() ** 2, [V]),
    "sparse transposed": (lambda t, v, r: adjacency(t, v * 2).t() @ r, [V, RIGHT]),
    "sparse values": (lambda t, v: adjacency(t, v).coalesce().values() ** 2, [V]),
    "ger": (lambda t, x, v: t.ger(x[0], v), [X, V]),
    "index_put_": (lambda t, x, y: t.index_put_(x * 1, (place(t, 1, 1),), y[:1], True), [X, Y]),
    "addmv_": (lambda t, x, s: t.addmv_(x[0] * 1, s, x[1]), [X, SQUARE]),
    "as_strided_": (lambda t, x: t.as_strided_(x * 1, (2, 2), (1, 2)), [X]),
    "resize_as_": (lambda t, x: x * t.resize_as_(x.detach().clone(), x[:, :1]), [X]),
    "frobenius_norm": (lambda t, x: t.frobenius_norm(x, (0, 1)), [X]),
    "nuclear_norm": (lambda t, x: t.nuclear_norm(x), [X]),
    "orgqr": (lambda t, r, x: t.orgqr(r, x[0, :2]), [RIGHT, X]),
    "stft": (
        lambda t, x: t.view_as_real(t.stft(
            x.reshape(2, -1), 6, 2, window=t.hann_window(6, dtype=x.dtype), return_complex=True
        )), [RNG.normal(size=30)],
    ),
    "stft shorter": (
        lambda t, x: t.stft(x, 6, win_length=4, center=False, normalized=True, return_complex=False
        ), [RNG.normal(size=30)],
    ),
    "istft": (
        lambda t, x: t.istft(t.stft(x, 6, 2, return_complex=True) * 2, 6, 2, length=29),
        [RNG.normal(size=30)],
    ),
    # matrices
    "inverse": (lambda t, x: t.inverse(x), [BATCH]),
    "cholesky": (lambda t, x: t.cholesky(definite(x)), [SQUARE]),
    "cholesky upper": (lambda t, x: t.cholesky(definite(x), upper=True), [SQUARE]),
    "cholesky_solve": (
        lambda t, x, b: t.cholesky_solve(b, t.linalg.cholesky(definite(x))), [SQUARE, RIGHT]
    ),
    "cholesky_inverse": (
        lambda t, x: t.cholesky_inverse(t.linalg.cholesky(definite(x))), [SQUARE]
    ),
    "pinverse": (lambda t, x: t.pinverse(x), [X]),
    "qr": (lambda t, x: t.qr(x), [RIGHT]),
    "svd": (lambda t, x: projections(t.svd(x).U), [X]),
    "svd V": (lambda t, x: projections(t.svd(x).V) * t.svd(x).S, [X]),
    "lu_solve": (lambda t, x, b: t.lu_solve(b, *factored(t, x)), [SQUARE, RIGHT]),
    "lu_unpack": (lambda t, x: t.lu_unpack(*factored(t, x))[1:], [SQUARE]),
    "lu": (lambda t, x: t.lu(x)[0], [SQUARE]),
    "triangular_solve": (
        lambda t, x, b: t.triangular_solve(b, x, upper=False, transpose=True).solution,
        [SQUARE, RIGHT],
    ),
    "slogdet": (lambda t, x: t.slogdet(x).logabsdet, [BATCH]),
    "det": (lambda t, x: t.det(x), [BATCH]),
    "linalg.cholesky": (lambda t, x: t.linalg.cholesky(definite(x)), [BATCH]),
    "linalg.cholesky_ex": (lambda t, x: t.linalg.cholesky_ex(definite(x)).L, [SQUARE]),
    "linalg.cross": (lambda t, x, y: t.linalg.cross(x, y), [X, Y]),
    "linalg.diagonal": (lambda t, x: t.linalg.diagonal(x, offset=1), [BATCH]),
    "linalg.eigh": (
        lambda t, x: [t.linalg.eigh(x + x.mT)[0], projections(t.linalg.eigh(x + x.mT)[1])],
        [BATCH],
    ),
    "linalg.eigh upper": (lambda t, x: t.linalg.eigh(x + x.mT, UPLO="U")[0], [SQUARE]),
    "linalg.eigvalsh": (lambda t, x: t.linalg.eigvalsh(x + x.mT), [BATCH]),
    "linalg.inv_ex": (lambda t, x: t.linalg.inv_ex(x).inverse, [BATCH]),
    "linalg.lstsq": (lambda t, r, x: t.linalg.lstsq(r, x).solution, [RIGHT, SQUARE]),
    "linalg.lstsq wide": (lambda t, x, r: t.linalg.lstsq(x, r[:2]).solution, [X, RIGHT]),
    "linalg.lu": (lambda t, x: t.linalg.lu(x), [BATCH]),
    "linalg.lu wide": (lambda t, x: t.linalg.lu(x), [X]),
    "linalg.lu tall": (lambda t, x: t.linalg.lu(x), [RIGHT]),
    "linalg.lu_factor": (lambda t, x: t.linalg.lu_factor(x).LU, [BATCH]),
    "linalg.lu_factor wide": (lambda t, x: t.linalg.lu_factor(x).LU, [X]),
    "linalg.lu_factor tall": (lambda t, x: t.linalg.lu_factor(x).LU, [RIGHT]),
    "linalg.lu_factor_ex": (lambda t, x: t.linalg.lu_factor_ex(x).LU, [SQUARE]),
    "linalg.lu_solve": (
        lambda t, x, b: t.linalg.lu_solve(*factored(t, x), b, adjoint=True), [SQUARE, RIGHT]
    ),
    "linalg.lu_solve right": (
        lambda t, x, b: t.linalg.lu_solve(*factored(t, x), b, left=False), [SQUARE, X]
    ),
    "linalg.matmul": (lambda t, x, s: t.linalg.matmul(x, s), [X, SQUARE]),
    "linalg.multi_dot": (lambda t, x, s, r: t.linalg.multi_dot([x[0], s, r]), [X, SQUARE, RIGHT]),
    "linalg.pinv": (lambda t, x: t.linalg.pinv(x, rtol=1e-3), [X]),
    "linalg.slogdet": (lambda t, x: t.linalg.slogdet(x)[1], [BATCH]),
    "linalg.solve vector": (lambda t, x, b: t.linalg.solve(x, b[:, 0]), [SQUARE, RIGHT]),
    "linalg.solve right": (lambda t, x, b: t.linalg.solve(x, b, left=False), [SQUARE, X]),
    "linalg.solve_ex": (lambda t, x, b: t.linalg.solve_ex(x, b).result, [SQUARE, RIGHT]),
    "linalg.solve_triangular": (
        lambda t, x, b: t.linalg.solve_triangular(x, b, upper=True, left=False), [SQUARE, X]
    ),
    "linalg.svd": (lambda t, x: t.linalg.svd(x, full_matrices=False).S, [X]),
    "linalg.vector_norm": (lambda t, x: t.linalg.vector_norm(x, 3, 1), [X]),
}  # fmt: skip


def in_place(name, *arguments):
    """``name`` in place, on a copy that is part of a graph."""
    return lambda t, x, *more: getattr(x * 1, name)(
        *(more[a.i] if isinstance(a, Arg) else a(t) if callable(a) else a for a in arguments)
    )


class Arg:
    """The i-th further array of a program."""

    def __init__(self, i):
        self.i = i


ROWS = lambda t: t.tensor([1, 0])  # noqa: E731  (needs the library)
TRUE = lambda t: t.tensor([True, False, True])  # noqa: E731
GRID = lambda t: t.tensor([[0, 0, 1], [2, 2, 2]])  # noqa: E731

METHODS = {
    "H": (lambda t, x: x.H * 2, [X]),
    "mH": (lambda t, x: x.mH * 2, [X]),
    "tile": (lambda t, x: x.tile(2, 2), [X]),
    "unfold": (lambda t, x: x.unfold(1, 2, 1), [X]),
    "index_put": (lambda t, x, v: x.index_put((place(t, 1),), v[:3]), [X, V]),
    "scatter_reduce_": (in_place("scatter_reduce_", 1, GRID, Arg(0), "amax"), [X, Y]),
    "index_put_": (in_place("index_put_", lambda t: (ROWS(t),), Arg(0), True), [X, Y[0]]),
    "t_": (in_place("t_"), [X]),
    "transpose_": (in_place("transpose_", 0, 1), [X]),
    "swapaxes_": (in_place("swapaxes_", 0, 1), [X]),
    "swapdims_": (in_place("swapdims_", 0, 1), [X]),
    "squeeze_": (in_place("squeeze_"), [X[:1]]),
    "unsqueeze_": (in_place("unsqueeze_", 0), [X]),
    "as_strided": (lambda t, x: (x * 1).as_strided((2, 2), (1, 2)), [X]),
    "as_strided_": (in_place("as_strided_", (2, 2), (1, 2)), [X]),
    "as_strided_scatter": (
        lambda t, x: t.zeros(2, 3, dtype=x.dtype).as_strided_scatter(x, (2,), (3,)), [X[:, 0]]
    ),
    "fill_diagonal_": (in_place("fill_diagonal_", 1.5), [SQUARE]),
    "resize_": (lambda t, x: x * x.detach().clone().resize_(2, 1), [X]),
    "resize_as_": (lambda t, x: x * x.detach().clone().resize_as_(x[:, :1]), [X]),
    "set_": (lambda t, x: x * x.detach().clone().set_(x.detach() * 2), [X]),
    "narrow_copy": (lambda t, x: x.narrow_copy(1, 0, 2), [X]),
    "unsafe_chunk": (lambda t, x: x.unsafe_chunk(2, 1), [X]),
    "unsafe_split": (lambda t, x: x.unsafe_split(2, 1), [X]),
    "unsafe_split_with_sizes": (lambda t, x: x.unsafe_split_with_sizes([1, 2], 1), [X]),
    "unflatten": (lambda t, x: x.unflatten(1, (3, -1)), [X]),
    "split": (lambda t, x: x.split(split_size=2, dim=1), [X]),
    "swapaxes": (lambda t, x: x.swapaxes(0, 1), [X]),
    "to_dense": (lambda t, x: x.to_dense() * 2, [X]),
    "to_sparse": (lambda t, x: x.to_sparse().values() * 2, [X]),
    "to_sparse_coo": (lambda t, x: x.to_sparse_coo().to_dense() * 2, [X]),
    "share_memory_": (lambda t, x: x.share_memory_() * 2, [X]),
    "as_subclass": (lambda t, x: x.as_subclass(t.Tensor) * 2, [X]),
    "inverse": (lambda t, x: x.inverse(), [BATCH]),
    "cholesky": (lambda t, x: definite(x).cholesky(), [SQUARE]),
    "cholesky_solve": (lambda t, x, b: b.cholesky_solve(x.tril()), [SQUARE, RIGHT]),
    "cholesky_inverse": (lambda t, x: x.tril().cholesky_inverse(), [SQUARE]),
    "pinverse": (lambda t, x: x.pinverse(), [X]),
    "qr": (lambda t, x: x.qr(), [RIGHT]),
    "svd": (lambda t, x: x.svd().S, [X]),
    "lu": (lambda t, x: x.lu()[0], [SQUARE]),
    "lu_solve": (lambda t, x, b: b.lu_solve(*factored(t, x)), [SQUARE, RIGHT]),
    "triangular_solve": (lambda t, x, b: b.triangular_solve(x)[0], [SQUARE, RIGHT]),
    "slogdet": (lambda t, x: x.slogdet()[1], [BATCH]),
    "det": (lambda t, x: x.det(), [BATCH]),
    "orgqr": (lambda t, r, x: r.orgqr(x[0, :2]), [RIGHT, X]),
    "stft": (lambda t, x: x.stft(6, 2, return_complex=True).abs(), [RNG.normal(size=30)]),
    "istft": (
        lambda t, x: (x.stft(6, 2, return_complex=True) * 2).istft(6, 2), [RNG.normal(size=30)]
    ),
}  # fmt: skip

EXCUSES = {
    **dict.fromkeys(
        ["argwhere", "nonzero_static", "unravel_index", "tril_indices", "triu_indices"], "integers"
    ),
    **dict.fromkeys(
        [
            *("empty_permuted", "empty_strided", "frombuffer", "logspace", "range"),
            *("new_empty_strided", "new", "sparse_coo_tensor"),
            *("bartlett_window", "blackman_window", "hamming_window", "hann_window"),
            "kaiser_window",
        ],
        "factory",
    ),
    **dict.fromkeys(["broadcast_shapes"], "query"),
    **dict.fromkeys(
        [
            *("const_data_ptr", "dim_order", "get_device", "is_pinned", "is_inference"),
            *("is_set_to", "is_distributed"),
        ],
        "query",
    ),
    **dict.fromkeys(["detach_copy", "apply_", "map_", "map2_"], "leaves the graph"),
    **dict.fromkeys(["linalg.LinAlgError"], "type"),
    **dict.fromkeys(["linalg.matrix_rank"], "integers"),
    **dict.fromkeys(["linalg.eig", "linalg.eigvals"], "complex"),
}  # fmt: skip

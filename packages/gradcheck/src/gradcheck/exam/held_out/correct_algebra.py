"""Linear algebra: solves, inverses, factors, spectra."""

import numpy as np

from gradcheck.exam.held_out._parts import Array
from gradcheck.exam.rule import Rule

_draw = np.random.default_rng(111)
_ROOT = _draw.normal(size=(4, 4))
_DEFINITE = _ROOT @ _ROOT.T + 2 * np.eye(4)
_SPREAD = np.array([[2.0, 1.0, 0.0], [1.0, 5.0, 1.0], [0.5, 0.0, 9.0]])
_HILBERT = 1 / (np.arange(5)[:, None] + np.arange(5) + 1.0)


def _solve_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    gb = np.linalg.solve(a.T, g)
    return -np.outer(gb, y), gb


def _cofactors_rule(g: Array, y: Array, a: Array) -> Array:
    rows = [np.cross(a[1], a[2]), np.cross(a[2], a[0]), np.cross(a[0], a[1])]
    return np.asarray(g * np.stack(rows))


def _logdet(a: Array) -> Array:
    return np.asarray(np.linalg.slogdet(a)[1])


def _signed_rule(g: tuple[Array, Array], y: tuple[Array, Array], a: Array) -> Array:
    return np.asarray(g[1] * np.linalg.inv(a).T)  # the sign is a step function


def _factor(a: Array) -> Array:
    return np.linalg.cholesky((a + a.T) / 2)


def _factor_rule(g: Array, y: Array, a: Array) -> Array:
    """Murray 2016, "Differentiation of the Cholesky decomposition"."""
    middle = np.tril(y.T @ np.tril(g))
    middle[np.diag_indices(len(y))] /= 2
    inverse = np.linalg.inv(y)
    grad = inverse.T @ middle @ inverse
    return np.asarray((grad + grad.T) / 2)


def _spectrum_rule(g: Array, y: Array, a: Array) -> Array:
    vectors = np.linalg.eigh((a + a.T) / 2)[1]
    return np.asarray((vectors * g) @ vectors.T)


def _pinv_rule(g: Array, y: Array, a: Array) -> Array:
    """Golub and Pereyra 1973, on the differentiation of pseudo-inverses."""
    off = np.eye(a.shape[0], dtype=a.dtype) - a @ y
    return np.asarray(off @ g.T @ y @ y.T - y.T @ g @ y.T)


def _singular_rule(g: Array, y: Array, a: Array) -> Array:
    u, _, vt = np.linalg.svd(a, full_matrices=False)
    return np.asarray((u * g) @ vt)


def _nuclear_rule(g: Array, y: Array, a: Array) -> Array:
    u, _, vt = np.linalg.svd(a, full_matrices=False)
    return np.asarray(g * (u @ vt))


def _power_rule(g: Array, y: Array, a: Array) -> Array:
    t = a.T
    return np.asarray(g @ t @ t + t @ g @ t + t @ t @ g)


def _kron_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    blocks = g.reshape(a.shape[0], b.shape[0], a.shape[1], b.shape[1])
    return np.einsum("ikjl,kl->ij", blocks, b), np.einsum("ikjl,ij->kl", blocks, a)


def _mahalanobis(s: Array, x: Array) -> Array:
    return np.asarray(x @ np.linalg.solve(s, x))


def _mahalanobis_rule(g: Array, y: Array, s: Array, x: Array) -> tuple[Array, Array]:
    right, left = np.linalg.solve(s, x), np.linalg.solve(s.T, x)
    return -g * np.outer(left, right), g * (left + right)


def _inverse_rule(g: Array, y: Array, a: Array) -> Array:
    return np.asarray(-y.T @ g @ y.T)


_ALGEBRA = "linear algebra"

RULES = [
    Rule("solve", _ALGEBRA, np.linalg.solve, _solve_rule, [_DEFINITE + _ROOT, np.arange(1.0, 5)]),
    Rule("inverse", _ALGEBRA, np.linalg.inv, _inverse_rule, [_DEFINITE + _ROOT]),
    Rule("inverse of Hilbert's matrix", _ALGEBRA, np.linalg.inv, _inverse_rule, [_HILBERT]),
    Rule(
        "determinant",
        _ALGEBRA,
        np.linalg.det,
        lambda g, y, a: g * y * np.linalg.inv(a).T,
        [_ROOT.copy()],
    ),
    Rule(
        "determinant of a singular matrix",
        _ALGEBRA,
        np.linalg.det,
        _cofactors_rule,
        [np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])],
    ),
    Rule(
        "log determinant",
        _ALGEBRA,
        _logdet,
        lambda g, y, a: g * np.linalg.inv(a).T,
        [_DEFINITE.copy()],
    ),
    Rule("sign and log determinant", _ALGEBRA, np.linalg.slogdet, _signed_rule, [_ROOT.copy()]),
    Rule("Cholesky", _ALGEBRA, _factor, _factor_rule, [_DEFINITE.copy()]),
    Rule(
        "eigenvalues",
        _ALGEBRA,
        lambda a: np.linalg.eigvalsh((a + a.T) / 2),
        _spectrum_rule,
        [_SPREAD.copy()],
    ),
    Rule(
        "sum of equal eigenvalues",
        _ALGEBRA,
        lambda a: np.linalg.eigvalsh((a + a.T) / 2).sum(),
        lambda g, y, a: g * np.eye(len(a), dtype=a.dtype),
        [3 * np.eye(3)],
    ),
    Rule(
        "singular values",
        _ALGEBRA,
        lambda a: np.linalg.svd(a, compute_uv=False),
        _singular_rule,
        [np.array([[3.0, 1.0], [0.0, 1.0], [1.0, -2.0]])],
    ),
    Rule(
        "nuclear norm",
        _ALGEBRA,
        lambda a: np.linalg.svd(a, compute_uv=False).sum(),
        _nuclear_rule,
        [_draw.normal(size=(3, 4))],
    ),
    Rule("pseudo-inverse", _ALGEBRA, np.linalg.pinv, _pinv_rule, [_draw.normal(size=(4, 2))]),
    Rule(
        "trace of a product",
        _ALGEBRA,
        lambda a, b: np.trace(a @ b),
        lambda g, y, a, b: (g * b.T, g * a.T),
        [_draw.normal(size=(3, 4)), _draw.normal(size=(4, 3))],
    ),
    Rule("norm", _ALGEBRA, np.linalg.norm, lambda g, y, a: g * a / y, [_draw.normal(size=(3, 3))]),
    Rule("third power", _ALGEBRA, lambda a: a @ a @ a, _power_rule, [_draw.normal(size=(3, 3))]),
    Rule(
        "Kronecker product",
        _ALGEBRA,
        np.kron,
        _kron_rule,
        [_draw.normal(size=(2, 3)), _draw.normal(size=(2, 2))],
    ),
    Rule(
        "Mahalanobis distance",
        _ALGEBRA,
        _mahalanobis,
        _mahalanobis_rule,
        [_DEFINITE.copy(), np.array([1.0, -2.0, 0.5, 3.0])],
    ),
]

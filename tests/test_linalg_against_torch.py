"""Linear algebra on both libraries: values, types, errors, derivatives at the edges."""

import numpy as np
import pytest
import torch
from side_by_side import BOTH, close, error_of

import tensor_core
from gradcheck import check_grads

RNG = np.random.default_rng(4)
MATRICES = {
    "square": RNG.normal(size=(3, 3)), "batch": RNG.normal(size=(2, 1, 3, 3)),
    "tall": RNG.normal(size=(4, 2)), "wide": RNG.normal(size=(2, 4)),
    "float32": RNG.normal(size=(3, 3)).astype(np.float32), "empty": np.zeros((0, 2, 2)),
    "one": np.array([[2.0]]), "triangular": np.tril(RNG.normal(size=(3, 3))) + 3 * np.eye(3),
    "complex": RNG.normal(size=(3, 3)) + 1j * RNG.normal(size=(3, 3)),
}  # fmt: skip


def definite(x):
    return x @ x.mH + 0.5 * (x @ x.mH * 0 + 1).tril().triu()


def size(x):
    return x.abs() if x.is_complex() else x


# name: a program of a matrix and the library; what has a choice of sign is looked at in size.
PROGRAMS = {
    "inv": lambda t, x: t.linalg.inv(x), "inverse": lambda t, x: x.inverse(),
    "det": lambda t, x: t.det(x), "slogdet": lambda t, x: t.linalg.slogdet(x),
    "logdet": lambda t, x: t.logdet(definite(x)),
    "solve": lambda t, x: t.linalg.solve(x, x.mT + 1),
    "solve vector": lambda t, x: t.linalg.solve(x, x[..., 0]),
    "solve_triangular": lambda t, x: t.linalg.solve_triangular(
        x, x.mT, upper=True, unitriangular=True),
    "lstsq": lambda t, x: t.linalg.lstsq(x, x + 1)[0],
    "lstsq rank": lambda t, x: t.linalg.lstsq(x, x + 1)[2],
    "lstsq gelsd": lambda t, x: t.linalg.lstsq(x, x + 1, driver="gelsd"),
    "lstsq gels": lambda t, x: t.linalg.lstsq(x, x + 1, driver="gels"),
    "pinv": lambda t, x: t.linalg.pinv(x),
    "pinv atol": lambda t, x: t.linalg.pinv(x, atol=1.5),
    "cholesky": lambda t, x: t.linalg.cholesky(definite(x)),
    "cholesky upper": lambda t, x: t.linalg.cholesky(definite(x), upper=True),
    "cholesky of a triangle": lambda t, x: t.linalg.cholesky(definite(x).tril()),
    "qr": lambda t, x: t.linalg.qr(x), "qr complete": lambda t, x: t.linalg.qr(x, "complete"),
    "qr r": lambda t, x: t.linalg.qr(x, "r"),
    "svdvals": lambda t, x: t.linalg.svdvals(x),
    "svd": lambda t, x: [size(p.abs()) for p in t.linalg.svd(x, full_matrices=False)],
    "svd full": lambda t, x: [p.shape[-1] + t.zeros(1) for p in t.linalg.svd(x)],
    "eigh": lambda t, x: [p.abs() for p in t.linalg.eigh(x + x.mH)],
    "eigh of a triangle": lambda t, x: t.linalg.eigvalsh((x + x.mH).triu(), UPLO="U"),
    "eigvals": lambda t, x: t.linalg.eigvals(x).abs().sort().values,
    "matrix_rank": lambda t, x: t.linalg.matrix_rank(x),
    "matrix_rank tol": lambda t, x: t.linalg.matrix_rank(x, tol=1.5),
    "matrix_rank hermitian": lambda t, x: t.linalg.matrix_rank(x + x.mH, hermitian=True),
    **{f"cond {p}": lambda t, x, p=p: t.linalg.cond(x, p) for p in (None, 2, -2, 1, "fro", "nuc")},
    **{
        f"matrix_norm {p}": lambda t, x, p=p: t.linalg.matrix_norm(x, p)
        for p in ("fro", "nuc", 2, -2, 1, -1, float("inf"), float("-inf"))
    },
    **{
        f"vector_norm {p}": lambda t, x, p=p: t.linalg.vector_norm(x, p, -1)
        for p in (0, 0.5, 1, 2, 3.5, -1, float("inf"), float("-inf"))
    },
    "norm": lambda t, x: t.linalg.norm(x), "norm dim": lambda t, x: t.linalg.norm(x, 1, -1),
    "norm dims": lambda t, x: t.linalg.norm(x, "nuc", (-2, -1), keepdim=True),
    "lu": lambda t, x: t.linalg.lu(x), "lu_factor": lambda t, x: t.linalg.lu_factor(x),
    "lu_solve": lambda t, x: t.linalg.lu_solve(*t.linalg.lu_factor(x), x.mT + 1),
    "lu_unpack": lambda t, x: t.lu_unpack(*t.linalg.lu_factor(x)),
    "matrix_exp": lambda t, x: t.linalg.matrix_exp(x * 3),
    "matrix_power": lambda t, x: t.linalg.matrix_power(x, 5),
    "matrix_power -2": lambda t, x: t.linalg.matrix_power(x, -2),
    "multi_dot": lambda t, x: t.linalg.multi_dot([x, x.mT, x, x.mT]),
    "vecdot": lambda t, x: t.linalg.vecdot(x, x + 1, dim=-2),
    "cross": lambda t, x: t.linalg.cross(x, x + 1),
    "vander": lambda t, x: t.linalg.vander(x, N=3),
    "householder": lambda t, x: t.linalg.householder_product(x, x[..., 0, :2]),
    "cholesky_inverse": lambda t, x: t.cholesky_inverse(t.linalg.cholesky(definite(x))),
}  # fmt: skip


def outcome(library, program, array):
    """The results as arrays, or the type of the error."""
    try:
        made = program(library, library.from_numpy(array.copy()))
    except Exception as error:
        return type(error).__name__.lstrip("_")
    return [m.numpy() for m in (made if isinstance(made, list | tuple) else [made])]


@pytest.mark.parametrize("kind", MATRICES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_values(name, kind):
    theirs, ours = (outcome(library, PROGRAMS[name], MATRICES[kind]) for library in BOTH)
    if isinstance(theirs, str) or isinstance(ours, str):
        assert ours == theirs
        return
    for a, b in zip(ours, theirs, strict=True):
        single = kind == "float32"
        close(a, b, (1e-3, 1e-4) if single else (1e-7, 1e-8), name)


NAN = float("nan")
ERRORS = {
    "inv singular": lambda t: t.linalg.inv(t.zeros(2, 2)),
    "inv of a batch": lambda t: t.linalg.inv(t.stack([t.eye(2), t.ones(2, 2)])),
    "inv of integers": lambda t: t.linalg.inv(t.eye(2, dtype=t.int64)),
    "inv of a vector": lambda t: t.linalg.inv(t.zeros(2)),
    "inv half": lambda t: t.linalg.inv(t.eye(2, dtype=t.float16)),
    "solve singular": lambda t: t.linalg.solve(t.zeros(2, 2), t.zeros(2)),
    "solve shapes": lambda t: t.linalg.solve(t.eye(2), t.zeros(3, 1)),
    "solve types": lambda t: t.linalg.solve(t.eye(2), t.zeros(2, dtype=t.float64)),
    "cholesky": lambda t: t.linalg.cholesky(-t.eye(2)),
    "svd": lambda t: t.linalg.svd(t.full((2, 2), NAN)),
    "svd driver": lambda t: t.linalg.svd(t.eye(2), driver="gesvd"),
    "qr mode": lambda t: t.linalg.qr(t.eye(2), "raw"),
    "eigh triangle": lambda t: t.linalg.eigh(t.eye(2), UPLO="X"),
    "eig": lambda t: t.linalg.eig(t.full((2, 2), NAN)),
    "lu pivot": lambda t: t.linalg.lu(t.eye(2), pivot=False),
    "lu_factor": lambda t: t.linalg.lu_factor(t.zeros(2, 2)),
    "lstsq shapes": lambda t: t.linalg.lstsq(t.eye(2), t.zeros(3, 1)),
    "lstsq driver": lambda t: t.linalg.lstsq(t.eye(2), t.zeros(2, 1), driver="x"),
    "matrix_norm": lambda t: t.linalg.matrix_norm(t.eye(2), 3),
    "matrix_norm dims": lambda t: t.linalg.matrix_norm(t.eye(2), 1, (0, 0)),
    "vector_norm empty": lambda t: t.linalg.vector_norm(t.zeros(0), float("inf")),
    "vector_norm of integers": lambda t: t.linalg.vector_norm(t.zeros(2, dtype=t.int64)),
    "norm of a box": lambda t: t.linalg.norm(t.zeros(2, 2, 2), 1),
    "multi_dot": lambda t: t.linalg.multi_dot([t.eye(2)]),
    "matrix_power": lambda t: t.linalg.matrix_power(t.zeros(2, 3), 2),
    "tensorinv": lambda t: t.linalg.tensorinv(t.zeros(2, 3, 5)),
    "tensorsolve": lambda t: t.linalg.tensorsolve(t.zeros(2, 3), t.zeros(2)),
    "cond": lambda t: t.linalg.cond(t.zeros(2, 3), 1),
    "vander": lambda t: t.linalg.vander(t.zeros(2), N=1),
    "cross": lambda t: t.linalg.cross(t.zeros(2), t.zeros(2)),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    theirs, ours = (error_of(lambda lib=lib: ERRORS[name](lib)) for lib in BOTH)
    assert theirs is not None and ours is not None
    assert ours.__name__ == theirs.__name__.lstrip("_")


def test_a_singular_matrix_raises_what_programs_catch():
    for library in BOTH:
        with pytest.raises(library.linalg.LinAlgError, match="singular"):
            library.linalg.inv(library.ones(2, 2))
    assert issubclass(tensor_core.linalg.LinAlgError, RuntimeError)


def test_results_have_names():
    for ask in (
        lambda t: t.linalg.slogdet(t.eye(2)), lambda t: t.slogdet(t.eye(2)),
        lambda t: t.linalg.inv_ex(t.eye(2)), lambda t: t.linalg.cholesky_ex(t.eye(2)),
        lambda t: t.linalg.eigh(t.eye(1)), lambda t: t.linalg.lu_factor(t.eye(2)),
        lambda t: t.linalg.lu(t.eye(1)), lambda t: t.triangular_solve(t.ones(1, 1), t.eye(1)),
        lambda t: t.linalg.lstsq(t.eye(1), t.ones(1, 1)), lambda t: t.linalg.eig(t.eye(1)),
        lambda t: t.linalg.solve_ex(t.eye(1), t.ones(1)),
    ):  # fmt: skip
        assert repr(ask(tensor_core)) == repr(ask(torch))


def test_checks_of_errors_can_be_left_to_the_caller():
    for library in BOTH:
        x = library.stack([library.eye(2), library.zeros(2, 2)])
        assert library.linalg.inv_ex(x).info.tolist() == [0, 1]
        assert library.linalg.inv_ex(x).inverse[0].tolist() == [[1, 0], [0, 1]]
        assert library.linalg.cholesky_ex(-x).info.tolist() == [1, 1]
        assert library.linalg.lu_factor_ex(x).info.tolist() == [0, 1]


def test_zeros_on_a_triangles_diagonal_divide():
    for library in BOTH:
        x = library.linalg.solve_triangular(
            library.tensor([[1.0, 0], [0, 0]]), library.ones(2, 1), upper=True
        )
        assert x[1, 0].item() == float("inf")


SINGULAR = [[[1.0, 2], [2, 4]], np.diag([1.0, 2, 0]), np.diag([1.0, 0, 0]), np.zeros((2, 3, 3))]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_derivatives_of_det_at_a_singular_matrix(order):
    """The adjugate and its slopes exist there; where the elimination ends in an exact 0, torch's
    gradient is zeros when it is not recorded, and its second derivative may be NaN."""
    for x in (*SINGULAR, np.stack([np.eye(3), SINGULAR[1]])):
        report = check_grads(tensor_core.det, [x], engine="tensor_core", order=order)
        assert report.verdict == "pass", report


def test_a_regular_matrix_with_a_tiny_determinant_has_all_derivatives_by_its_inverse():
    x = torch.from_numpy(RNG.normal(size=(24, 24)) * 0.05)
    assert abs(x.det()) < 1e-16
    curvatures = []
    for library in BOTH:
        y = library.from_numpy(x.numpy().copy()).requires_grad_()
        (slope,) = library.autograd.grad(library.linalg.det(y) * 1e25, y, create_graph=True)
        curvatures.append(library.autograd.grad((slope * slope).sum(), y)[0].numpy())
    close(curvatures[1], curvatures[0], (1e-8, 1e-9))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 0, 3), (2, 3)])
def test_matrix_exp_of_what_is_not_square(shape):
    """The card itself, too: it used to give an empty matrix back, and then had no gradient."""
    for library in BOTH:
        f = tensor_core.registry["matrix_exp"] if library is tensor_core else torch.matrix_exp
        with pytest.raises(RuntimeError, match=f"square matrices, .*{shape[-2]} by {shape[-1]}"):
            f(library.zeros(shape))


def test_equal_singular_values_have_a_derivative_of_their_own():
    for f in (lambda t, x: t.linalg.svdvals(x).sum(), lambda t, x: t.linalg.eigvalsh(x).sum()):
        grads = []
        for library in BOTH:
            x = library.eye(3, dtype=library.float64).requires_grad_()
            f(library, x).backward()
            grads.append(x.grad.numpy())
        np.testing.assert_allclose(grads[1], grads[0], atol=1e-12)


def test_the_gradient_of_a_symmetric_leaf_is_torchs():
    """Element by element, not only along symmetric directions."""
    a = RNG.normal(size=(3, 3))
    a = a @ a.T + np.eye(3)
    weights = RNG.normal(size=(3, 3))
    for f in (
        lambda t, x, w: (t.linalg.cholesky(x) * w).sum(),
        lambda t, x, w: ((t.linalg.eigh(x)[1] ** 2) * w).sum(),
        lambda t, x, w: (t.linalg.eigvalsh(x) * w[0]).sum(),
        lambda t, x, w: (t.cholesky_solve(w, t.linalg.cholesky(x)) * w).sum(),
    ):
        grads = []
        for library in BOTH:
            x, w = library.from_numpy(a.copy()).requires_grad_(), library.from_numpy(weights.copy())
            f(library, x, w).backward()
            grads.append(x.grad.numpy())
        np.testing.assert_allclose(grads[1], grads[0], rtol=1e-8, atol=1e-10)


Z = RNG.normal(size=(3, 3)) + 1j * RNG.normal(size=(3, 3))
R = RNG.normal(size=(3, 4))
# name: a program of one array, complex or real, whose result is brought to one real number.
COMPLEX = {
    "inv": (lambda t, x: t.linalg.inv(x), Z),
    "solve": (lambda t, x: t.linalg.solve(x, x.mT * x), Z),
    "det": (lambda t, x: t.linalg.det(x), Z),
    "matrix_exp": (lambda t, x: t.linalg.matrix_exp(x), Z),
    "pinv": (lambda t, x: t.linalg.pinv(x[:2]), Z),
    "cholesky": (lambda t, x: t.linalg.cholesky(x @ x.mH), Z),
    "eigh": (lambda t, x: t.linalg.eigh(x + x.mH)[1].abs() * t.linalg.eigvalsh(x + x.mH), Z),
    "svd": (lambda t, x: t.linalg.svd(x[:2], False)[2].abs() * t.linalg.svdvals(x), Z[:, :3]),
    "qr": (lambda t, x: t.linalg.qr(x)[1], Z), "lu": (lambda t, x: t.linalg.lu(x)[2], Z),
    "eigvals": (lambda t, x: t.linalg.eigvals(x) ** 2, Z),
    "eig of real": (lambda t, x: t.linalg.eig(x[:, :3])[1].abs(), R),
    "vector_norm": (lambda t, x: t.linalg.vector_norm(x, 3), Z),
    "fft": (lambda t, x: t.fft.fft(x, n=5), Z), "fft cut": (lambda t, x: t.fft.fft(x, n=2), Z),
    "fft of real": (lambda t, x: t.fft.fft(x), R),
    "ifft": (lambda t, x: t.fft.ifft(x, norm="ortho"), Z),
    "rfft": (lambda t, x: t.fft.rfft(x, n=3), R),
    "rfft2": (lambda t, x: t.fft.rfft2(x, norm="forward"), R),
    "irfft even": (lambda t, x: t.fft.irfft(x) ** 2, Z),
    "irfft odd": (lambda t, x: t.fft.irfft(x, n=5) ** 2, Z),
    "irfft short": (lambda t, x: t.fft.irfft(x, n=3) ** 2, Z),
    "fftn": (lambda t, x: t.fft.ifftn(t.fft.fftn(x) * t.fft.fftn(x)), Z),
    "there and back": (lambda t, x: t.fft.irfft(t.fft.rfft(x) * t.fft.rfft(x)), R),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_derivatives(name):
    program, array = COMPLEX[name]
    grads = []
    for library in BOTH:
        x = library.from_numpy(array.copy()).requires_grad_()
        y = program(library, x)
        (y.abs() ** 2).sum().backward()
        grads.append((x.grad.numpy(), y.detach().numpy()))
    for ours, theirs in zip(grads[1], grads[0], strict=True):
        close(ours, theirs, (1e-8, 1e-9))

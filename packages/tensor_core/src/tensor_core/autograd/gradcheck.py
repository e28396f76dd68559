"""Hold derivatives against central differences, as ``torch.autograd.gradcheck`` does."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .._backward import grad
from .._grad_mode import enable_grad, no_grad
from .._inplace import overlaps
from .._tensor import Tensor, wrap

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]

Arrays = list["np.ndarray"]


class GradcheckError(RuntimeError):
    """A derivative is not what the values say."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the gradients of ``func`` agree with ``(f(x + eps) - f(x - eps)) / (2 eps)``.

    Inputs should be float64 or complex128. Every element is tried, ``fast_mode`` or not. For a
    closer look (error estimates, kinks, layouts) see the ``gradcheck`` package.

    Raises:
        GradcheckError: they differ by more than ``atol + rtol * |numerical|``, the rule gives
            two answers or does not multiply by its cotangent (``raise_exception=False``: returns
            ``False`` instead).
        ValueError: no input needs a gradient.

    >>> import tensor_core as torch
    >>> x = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(torch.exp, x)
    True
    """
    if check_forward_ad or check_batched_forward_grad:
        raise RuntimeError("gradcheck: there is no forward-mode differentiation to check")
    if not check_backward_ad:
        raise AssertionError("gradcheck: nothing is left to check without check_backward_ad=True")
    try:
        return _check(func, _listed(inputs), eps, atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """The same for second derivatives: those of the gradients, by inputs and cotangents.

    >>> import tensor_core as torch
    >>> x = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradgradcheck(lambda x: x**3, x)
    True
    """
    if check_fwd_over_rev:
        raise RuntimeError("gradgradcheck: there is no forward-mode differentiation to check")
    given = _listed(inputs)
    count = len(given)
    with enable_grad():
        outputs = _differentiable(func(*given))
    cotangents = _cotangents(outputs, grad_outputs, gen_non_contig_grad_outputs)

    def gradients(*args: Any) -> tuple[Any, ...]:
        leaves = tuple(a for a in args[:count] if isinstance(a, Tensor) and a.requires_grad)
        with enable_grad():
            ys = [y for y in _differentiable(func(*args[:count])) if y.requires_grad]
            found = grad(ys, leaves, args[count:], create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        gradients, (*given, *cotangents), eps=eps, atol=atol, rtol=rtol,
        raise_exception=raise_exception, nondet_tol=nondet_tol,
    )  # fmt: skip


def _cotangents(outputs: list[Tensor], given: Any, strided: bool) -> list[Tensor]:
    from ..testing import make_tensor

    if given is not None:
        return [g.requires_grad_() for g in _listed(given)]
    how: dict[str, Any] = {"device": "cpu", "low": -1, "high": 1, "requires_grad": True}
    return [
        make_tensor(tuple(y._a.shape), dtype=y.dtype, noncontiguous=strided, **how)
        for y in outputs
        if y.requires_grad
    ]


def _listed(values: Any) -> list[Any]:
    return [values] if isinstance(values, Tensor) else list(values)


def _differentiable(outputs: Any) -> list[Tensor]:
    items = outputs if isinstance(outputs, tuple | list) else (outputs,)
    return [y for y in items if isinstance(y, Tensor) and y._a.dtype.kind in "fcV"]


def _check(
    func: Callable[..., Any], inputs: list[Any], eps: float, atol: float, rtol: float, nondet: float
) -> bool:
    leaves = _leaves(inputs)
    with enable_grad():
        outputs = _differentiable(func(*inputs))
    for k, y in enumerate(outputs):
        numerical = [_numerical(func, inputs, k, x, eps) for x in leaves]
        analytical = _analytical(y, leaves)
        again = _analytical(y, leaves)
        for i, (a, b, n) in enumerate(zip(analytical, again, numerical, strict=True)):
            if not np.allclose(a, b, rtol=0, atol=nondet):
                raise GradcheckError(
                    f"Backward is not reentrant: the gradient of output {k} with respect to input "
                    f"{i} differs from one pass to the next by more than nondet_tol={nondet}"
                )
            if not np.allclose(a, n, rtol=rtol, atol=atol):
                raise GradcheckError(
                    f"Jacobian mismatch for output {k} with respect to input {i},\n"
                    f"numerical:{wrap(n)}\nanalytical:{wrap(a)}\n"
                )
        _check_linear(y, leaves)
    return True


def _leaves(inputs: list[Any]) -> list[Tensor]:
    """The inputs that are differentiated."""
    leaves = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]
    if not leaves:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of the them "
            "have requires_grad=True."
        )
    for i, x in enumerate(leaves):
        if x._a.dtype not in (np.float64, np.complex128):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or "
                "complex. This check will likely fail if all the inputs are not of double "
                "precision floating point or complex.",
                stacklevel=4,
            )
        if overlaps(x._a):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs "
                "that are non-overlapping to be able to compute the numerical gradients correctly. "
                "You should call .contiguous on the input before passing it to gradcheck."
            )
    return leaves


def _parts(array: np.ndarray) -> np.ndarray:
    """The real numbers of an array in a row: real parts, then imaginary parts."""
    flat = np.ascontiguousarray(array).reshape(-1)
    return np.concatenate([flat.real, flat.imag]) if flat.dtype.kind == "c" else flat


def _numerical(
    func: Callable[..., Any], inputs: list[Any], k: int, x: Tensor, eps: float
) -> np.ndarray:
    """Central differences. Shape: (real numbers of x, real numbers of output k)."""
    rows = []
    a = x._a
    for unit in (1, 1j) if a.dtype.kind == "c" else (1,):
        for place in np.ndindex(a.shape):
            before = a[place].copy()
            ends = []
            for step in (eps, -eps):
                a[place] = before + step * unit
                with no_grad():
                    ends.append(_parts(_differentiable(func(*inputs))[k]._a).copy())
            a[place] = before
            rows.append((ends[0] - ends[1]) / (2 * eps))
    return np.array(rows).reshape(len(rows), -1)


def _analytical(y: Tensor, leaves: list[Tensor]) -> Arrays:
    """The same from the backward pass: one cotangent for each real number of the output."""
    columns: list[Arrays] = [[] for _ in leaves]
    for unit in (1, 1j) if y._a.dtype.kind == "c" else (1,):
        for place in np.ndindex(y._a.shape):
            v = np.zeros_like(y._a)
            v[place] = unit
            for column, g in zip(columns, _pulled(y, leaves, v), strict=True):
                column.append(_parts(g))
    widths = [_parts(x._a).size for x in leaves]
    return [np.array(c).reshape(-1, w).T for c, w in zip(columns, widths, strict=True)]


def _pulled(y: Tensor, leaves: list[Tensor], v: np.ndarray) -> Arrays:
    if not y.requires_grad:
        return [np.zeros_like(x._a) for x in leaves]
    found = grad(y, leaves, wrap(v), retain_graph=True, allow_unused=True)
    pairs = zip(found, leaves, strict=True)
    return [np.zeros_like(x._a) if g is None else g._a for g, x in pairs]


def _check_linear(y: Tensor, leaves: list[Tensor]) -> None:
    """A zero cotangent gives zero gradients."""
    for g in _pulled(y, leaves, np.zeros_like(y._a)):
        if g.any():
            raise GradcheckError("backward not multiplied by grad_output")

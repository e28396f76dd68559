"""Ops on complex numbers: their gradients in torch's convention, and who refuses them.

The gradient of a real loss L is that of its real and imaginary parts, dL/da + i dL/db, so that
``z - lr * z.grad`` descends. A rule written for real functions computes ``g * f'(x)``, linear in
``g``. For a holomorphic f the gradient in this convention is ``g * conj(f'(x))``, the conjugate
of what the same rule makes of ``conj(g)`` (Kreutz-Delgado 2009, "The complex gradient operator
and the CR-calculus"): no op needs a second rule. Ops that are not holomorphic have rules written
for complex numbers and stand in ``OWN``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._special_plan import SpecialPlan, node_of
from ._tensor import Tensor

# Rules that know of complex numbers themselves; those of views only move elements.
OWN = frozenset(
    (
        *("abs", "angle", "cast", "complex", "conj_physical", "copy", "replace_view", "sgn", "var"),
        *("conv", "conv_to_input", "conv_to_weight"),
        *("vector_norm", "slogdet", "linalg_eigh", "linalg_eigvalsh", "linalg_qr", "linalg_svd"),
        *("linalg_svdvals", "householder_product", "linalg_pinv", "svd_of_matrices"),
        *("linalg_cholesky_ex", "linalg_eig", "fft_transform"),
    )
)
# Functions of real numbers: order, rounding, and what torch has for real numbers alone.
REFUSED = frozenset(
    (
        *("amax", "amin", "argmax", "argmin", "binary_cross_entropy", "clamp", "cummax", "cummin"),
        *("ceil", "deg2rad", "digamma", "elu", "erf", "erfc", "erfcx", "erfinv", "floor", "fmax"),
        *("fmin", "ge", "trunc", "max_pool1d", "max_pool2d", "max_pool3d", "affine_grid"),
        *("grid_sample",),
        *("gelu", "group_norm", "gt", "hardshrink", "i0", "i0e", "i1", "i1e", "igamma", "igammac"),
        *("kthvalue", "le", "leaky_relu", "lgamma", "log_ndtr", "log_softmax", "logit", "lt"),
        *("max_dim", "maximum", "median", "median_all", "min_dim", "minimum", "mode", "mvlgamma"),
        *("nanmedian", "nanmedian_all", "ndtr", "ndtri", "nll_loss", "polygamma", "prelu"),
        *("rad2deg", "relu", "rrelu", "softmax", "softplus", "softshrink", "sort", "threshold"),
        *("cdist", "cosine_similarity", "gaussian_nll_loss", "hinge_embedding_loss", "huber_loss"),
        *("kl_div", "logsigmoid", "max", "min", "mse_loss", "msort", "pdist", "poisson_nll_loss"),
        *("smooth_l1_loss", "mish", "selu", "celu", "glu", "log_sigmoid"),
        *("topk", "xlog1py", "xlogy", "zeta", "layer_norm", "rms_norm", "nanmean"),
        *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "batch_norm"),
        *("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d", "cross_entropy"),
        *("entr", "instance_norm", "max_unpool1d", "max_unpool2d", "max_unpool3d", "relu6"),
    )
)


def compute(op: Any, values: list[Any]) -> Any:
    """The forward function.

    Raises:
        NotImplementedError: the op is one of real numbers.
    """
    if op.name in REFUSED:
        refuse(op.name)
    return op.forward(*values)


def refuse(name: str) -> None:
    """Say that a function is one of real numbers."""
    raise NotImplementedError(
        f"{name}: not implemented for complex numbers; take .real, .imag or .abs() first"
    )


def adapt(op: Any, out: Any) -> None:
    """Conjugate before and after the rule of a recorded call."""
    if op.view or op.name in OWN:
        return
    node = node_of(out)
    if node is not None:
        node.plan = SpecialPlan(node.plan, _pull(node.plan.pull))


def _pull(pull: Any) -> Any:
    def conjugated(g: Any, saved: Any) -> Any:
        return [conj(d) for d in pull(conj(g), saved)]  # the engine takes real inputs' real part

    return conjugated


def conj(value: Any) -> Any:
    """The conjugate of an array or Tensor, or of each in a tuple; ``None`` stays."""
    if value is None:
        return None
    if isinstance(value, tuple):
        return tuple([conj(v) for v in value])
    if isinstance(value, Tensor):
        return value.conj()
    return np.conjugate(value) if value.dtype.kind == "c" else value


def _real(value: Any) -> Any:
    return None if value is None else np.real(value) if type(value) is not Tensor else value.real

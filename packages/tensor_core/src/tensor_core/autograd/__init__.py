"""Differentiation as functions: gradients, custom rules, Jacobians."""

from .._backward import backward, grad
from .._grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from .._missing import missing
from . import functional, graph
from .anomaly import detect_anomaly, set_detect_anomaly
from .function import Function
from .gradcheck import gradcheck, gradgradcheck
from .variable import Variable

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_grad_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]

_LAZY = {
    "anomaly_mode": f"{__name__}.anomaly",
    "grad_mode": f"{__name__}.grad_mode",
    "profiler": f"{__name__}.profiler",
    "set_multithreading_enabled": f"{__name__}.grad_mode:set_multithreading_enabled",
}
__getattr__ = missing(__name__, _LAZY)

"""A number that knows its derivative.

>>> from scalar_value import Value
>>> x = Value(3.0)
>>> y = x * x + 2.0 * x
>>> y.backward()
>>> x.grad                      # 2x + 2
8.0
"""

from . import losses, nn, optim
from .drawing import draw
from .engine import Value
from .functional import dot, grad
from .mode import enable_grad, is_grad_enabled, no_grad
from .op import Op, op, registry
from .ops import (
    abs,
    add,
    affine,
    cos,
    div,
    erfc,
    exp,
    gelu,
    leaky_relu,
    log,
    maximum,
    minimum,
    mul,
    neg,
    pow,
    relu,
    sigmoid,
    sin,
    softplus,
    sqrt,
    sub,
    tanh,
)

__version__ = "0.1.0"

__all__ = [
    "Op",
    "Value",
    "abs",
    "add",
    "affine",
    "cos",
    "div",
    "dot",
    "draw",
    "enable_grad",
    "erfc",
    "exp",
    "gelu",
    "grad",
    "is_grad_enabled",
    "leaky_relu",
    "log",
    "losses",
    "maximum",
    "minimum",
    "mul",
    "neg",
    "nn",
    "no_grad",
    "op",
    "optim",
    "pow",
    "registry",
    "relu",
    "sigmoid",
    "sin",
    "softplus",
    "sqrt",
    "sub",
    "tanh",
]

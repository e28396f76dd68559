"""Every operation, one card each: what it computes, its derivative, what to try it on.

In a slope, ``y`` is the result and the other names are the inputs. Slopes are stored when the
result is computed, so they must exist wherever the result does: where the true slope is infinite
they return infinity, they never raise.
"""

from .arithmetic import add, affine, div, mul, neg, pow, sub
from .corners import abs, leaky_relu, maximum, minimum, relu
from .functions import cos, erfc, exp, gelu, log, sigmoid, sin, softplus, sqrt, tanh

__all__ = [
    "abs",
    "add",
    "affine",
    "cos",
    "div",
    "erfc",
    "exp",
    "gelu",
    "leaky_relu",
    "log",
    "maximum",
    "minimum",
    "mul",
    "neg",
    "pow",
    "relu",
    "sigmoid",
    "sin",
    "softplus",
    "sqrt",
    "sub",
    "tanh",
]

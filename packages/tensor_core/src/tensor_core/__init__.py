"""NumPy arrays that know their derivative, under PyTorch's names.

``import tensor_core as torch`` runs ordinary PyTorch code on NumPy alone.

>>> import tensor_core as torch
>>> w = torch.tensor([1.0, 2.0], requires_grad=True)
>>> loss = (w**2).sum()
>>> loss.backward()
>>> w.grad
tensor([2., 4.])
"""

import math

from . import _methods, ops
from ._card import Case, registry
from ._creation import (
    arange,
    as_tensor,
    asarray,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    scalar_tensor,
    tensor,
    zeros,
    zeros_like,
)
from ._define import op
from ._dtypes import (
    bool,
    cdouble,
    cfloat,
    complex64,
    complex128,
    double,
    dtype,
    finfo,
    float,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    iinfo,
    int,
    int8,
    int16,
    int32,
    int64,
    long,
    set_default_dtype,
    short,
    uint8,
)
from ._grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from ._op import Op
from ._print import set_printoptions
from ._rng import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from ._size import Size, device
from ._tensor import Tensor
from ._threads import get_num_threads, set_num_threads
from .ops import *  # noqa: F403  (its __all__ is the table of ops)

_methods.attach()

from . import autograd, kernels, nn, optim, random  # noqa: E402  (they use Tensor's methods)

e, inf, nan, pi = math.e, math.inf, math.nan, math.pi
newaxis = None
__version__ = "0.1.0"

__all__ = [
    *ops.__all__,
    "Case",
    "Generator",
    "Op",
    "Size",
    "Tensor",
    "arange",
    "as_tensor",
    "asarray",
    "autograd",
    "bool",
    "cdouble",
    "cfloat",
    "complex128",
    "complex64",
    "default_generator",
    "device",
    "double",
    "dtype",
    "e",
    "empty",
    "empty_like",
    "enable_grad",
    "eye",
    "finfo",
    "float",
    "float16",
    "float32",
    "float64",
    "from_numpy",
    "full",
    "full_like",
    "get_default_dtype",
    "get_num_threads",
    "get_rng_state",
    "half",
    "iinfo",
    "inf",
    "inference_mode",
    "initial_seed",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "kernels",
    "linspace",
    "long",
    "manual_seed",
    "nan",
    "newaxis",
    "nn",
    "no_grad",
    "ones",
    "ones_like",
    "op",
    "optim",
    "pi",
    "random",
    "registry",
    "scalar_tensor",
    "seed",
    "set_default_dtype",
    "set_grad_enabled",
    "set_num_threads",
    "set_printoptions",
    "set_rng_state",
    "short",
    "tensor",
    "uint8",
    "zeros",
    "zeros_like",
]

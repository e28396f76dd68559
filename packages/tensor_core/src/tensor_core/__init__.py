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
from typing import TYPE_CHECKING

from . import (
    _in_place_functions,
    _layouts,
    _legacy_types,
    _methods,
    _missing,
    _settings,
    foreach,
    ops,
)
from ._card import Case, registry
from ._creation import (
    as_tensor,
    asarray,
    empty,
    empty_like,
    empty_permuted,
    empty_strided,
    eye,
    from_numpy,
    full,
    full_like,
    ones,
    ones_like,
    scalar_tensor,
    tensor,
    zeros,
    zeros_like,
)
from ._define import op
from ._dlpack import from_dlpack, frombuffer
from ._dtypes import (
    bfloat16,
    bool,
    can_cast,
    cdouble,
    cfloat,
    chalf,
    complex32,
    complex64,
    complex128,
    double,
    dtype,
    float,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    int,
    int8,
    int16,
    int32,
    int64,
    long,
    promote_types,
    result_type,
    set_default_dtype,
    short,
    uint8,
    uint16,
    uint32,
    uint64,
)
from ._grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from ._layouts import *  # noqa: F403
from ._legacy_types import *  # noqa: F403
from ._limits import finfo, iinfo
from ._op import Op
from ._print import get_printoptions, set_printoptions
from ._ranges import arange, linspace, logspace, range, vander
from ._rng import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from ._settings import *  # noqa: F403
from ._size import Size, device
from ._tensor import Tensor
from ._threads import get_num_threads, set_num_threads
from ._windows import (
    bartlett_window,
    blackman_window,
    hamming_window,
    hann_window,
    kaiser_window,
)
from .fft.short_time import istft, stft
from .linalg.older import *  # noqa: F403  (its __all__ too)
from .ops import *  # noqa: F403  (its __all__ is the table of ops)
from .sparse import sparse_coo_tensor, spmm
from .storage import *  # noqa: F403

_methods.attach()
Tensor.__module__ = "tensor_core"  # where its users find it: programs print type(x)
globals().update(_in_place_functions.functions())  # relu_(x), sin_(x) and their like
globals().update(foreach.functions())  # _foreach_add_(xs, 1) and its like

from . import (  # noqa: E402  (they use Tensor's methods)
    amp,
    autograd,
    compiler,
    fft,
    kernels,
    linalg,
    nn,
    optim,
    random,
    return_types,
    serialization,
    sparse,
    special,
    storage,
    testing,
    utils,
    version,
)
from .amp import GradScaler, autocast  # noqa: E402
from .amp.autocast_mode import (  # noqa: E402
    clear_autocast_cache,
    get_autocast_cpu_dtype,
    get_autocast_dtype,
    get_autocast_gpu_dtype,
    is_autocast_cache_enabled,
    is_autocast_cpu_enabled,
    is_autocast_enabled,
)
from .autograd.anomaly import is_anomaly_check_nan_enabled, is_anomaly_enabled  # noqa: E402
from .compiler import compile  # noqa: E402
from .serialization import load, save  # noqa: E402

e, inf, nan, pi = math.e, math.inf, math.nan, math.pi
newaxis = None
__version__ = version.TorchVersion(version.__version__)

# Imported when first asked for: a program that uses none of them starts sooner.
_LATER = {
    name: f"{__name__}.{name}"
    for name in (
        *("__config__", "_dynamo", "_inductor", "accelerator", "backends", "cpu", "cuda"),
        *("distributed", "func", "jit", "mps", "multiprocessing", "onnx", "profiler", "types"),
        *("distributions", "hub", "safetensors", "xpu"),
    )
}
_LATER["as_torch"] = f"{__name__}._binding:as_torch"
_LATER["vmap"] = f"{__name__}.func:vmap"
_OF_NN = {
    "parallel": f"{__name__}.nn.parallel",
    "DataParallel": f"{__name__}.nn.parallel:DataParallel",
}
__getattr__ = _missing.missing(__name__, _LATER)
_missing.guard(__name__, {f"{__name__}.nn": _OF_NN})

if TYPE_CHECKING:
    from . import (  # noqa: F401
        _dynamo,
        _inductor,
        accelerator,
        backends,
        cpu,
        cuda,
        distributed,
        distributions,
        func,
        jit,
        mps,
        multiprocessing,
        onnx,
        profiler,
        types,
        xpu,
    )
    from ._binding import as_torch
    from .func import vmap

__all__ = [
    "testing",
    "special",
    "spmm",
    "stft",
    "return_types",
    *_layouts.__all__,
    *_legacy_types.__all__,
    *_settings.__all__,
    *linalg.older.__all__,
    *ops.__all__,
    *storage.__all__,
    *_in_place_functions.NAMES,
    "Case",
    "Generator",
    "GradScaler",
    "Op",
    "Size",
    "Tensor",
    "amp",
    "arange",
    "as_torch",
    "as_tensor",
    "asarray",
    "autocast",
    "autograd",
    "bartlett_window",
    "bfloat16",
    "blackman_window",
    "bool",
    "can_cast",
    "cdouble",
    "cfloat",
    "clear_autocast_cache",
    "chalf",
    "compile",
    "compiler",
    "complex128",
    "complex32",
    "complex64",
    "default_generator",
    "device",
    "double",
    "dtype",
    "e",
    "empty",
    "empty_like",
    "empty_permuted",
    "empty_strided",
    "enable_grad",
    "eye",
    "fft",
    "finfo",
    "float",
    "float16",
    "float32",
    "float64",
    "from_dlpack",
    "frombuffer",
    "from_numpy",
    "get_printoptions",
    "full",
    "full_like",
    "get_autocast_cpu_dtype",
    "get_autocast_dtype",
    "get_autocast_gpu_dtype",
    "get_default_dtype",
    "get_num_threads",
    "get_rng_state",
    "half",
    "hamming_window",
    "hann_window",
    "iinfo",
    "inf",
    "inference_mode",
    "initial_seed",
    "int",
    "int16",
    "int32",
    "int64",
    "int8",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_autocast_cache_enabled",
    "is_autocast_cpu_enabled",
    "is_autocast_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "istft",
    "kaiser_window",
    "kernels",
    "linalg",
    "linspace",
    "load",
    "logspace",
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
    "promote_types",
    "random",
    "range",
    "registry",
    "result_type",
    "scalar_tensor",
    "save",
    "serialization",
    "seed",
    "set_default_dtype",
    "set_grad_enabled",
    "set_num_threads",
    "set_printoptions",
    "set_rng_state",
    "short",
    "sparse",
    "sparse_coo_tensor",
    "storage",
    "tensor",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "utils",
    "vander",
    "vmap",
    "zeros",
    "zeros_like",
]

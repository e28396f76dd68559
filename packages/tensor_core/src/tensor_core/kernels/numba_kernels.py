"""Every kernel in its Numba version: the table that `use("numba")` puts into effect.

Where NumPy is as fast, or the loop is not hot, the name stands for NumPy's kernel.
"""

from ._numba.activations import gelu_forward, silu_forward
from ._numba.attention import attention_backward, attention_forward
from ._numba.box_muller import box_muller
from ._numba.embedding import embedding_backward
from ._numba.norms import (
    layer_norm_backward,
    layer_norm_forward,
    rms_norm_backward,
    rms_norm_forward,
)
from ._numba.optim import adamw_step, sgd_step
from ._numba.shuffle import shuffle
from ._numba.softmax import (
    cross_entropy_forward,
    log_softmax_backward,
    log_softmax_forward,
    softmax_backward,
    softmax_forward,
)
from ._numpy.erf import erf
from ._numpy.optim import sum_squares

__all__ = [
    "adamw_step",
    "attention_backward",
    "attention_forward",
    "box_muller",
    "cross_entropy_forward",
    "embedding_backward",
    "erf",
    "gelu_forward",
    "layer_norm_backward",
    "layer_norm_forward",
    "log_softmax_backward",
    "log_softmax_forward",
    "rms_norm_backward",
    "rms_norm_forward",
    "sgd_step",
    "shuffle",
    "silu_forward",
    "softmax_backward",
    "softmax_forward",
    "sum_squares",
]

"""Every kernel in its NumPy version: the table that `use("numpy")` puts into effect."""

from .._box_muller import fill as box_muller
from ._numpy.activations import gelu_forward, silu_forward
from ._numpy.attention import attention_backward, attention_forward
from ._numpy.embedding import embedding_backward
from ._numpy.erf import erf
from ._numpy.norms import (
    layer_norm_backward,
    layer_norm_forward,
    rms_norm_backward,
    rms_norm_forward,
)
from ._numpy.optim import adamw_step, sgd_step, sum_squares
from ._numpy.shuffle import shuffle
from ._numpy.softmax import (
    cross_entropy_forward,
    log_softmax_backward,
    log_softmax_forward,
    softmax_backward,
    softmax_forward,
)

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

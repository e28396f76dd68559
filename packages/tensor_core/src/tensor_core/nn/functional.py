"""The functions behind the modules, under torch's names."""

from __future__ import annotations

from typing import Any

from .. import ops
from .._inplace import in_place
from .._op import write_out
from .._tensor import Tensor
from ..ops import (
    bilinear,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    celu,
    celu_,
    cosine_embedding_loss,
    cosine_similarity,
    cross_entropy,
    ctc_loss,
    dropout,
    gelu,
    group_norm,
    hardshrink,
    hinge_embedding_loss,
    kl_div,
    l1_loss,
    layer_norm,
    linear,
    log_softmax,
    logsigmoid,
    margin_ranking_loss,
    mse_loss,
    nll_loss,
    one_hot,
    pairwise_distance,
    pdist,
    poisson_nll_loss,
    prelu,
    rms_norm,
    rrelu,
    rrelu_,
    scaled_dot_product_attention,
    selu,
    selu_,
    sigmoid,
    smooth_l1_loss,
    softmax,
    softplus,
    tanh,
    threshold,
    threshold_,
    triplet_margin_loss,
)
from ..ops.batch_norm import (
    batch_norm,
    instance_norm,
)
from ..ops.conv import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from ..ops.dropping import (
    alpha_dropout,
    dropout1d,
    dropout2d,
    dropout3d,
    feature_alpha_dropout,
)
from ..ops.embedding import embedding as embedding_op
from ..ops.embedding import shorten_rows
from ..ops.embedding_bag import embedding_bag
from ..ops.fold import (
    fold_image as fold,
)
from ..ops.fold import (
    unfold_image as unfold,
)
from ..ops.grid_sample import (
    affine_grid,
    grid_sample,
)
from ..ops.local_response import (
    local_response_norm,
)
from ..ops.loss import linear_cross_entropy
from ..ops.loss_chances import gaussian_nll_loss, multilabel_soft_margin_loss, soft_margin_loss
from ..ops.loss_distances import huber_loss
from ..ops.loss_margins import (
    multi_margin_loss,
    multilabel_margin_loss,
    triplet_margin_with_distance_loss,
)
from ..ops.multihead import multi_head_attention_forward
from ..ops.padding import (
    pad,
)
from ..ops.piecewise import hardsigmoid, hardswish, hardtanh, relu6, softshrink
from ..ops.pool_adaptive import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
)
from ..ops.pool_functions import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from ..ops.pool_unpool import (
    max_unpool1d,
    max_unpool2d,
    max_unpool3d,
)
from ..ops.resize import (
    interpolate,
    upsample,
    upsample_bilinear,
    upsample_nearest,
)
from ..ops.shuffle import (
    channel_shuffle,
    pixel_shuffle,
    pixel_unshuffle,
)
from ..ops.units import glu, gumbel_softmax, mish, softmin, softsign, tanhshrink

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "affine_grid",
    "alpha_dropout",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "celu_",
    "channel_shuffle",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "ctc_loss",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "elu",
    "elu_",
    "embedding",
    "embedding_bag",
    "feature_alpha_dropout",
    "fold",
    "gaussian_nll_loss",
    "gelu",
    "glu",
    "grid_sample",
    "group_norm",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "hinge_embedding_loss",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "leaky_relu_",
    "linear",
    "linear_cross_entropy",
    "local_response_norm",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "mish",
    "mse_loss",
    "multi_head_attention_forward",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "pdist",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rms_norm",
    "rrelu",
    "rrelu_",
    "scaled_dot_product_attention",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "unfold",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(x, 0)``.

    >>> import tensor_core as torch
    >>> torch.nn.functional.relu(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return in_place(input, ops.relu) if inplace else ops.relu(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """``x`` where positive, else ``negative_slope * x``.

    >>> import tensor_core as torch
    >>> torch.nn.functional.leaky_relu(torch.tensor([-1.0, 2.0]))
    tensor([-0.0100,  2.0000])
    """
    if inplace:
        return in_place(input, ops.leaky_relu, negative_slope)
    return ops.leaky_relu(input, negative_slope)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * sigmoid(x)``.

    >>> import tensor_core as torch
    >>> torch.nn.functional.silu(torch.tensor([0.0, 2.0]))
    tensor([0.0000, 1.7616])
    """
    return in_place(input, ops.silu) if inplace else ops.silu(input)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``x`` where positive, else ``alpha * (exp(x) - 1)``.

    >>> import tensor_core as torch
    >>> torch.nn.functional.elu(torch.tensor([-1.0, 2.0]), alpha=0.5)
    tensor([-0.3161,  2.0000])
    """
    return in_place(input, ops.elu, alpha) if inplace else ops.elu(input, alpha)


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of ``weight`` that ``input`` names; ``padding_idx`` gets no gradient.

    With ``max_norm``, rows that are longer (by the p-norm ``norm_type``) are first shortened in
    ``weight`` itself. ``scale_grad_by_freq`` divides a row's gradient by the number of its
    occurrences. Gradients are dense, also with ``sparse``.

    >>> import tensor_core as torch
    >>> table = torch.tensor([[0.0, 0.0], [1.0, 2.0]])
    >>> torch.nn.functional.embedding(torch.tensor([1, 1, 0]), table)
    tensor([[1., 2.],
            [1., 2.],
            [0., 0.]])
    """
    if padding_idx is not None and not -weight.shape[0] <= padding_idx < weight.shape[0]:
        raise AssertionError("Padding_idx must be within num_embeddings")
    if max_norm is not None:
        shorten_rows(weight, input, max_norm, norm_type)
    return embedding_op(input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)


def normalize(
    input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Any = None
) -> Tensor:
    """``input`` divided by its p-norm along ``dim`` (at least ``eps``).

    >>> import tensor_core as torch
    >>> torch.nn.functional.normalize(torch.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    result = input / ops.norm(input, p, dim, keepdim=True).clamp_min(eps)
    return result if out is None else write_out(result, out)


def relu_(input: Tensor) -> Tensor:
    """``relu`` in place.

    >>> import tensor_core as torch
    >>> x = torch.tensor([0.5])
    >>> torch.nn.functional.relu_(x) is x
    True
    """
    return in_place(input, ops.relu)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """``leaky_relu`` in place.

    >>> import tensor_core as torch
    >>> x = torch.tensor([0.5])
    >>> torch.nn.functional.leaky_relu_(x) is x
    True
    """
    return leaky_relu(input, negative_slope, inplace=True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """``elu`` in place.

    >>> import tensor_core as torch
    >>> x = torch.tensor([0.5])
    >>> torch.nn.functional.elu_(x) is x
    True
    """
    return elu(input, alpha, inplace=True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """``hardtanh`` in place.

    >>> import tensor_core as torch
    >>> x = torch.tensor([0.5])
    >>> torch.nn.functional.hardtanh_(x) is x
    True
    """
    return hardtanh(input, min_val, max_val, inplace=True)

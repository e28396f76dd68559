"""Folding a normalisation at rest into the layer before it."""

from __future__ import annotations

import copy
import functools
from typing import Any

from ... import ops
from ..._creation import ones_like, zeros_like
from ..._tensor import Tensor
from ..parameter import Parameter


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A convolution that does what ``conv`` and then ``bn`` do, both in evaluation.

    Raises:
        AssertionError: one of them is in training.

    >>> import tensor_core as torch
    >>> conv, bn = torch.nn.Conv2d(1, 2, 3).eval(), torch.nn.BatchNorm2d(2).eval()
    >>> x = torch.ones(1, 1, 4, 4)
    >>> torch.allclose(fuse_conv_bn_eval(conv, bn)(x), bn(conv(x)), atol=1e-6)
    True
    """
    return _fused(conv, bn, functools.partial(fuse_conv_bn_weights, transpose=transpose))


def fuse_conv_bn_weights(
    conv_w: Tensor, conv_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float,
    bn_w: Tensor | None, bn_b: Tensor | None, transpose: bool = False,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    """The weight and bias of the folded convolution; its outputs are dimension 1 if transposed."""
    shape = [1] * conv_w.ndim
    shape[1 if transpose else 0] = -1
    return _folded(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, shape)


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A linear layer that does what ``linear`` and then ``bn`` do, both in evaluation.

    Raises:
        AssertionError: one of them is in training, or their sizes differ.

    >>> import tensor_core as torch
    >>> linear, bn = torch.nn.Linear(2, 3).eval(), torch.nn.BatchNorm1d(3).eval()
    >>> x = torch.ones(4, 2)
    >>> torch.allclose(fuse_linear_bn_eval(linear, bn)(x), bn(linear(x)), atol=1e-6)
    True
    """
    if bn.num_features not in (1, linear.out_features):
        raise AssertionError(
            f"to fuse, linear.out_features ({linear.out_features}) must equal bn.num_features "
            f"({bn.num_features}), or that must be 1"
        )
    return _fused(linear, bn, fuse_linear_bn_weights)


def fuse_linear_bn_weights(
    linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float,
    bn_w: Tensor | None, bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    """The weight and bias of the folded linear layer."""
    return _folded(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, [-1, 1])


def _fused(layer: Any, bn: Any, fold: Any) -> Any:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    fused = copy.deepcopy(layer)
    given = (layer.weight, layer.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    fused.weight, fused.bias = fold(*given)
    return fused


def _folded(
    w: Tensor, b: Tensor | None, mean: Tensor, var: Tensor, eps: float, bn_w: Tensor | None,
    bn_b: Tensor | None, shape: list[int],
) -> tuple[Parameter, Parameter]:  # fmt: skip
    b = zeros_like(mean) if b is None else b
    bn_w = ones_like(mean) if bn_w is None else bn_w
    bn_b = zeros_like(mean) if bn_b is None else bn_b
    scale: Any = bn_w * ops.rsqrt(var + eps)
    weight = (w * scale.reshape(tuple(shape))).to(w.dtype)
    bias = ((b - mean) * scale + bn_b).to(b.dtype)
    return (
        Parameter(weight.detach(), w.requires_grad),
        Parameter(bias.detach(), b.requires_grad or w.requires_grad),
    )

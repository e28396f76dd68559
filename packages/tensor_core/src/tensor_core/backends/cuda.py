"""CUDA's switches: kept, and without effect."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


class _Matmul:
    """How matrices would be multiplied on a CUDA device."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True
    allow_fp16_accumulation = False
    fp32_precision = "none"


matmul = _Matmul()

_attention = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True}


def is_built() -> bool:
    """Whether this was built with CUDA in mind: no.

    >>> import tensor_core as torch
    >>> torch.backends.cuda.is_built()
    False
    """
    return False


def flash_sdp_enabled() -> bool:
    """What :func:`enable_flash_sdp` was told."""
    return _attention["flash"]


def mem_efficient_sdp_enabled() -> bool:
    """What :func:`enable_mem_efficient_sdp` was told."""
    return _attention["mem_efficient"]


def math_sdp_enabled() -> bool:
    """What :func:`enable_math_sdp` was told."""
    return _attention["math"]


def cudnn_sdp_enabled() -> bool:
    """What :func:`enable_cudnn_sdp` was told."""
    return _attention["cudnn"]


def enable_flash_sdp(enabled: bool) -> None:
    """Noted; attention is computed the one way there is.

    >>> import tensor_core as torch
    >>> torch.backends.cuda.enable_flash_sdp(True); torch.backends.cuda.flash_sdp_enabled()
    True
    """
    _attention["flash"] = bool(enabled)


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Noted; attention is computed the one way there is."""
    _attention["mem_efficient"] = bool(enabled)


def enable_math_sdp(enabled: bool) -> None:
    """Noted; attention is computed the one way there is."""
    _attention["math"] = bool(enabled)


def enable_cudnn_sdp(enabled: bool) -> None:
    """Noted; attention is computed the one way there is."""
    _attention["cudnn"] = bool(enabled)


@contextmanager
def sdp_kernel(
    enable_flash: bool = True,
    enable_math: bool = True,
    enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Iterator[None]:
    """A block with other choices of attention, which change nothing (torch deprecates it)."""
    warnings.warn(
        "`torch.backends.cuda.sdp_kernel()` is deprecated: use torch.nn.attention.sdpa_kernel()",
        FutureWarning,
        stacklevel=3,
    )
    before = dict(_attention)
    _attention.update(
        flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn
    )
    try:
        yield
    finally:
        _attention.update(before)

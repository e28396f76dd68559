"""Attention: BLAS multiplies, one compiled pass scales, masks and normalises."""

from .._numpy.attention import attention_backward, attention_forward

__all__ = ["attention_backward", "attention_forward"]

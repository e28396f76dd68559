"""Switches of the libraries torch computes with, as torch's CPU build presents them.

What is set is kept and can be read again; it changes nothing, since the arithmetic is NumPy's.
"""

from .._missing import missing
from . import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp, opt_einsum

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]

fp32_precision = "none"

__getattr__ = missing(__name__)

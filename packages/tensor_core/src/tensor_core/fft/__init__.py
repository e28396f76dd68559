"""Discrete Fourier transforms under the names of ``torch.fft``.

The transform is linear: the derivative of ``fft`` is the transform without division and with the
opposite sign of the exponent, see Cooley and Tukey (1965) for the sum it is.

>>> import tensor_core as torch
>>> torch.fft.fft(torch.tensor([1.0, 0.0])).real
tensor([1., 1.])
"""

from .frequencies import fftfreq, fftshift, ifftshift, rfftfreq
from .transforms import (
    fft,
    fft2,
    fftn,
    hfft,
    ifft,
    ifft2,
    ifftn,
    ihfft,
    irfft,
    irfft2,
    irfftn,
    rfft,
    rfft2,
    rfftn,
)

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]

"""What a tensor is: shape, type, strides, where its elements lie."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _dtypes
from ._grad_mode import inference_was_on
from ._layouts import strided
from ._size import Size, device


class Geometry:
    """The questions about a tensor that its array alone answers."""

    __slots__ = ()

    _a: np.ndarray

    @property
    def shape(self) -> Size:
        """The length of each dimension."""
        return Size(self._a.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one dimension.

        >>> import tensor_core as torch
        >>> x = torch.zeros(2, 3)
        >>> x.size(), x.size(-1)
        (torch.Size([2, 3]), 3)
        """
        if dim is None:
            return Size(self._a.shape)
        check_dim(dim, self._a.ndim)
        return self._a.shape[dim]

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self._a.ndim

    def dim(self) -> int:
        """The number of dimensions."""
        return self._a.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements.

        >>> import tensor_core as torch
        >>> torch.zeros(2, 3).numel()
        6
        """
        return self._a.size

    nelement = numel

    @property
    def dtype(self) -> _dtypes.dtype:
        """The element type."""
        return _dtypes.BY_NUMPY[self._a.dtype]

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self._a.itemsize

    def element_size(self) -> int:
        """Bytes of one element."""
        return self._a.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self._a.nbytes

    @property
    def device(self) -> device:
        """Always the CPU."""
        return _CPU

    is_cuda = is_sparse = is_quantized = is_meta = is_xpu = is_mps = False

    def is_floating_point(self) -> bool:
        """Whether the elements are real floating-point numbers."""
        return self._a.dtype.kind in "fV"

    def is_complex(self) -> bool:
        """Whether the elements are complex numbers."""
        return self._a.dtype.kind == "c"

    def stride(self, dim: int | None = None) -> Any:
        """Elements (not bytes) from one index to the next, for each dimension or one.

        >>> import tensor_core as torch
        >>> torch.zeros(2, 3).t().stride()
        (1, 3)
        """
        a = self._a
        steps = tuple(s // a.itemsize for s in a.strides)
        if a.size == 0 or 1 in a.shape:  # NumPy leaves these strides unspecified
            steps = _canonical(a.shape, steps)
        return steps if dim is None else steps[dim]

    def storage_offset(self) -> int:
        """Elements between the start of the memory and the first element.

        >>> import tensor_core as torch
        >>> torch.arange(6).view(2, 3)[1:].storage_offset()
        3
        """
        root = self._a
        while isinstance(root.base, np.ndarray):
            root = root.base
        start = np.lib.array_utils.byte_bounds(root)[0]
        first = self._a.__array_interface__["data"][0]
        return (first - start) // self._a.itemsize if self._a.size else 0

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self._a.__array_interface__["data"][0]

    const_data_ptr = data_ptr

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether the elements lie in row-major order (or the format's) without gaps.

        >>> import tensor_core as torch
        >>> torch.zeros(2, 3).t().is_contiguous()
        False
        """
        a = self._a
        name = getattr(memory_format, "_name", "contiguous_format")
        if not name.startswith("channels_last"):
            return a.flags.c_contiguous
        rank = 5 if name.endswith("3d") else 4
        return a.ndim == rank and a.transpose([0, *range(2, rank), 1]).flags.c_contiguous

    def dim_order(self) -> tuple[int, ...]:
        """The dimensions from the slowest in memory to the fastest.

        >>> import tensor_core as torch
        >>> torch.zeros(2, 3).t().dim_order()
        (1, 0)
        """
        steps = self.stride()
        return tuple(sorted(range(len(steps)), key=lambda i: -steps[i]))

    @property
    def layout(self) -> Any:
        """How the elements are kept: ``torch.strided``."""
        return strided

    is_cpu = True
    is_nested = is_mkldnn = is_sparse_csr = is_meta = is_ipu = is_maia = is_mtia = False
    is_vulkan = is_xla = False
    output_nr = 0

    def get_device(self) -> int:
        """The number of the device, -1 for the CPU.

        >>> import tensor_core as torch
        >>> torch.zeros(1).get_device()
        -1
        """
        return -1

    def is_pinned(self, device: Any = None) -> bool:
        """Whether the memory is pinned for another device: never.

        >>> import tensor_core as torch
        >>> torch.zeros(1).is_pinned()
        False
        """
        return False

    def is_inference(self) -> bool:
        """Whether it was made in inference mode.

        Raises:
            RuntimeError: it might have been: tensors made there are not marked here.

        >>> import tensor_core as torch
        >>> torch.zeros(1, requires_grad=True).is_inference()
        False
        """
        if inference_was_on and not self.requires_grad:  # type: ignore[attr-defined]
            raise RuntimeError(
                "is_inference: tensor_core does not mark the tensors that inference_mode() makes; "
                "they are ordinary tensors that need no gradient"
            )
        return False

    def is_set_to(self, tensor: Any) -> bool:
        """Whether both are the same view of the same memory.

        >>> import tensor_core as torch
        >>> x = torch.zeros(2)
        >>> x.is_set_to(x.view(2)), x.is_set_to(torch.zeros(2))
        (True, False)
        """
        a, b = self._a.__array_interface__, tensor._a.__array_interface__
        return (
            a["data"] == b["data"]
            and self.shape == tensor.shape
            and (self.stride() == tensor.stride())
        )

    def is_distributed(self) -> bool:
        """Whether it lies on several machines: never.

        >>> import tensor_core as torch
        >>> torch.zeros(1).is_distributed()
        False
        """
        return False


def check_dim(dim: int, ndim: int) -> int:
    """The dimension counted from the front.

    Raises:
        IndexError: there is no such dimension; a 0-d tensor has dimension 0 and -1.
    """
    n = max(ndim, 1)
    if not -n <= dim < n:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})"
        )
    return dim % n


def _canonical(shape: tuple[int, ...], steps: tuple[int, ...]) -> tuple[int, ...]:
    """Strides with those of length-1 and empty dimensions as torch would give them."""
    result = list(steps)
    step = 1
    for i in reversed(range(len(shape))):
        if (shape[i] == 1 and not steps[i]) or 0 in shape:
            result[i] = step
        step = max(shape[i], 1) * result[i]
    return tuple(result)


_CPU = device("cpu")

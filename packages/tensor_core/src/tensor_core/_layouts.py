"""How elements lie in memory: torch's names for it. Tensors are strided; ``sparse`` has others."""

from __future__ import annotations

__all__ = [
    "channels_last",
    "channels_last_3d",
    "contiguous_format",
    "layout",
    "memory_format",
    "preserve_format",
    "sparse_coo",
    "strided",
]


class _Named:
    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def __reduce__(self) -> str:
        return self._name


class layout(_Named):
    """How the elements of a tensor are kept; ``strided``, or ``sparse_coo``.

    >>> import tensor_core as torch
    >>> torch.strided
    torch.strided
    """

    __slots__ = ()


class memory_format(_Named):
    """In which order dimensions lie in memory.

    >>> import tensor_core as torch
    >>> torch.contiguous_format
    torch.contiguous_format
    """

    __slots__ = ()


strided = layout("strided")
sparse_coo = layout("sparse_coo")

contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last")
channels_last_3d = memory_format("channels_last_3d")

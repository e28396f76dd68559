"""``autocast``: a block in which matrix products are computed in fewer digits."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from .. import _dtypes
from .._device import TYPES, device
from ._casting import switch

_SUPPORTED = ("cpu", "cuda", "mps", "xpu", "hpu", "mtia", "xla", "maia")

_stack: list[autocast] = []


def is_autocast_available(device_type: str) -> bool:
    """Whether ``autocast`` takes this kind of device.

    >>> import tensor_core as torch
    >>> torch.amp.is_autocast_available("cpu")
    True
    """
    return device_type in _SUPPORTED


class autocast:
    """A block, or a decorated function, of mixed precision.

    On the CPU, products, convolutions and attention of float32 tensors are computed in bfloat16
    (or float16, as ``dtype`` says) and losses in float32, as in torch. For a device that is not
    there it switches itself off with torch's warning.

    Raises:
        RuntimeError: there is no such kind of device.

    >>> import tensor_core as torch
    >>> with torch.autocast("cpu", dtype=torch.float16):
    ...     (torch.ones(1, 2) @ torch.ones(2, 1)).dtype
    torch.float16
    """

    def __init__(
        self,
        device_type: str,
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(
                f"Expected `device_type` of type `str`, got: `{device_type.__class__}`"
            )
        device(device_type)  # raises for an unknown kind
        if not is_autocast_available(device_type):
            raise RuntimeError(
                f"User specified an unsupported autocast device_type '{device_type}'"
            )
        self.device = device_type
        self.custom_device_name = None
        self.fast_dtype = _fast(device_type) if dtype is None else dtype
        self._cache_enabled = True if cache_enabled is None else cache_enabled
        self._before: list[Any] = []
        self._enabled = bool(enabled)
        if self._enabled:
            self._enabled = self._possible()

    def _possible(self) -> bool:
        """Whether it stays on, after saying why if not."""
        if self.device in ("cuda", "xpu"):
            name = self.device.upper()
            warnings.warn(
                f"User provided device_type of '{self.device}', but {name} is not available. "
                "Disabling",
                UserWarning,
                stacklevel=3,
            )
            return False
        if self.device == "cpu" and str(self.fast_dtype) not in ("torch.bfloat16", "torch.float16"):
            warnings.warn(
                f"In CPU autocast, but the target dtype {self.fast_dtype} is not supported. "
                "Disabling autocast; it takes torch.bfloat16 and torch.float16",
                UserWarning,
                stacklevel=3,
            )
            return False
        return True

    def __enter__(self) -> autocast:
        _stack.append(self)
        if self.device == "cpu":
            self._before.append(switch(self.fast_dtype if self._enabled else None))
        return self

    def __exit__(self, *exc: object) -> None:
        _stack.pop()
        if self.device == "cpu":
            switch(self._before.pop())

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function, run inside this block."""

        @functools.wraps(func)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self:
                return func(*args, **kwargs)

        return inside


def _fast(device_type: str) -> Any:
    wide = {"cpu": "bfloat16", "xpu": "bfloat16"}.get(device_type, "float16")
    return getattr(_dtypes, wide, f"torch.{wide}")


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Whether this is inside an enabled block for that kind of device.

    >>> import tensor_core as torch
    >>> torch.is_autocast_enabled("cpu")
    False
    """
    inner = [block for block in _stack if block.device == device_type]
    return bool(inner) and inner[-1]._enabled


def get_autocast_dtype(device_type: str) -> Any:
    """The type that ``autocast`` for that kind of device would compute in.

    >>> import tensor_core as torch
    >>> torch.get_autocast_dtype("cuda")
    torch.float16
    """
    inner = [block for block in _stack if block.device == device_type]
    return inner[-1].fast_dtype if inner else _fast(device_type)


def get_autocast_cpu_dtype() -> Any:
    """The type of ``autocast("cpu")``.

    >>> import tensor_core as torch
    >>> torch.get_autocast_cpu_dtype()
    torch.bfloat16
    """
    return get_autocast_dtype("cpu")


def get_autocast_gpu_dtype() -> Any:
    """The type of ``autocast("cuda")``.

    >>> import tensor_core as torch
    >>> torch.get_autocast_gpu_dtype()
    torch.float16
    """
    return get_autocast_dtype("cuda")


def is_autocast_cpu_enabled() -> bool:
    """Whether this is inside an enabled ``autocast("cpu")``.

    >>> import tensor_core as torch
    >>> torch.is_autocast_cpu_enabled()
    False
    """
    return is_autocast_enabled("cpu")


def is_autocast_cache_enabled() -> bool:
    """Whether the innermost block keeps what it has cast.

    >>> import tensor_core as torch
    >>> torch.is_autocast_cache_enabled()
    True
    """
    return _stack[-1]._cache_enabled if _stack else True


def clear_autocast_cache() -> None:
    """Accepted: nothing is cast, so nothing is kept.

    >>> import tensor_core as torch
    >>> torch.clear_autocast_cache()
    """


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: Any = None
) -> Any:
    """Decorate the forward of an ``autograd.Function``; nothing is cast, so it stays as it is.

    >>> import tensor_core as torch
    >>> torch.amp.custom_fwd(len, device_type="cpu") is len
    True
    """
    _known(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    return fwd


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """Decorate the backward of an ``autograd.Function``; nothing is cast, so it stays as it is.

    >>> import tensor_core as torch
    >>> torch.amp.custom_bwd(len, device_type="cpu") is len
    True
    """
    _known(device_type)
    return functools.partial(custom_bwd, device_type=device_type) if bwd is None else bwd


def _known(device_type: Any) -> None:
    if not isinstance(device_type, str) or device_type not in TYPES:
        raise ValueError(f"device_type must be a kind of device such as 'cpu', not {device_type!r}")

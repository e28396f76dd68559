"""Tensors that a module owns: parameters learn, buffers do not."""

from __future__ import annotations

from typing import Any

from .._creation import empty
from .._dtypes import get_default_dtype
from .._tensor import Tensor


def _share(owner: Tensor, data: Any, requires_grad: bool) -> None:
    """Make ``owner`` a leaf on the memory of ``data``."""
    if data is None:
        data = empty(0)
    if not isinstance(data, Tensor):
        raise AttributeError(
            f"{type(owner).__name__}: argument 'data' must be a Tensor, not {type(data).__name__}"
        )
    owner._a = data._a
    owner._ver = data._ver  # a change through either is a change of both
    owner.requires_grad_(requires_grad)


class Parameter(Tensor):
    """A tensor that learns: assigned to a module's attribute, it becomes one of its parameters.

    It shares the memory of ``data`` and is a leaf, whatever made ``data``. Raises
    ``RuntimeError`` for integers unless ``requires_grad=False``.

    >>> import tensor_core as torch
    >>> torch.nn.Parameter(torch.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        _share(self, data, requires_grad)

    def __repr__(self) -> str:  # type: ignore[override]
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) not in memo:
            copy = type(self)(self.data.clone(), self.requires_grad)  # a gradient is not copied
            copy.__dict__.update(self.__dict__)
            memo[id(self)] = copy
        return memo[id(self)]


class Buffer(Tensor):
    """A tensor that does not learn: assigned to a module's attribute, it becomes a buffer.

    ``persistent=False`` keeps it out of ``state_dict``.

    >>> import tensor_core as torch
    >>> layer = torch.nn.Module()
    >>> layer.mask = torch.nn.Buffer(torch.ones(2), persistent=False)
    >>> [name for name, _ in layer.named_buffers()], list(layer.state_dict())
    (['mask'], [])
    """

    persistent: bool

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        _share(self, data, data is not None and data.requires_grad)
        self.persistent = persistent


def is_lazy(param: Any) -> bool:
    """Whether a parameter or buffer waits for its shape.

    >>> from tensor_core import nn
    >>> is_lazy(nn.LazyLinear(3).weight)
    True
    """
    return isinstance(param, UninitializedTensorMixin)


class UninitializedTensorMixin:
    """A parameter or buffer that has a dtype and no shape yet; ``materialize`` gives it one."""

    cls_to_become: Any
    _kind: Any  # the dtype it will have

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary parameter (or buffer) of that shape, with uninitialised values."""
        memory = empty(shape, device=device, dtype=dtype or self._kind)
        self.__class__ = self.cls_to_become
        vars(Tensor)["_a"].__set__(self, memory._a)

    @property
    def _a(self) -> Any:
        raise ValueError(
            "Attempted to use an uninitialized parameter. It gets its shape from the first call "
            "of its module: call the module once, or initialize_parameters()."
        )

    @property
    def shape(self) -> Any:
        """Raise ``RuntimeError``: there is none yet."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. Call `forward` of "
            "its module once before; a state that holds it loads into a lazy module alone."
        )

    @property
    def dtype(self) -> Any:
        """The dtype it will have."""
        return self._kind

    @property
    def data(self) -> Any:
        """Itself."""
        return self

    def convert(self, fn: Any) -> None:
        """Take the dtype that a conversion gives."""
        self._kind = fn(empty(0, dtype=self._kind)).dtype

    def detach(self) -> Any:
        """Itself: there are no values to be outside the graph."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, dtype=self._kind)  # type: ignore[call-arg, attr-defined]
        return memo[id(self)]

    def __reduce__(self) -> Any:
        return type(self), (self.requires_grad, None, self._kind)  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc, override]
    """A parameter without a shape, as lazy modules hold it before their first call.

    >>> weight = UninitializedParameter()
    >>> weight.materialize((2, 3)); weight.shape
    torch.Size([2, 3])
    """

    cls_to_become = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        self._kind = dtype or get_default_dtype()
        self._rg = bool(requires_grad)


class UninitializedBuffer(UninitializedTensorMixin, Tensor):  # type: ignore[misc, override]
    """A buffer without a shape.

    >>> running = UninitializedBuffer()
    >>> running.materialize((2,)); running.shape
    torch.Size([2])
    """

    cls_to_become = Tensor

    def __init__(
        self,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> None:
        self._kind = dtype or get_default_dtype()
        self._rg = bool(requires_grad)
        self.persistent = persistent


def factory_kwargs(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """The arguments for a factory like ``empty`` among a module's keyword arguments.

    Raises:
        TypeError: there are others, or one is given twice.

    >>> factory_kwargs({"device": "cpu"})
    {'device': 'cpu'}
    """
    if kwargs is None:
        return {}
    simple = ("device", "dtype", "memory_format")
    if unexpected := kwargs.keys() - {*simple, "factory_kwargs"}:
        raise TypeError(f"unexpected kwargs {unexpected}")
    found = dict(kwargs.get("factory_kwargs", {}))
    for key in simple:
        if key in kwargs:
            if key in found:
                raise TypeError(f"{key} specified twice, in **kwargs and in factory_kwargs")
            found[key] = kwargs[key]
    return found

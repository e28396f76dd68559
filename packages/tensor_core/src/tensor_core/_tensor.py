"""The Tensor: an ndarray, whether it wants a gradient, and how it came to be.

The methods that are ops are attached in ``_methods.py``, a table a reader can search.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _dtypes
from ._geometry import Geometry
from ._grad_mode import enable_grad, mode
from ._hooks import AfterAccumulation, RemovableHandle, Retained, hooked_leaves, move_retained
from ._size import Size

if TYPE_CHECKING:
    from ._method_types import TensorMethods
else:
    TensorMethods = object  # the methods are attached by ``_methods.attach``

new = object.__new__


class Tensor(Geometry, TensorMethods):
    """An array that can be differentiated, with torch's names and behaviour.

    Made by :func:`tensor`, the factories or ops; ``Tensor([1, 2])`` gives float32 and
    ``Tensor(2, 3)`` an uninitialised shape, as in torch.

    >>> import tensor_core as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_a",  # the array
        "_base",  # the tensor this is a view of, at the root
        "_grad",
        "_hooks",
        "_node",  # what made it; None for a leaf
        "_replay",  # the ops that make this view of its base again
        "_rg",  # requires_grad
        "_seen",  # version of the memory when _node was last right (views only)
        "_untracked",  # why it is not to be changed under autograd, if so (views only)
        "_ver",  # version counter, one list shared by all views of the memory
    )

    _a: np.ndarray
    _base: Tensor | None
    _grad: Tensor | None
    _hooks: dict[int, Any] | None
    _node: Any
    _replay: tuple[Any, ...]
    _rg: bool
    _seen: int
    _untracked: int
    _ver: list[int]

    # A leaf ends the graph: the backward pass meets it as a node without edges, last in order.
    _edges = ()
    _seq = -1

    def __new__(cls, *data: Any, **kwargs: Any) -> Any:
        """Uninitialised fields; construction from data happens in ``__init__``."""
        self = new(cls)
        self._rg = False
        self._node = self._grad = self._base = self._hooks = None
        self._ver = [0]
        return self

    def __init__(self, *data: Any) -> None:
        if len(data) == 1 and isinstance(data[0], Tensor):
            self._a = data[0]._a
            self._ver = data[0]._ver
        elif len(data) == 1 and not isinstance(data[0], int | Size):
            self._a = np.array(data[0], dtype=_dtypes.get_default_dtype().numpy)
        else:
            shape = data[0] if len(data) == 1 and isinstance(data[0], Size) else data
            self._a = np.empty(shape or 0, dtype=_dtypes.get_default_dtype().numpy)

    # -- autograd state ---------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this tensor are recorded."""
        if self._base is not None:
            self._sync()
        return self._rg

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for (or refuse) a gradient, in place, and return self.

        >>> import tensor_core as torch
        >>> w = torch.zeros(2).requires_grad_()
        >>> w.requires_grad, w.is_leaf
        (True, True)
        """
        if requires_grad and not records("requires_grad_", self._a):
            raise RuntimeError(
                "only Tensors of floating point and complex dtype can require gradients, "
                f"not {self.dtype}"
            )
        if not requires_grad and self._node is not None:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. "
                "Use var_no_grad = var.detach() for a tensor that is not part of the graph."
            )
        if self._node is None:
            self._rg = bool(requires_grad)
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made it."""
        return self.grad_fn is None

    @property
    def grad_fn(self) -> Any:
        """The node that made it, ``None`` for a leaf."""
        if self._base is not None:
            self._sync()
        node = self._node
        return getattr(node, "parent", node)

    @property
    def grad(self) -> Tensor | None:
        """The gradient accumulated by ``backward()``."""
        if self._grad is None and self._node is not None and not self.retains_grad:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed: "
                "backward() does not fill it. Call .retain_grad() on the tensor before backward(), "
                "or look at the leaf it was computed from.",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got {type(value).__name__}"
                )
            if value._a.shape != self._a.shape or value._a.dtype != self._a.dtype:
                raise RuntimeError(
                    f"assigned grad has shape {tuple(value._a.shape)} and type {value.dtype}, "
                    f"but the tensor has {tuple(self._a.shape)} and {self.dtype}"
                )
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def _version(self) -> int:
        return self._ver[0]

    def _bump(self) -> None:
        """Note that the memory has changed, so that stale saved values are recognised."""
        self._ver[0] += 1

    def _sync(self) -> None:
        """Make this view's place in the graph right after its memory has changed."""
        base = self._base
        if base is None or self._seen == self._ver[0]:
            return
        if not base._rg:
            self._seen = self._ver[0]
            return
        with enable_grad():
            t: Any = base
            for op, params, index in self._replay:
                t = op(t, *params)
                if index is not None:
                    t = t[index]
        old = self._node
        self._seen = self._ver[0]
        self._node, self._rg = t._node, t._rg
        if old is not None and old._hooks:
            move_retained(self, old, t._node)

    def _is_view(self) -> bool:
        return self._base is not None

    def detach(self) -> Tensor:
        """The same memory outside the graph; changes to either are seen by both.

        >>> import tensor_core as torch
        >>> w = torch.ones(2, requires_grad=True)
        >>> (w * 2).detach()
        tensor([2., 2.])
        """
        out = wrap(self._a)
        out._ver = self._ver
        return out

    def detach_(self) -> Tensor:
        """Leave the graph, in place."""
        if self._base is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        self._node, self._rg = None, False
        return self

    @property
    def data(self) -> Tensor:
        """The same memory outside the graph, with changes unseen by autograd."""
        return wrap(self._a)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"data must be a Tensor, not {type(value).__name__}")
        if (value._a.dtype.kind in _dtypes.DIFFERENTIABLE) < self._rg:
            raise RuntimeError(
                f"data set to a tensor that requires gradients must be floating "
                f"point or complex dtype, not {value.dtype}"
            )
        self._a = value._a
        self._base = None

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradient of this tensor to the ``.grad`` of every leaf it came from.

        Raises:
            RuntimeError: it is not a single number and no ``gradient`` of its shape is given;
                it needs no gradient; its graph was already used up.

        >>> import tensor_core as torch
        >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> (w * w).backward(torch.tensor([1.0, 10.0]))
        >>> w.grad
        tensor([ 2., 40.])
        """
        node, loss = self._node, self._a
        plain = gradient is inputs is None and not create_graph
        if (
            plain
            and node is not None
            and self._base is None
            and not loss.ndim
            and loss.dtype in _ones
        ):
            _pass_on_arrays([(node, _ones[loss.dtype])], bool(retain_graph), None)
            return
        _backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call ``hook(grad)`` when the gradient is known; what it returns replaces it.

        >>> import tensor_core as torch
        >>> w = torch.tensor(1.0, requires_grad=True)
        >>> handle = w.register_hook(lambda g: g * 10)
        >>> (w * 2).backward()
        >>> w.grad
        tensor(20.)
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        target = self if self._node is None else self._node
        if target._hooks is None:
            target._hooks = {}
        if target is self:
            hooked_leaves[:] = [True]
        return RemovableHandle(target._hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call ``hook(tensor)`` each time a gradient has been added to this leaf's ``.grad``.

        Raises:
            RuntimeError: the tensor is no leaf, or needs no gradient.

        >>> import tensor_core as torch
        >>> w = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> handle = w.register_post_accumulate_grad_hook(lambda p: print(p.grad))
        >>> (w * 3).sum().backward()
        tensor([3., 3.])
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._node is not None:
            raise RuntimeError(
                "post accumulate grad hooks cannot be registered on non-leaf tensors"
            )
        return self.register_hook(AfterAccumulation(hook))  # type: ignore[arg-type]

    def retain_grad(self) -> None:
        """Keep ``.grad`` of this non-leaf too.

        >>> import tensor_core as torch
        >>> w = torch.tensor(3.0, requires_grad=True)
        >>> y = w * w
        >>> y.retain_grad()
        >>> (y * 5).backward()
        >>> y.grad
        tensor(5.)
        """
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._node is None or self.retains_grad:
            return
        self.register_hook(Retained(self))  # type: ignore[arg-type]
        self.__dict__["_retains"] = True

    @property
    def retains_grad(self) -> bool:
        """Whether :meth:`retain_grad` was called."""
        return "_retains" in self.__dict__

    # -- conversions ------------------------------------------------------------------------

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The array itself, sharing memory; one whose changes would be recorded only detached.

        >>> import tensor_core as torch
        >>> torch.tensor([1.0, 2.0]).numpy()
        array([1., 2.], dtype=float32)
        """
        if self.requires_grad and mode.enabled and not force:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() "
                "instead."
            )
        if self._a.dtype.kind == "V":
            raise TypeError("Got unsupported ScalarType BFloat16: convert with .float() first")
        return self._a

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.numpy(), dtype=dtype, copy=copy)

    def item(self) -> Any:
        """The single element as a Python number.

        >>> import tensor_core as torch
        >>> torch.tensor([2.5]).item()
        2.5
        """
        if self._a.size != 1:
            raise RuntimeError(
                f"a Tensor with {self._a.size} elements cannot be converted to Scalar"
            )
        return self._a.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers.

        >>> import tensor_core as torch
        >>> torch.tensor([[1, 2], [3, 4]]).tolist()
        [[1, 2], [3, 4]]
        """
        return self._a.tolist()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if self._a.size != 1 or self._a.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._a.item())

    def __bool__(self) -> bool:
        if self._a.size > 1:
            raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
        if self._a.size == 0:
            raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
        return bool(self._a.item())

    def __len__(self) -> int:
        if self._a.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self._a.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self._a.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, element: Any) -> bool:
        return bool((self._a == (element._a if isinstance(element, Tensor) else element)).any())

    __hash__ = object.__hash__

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        from ._print import tensor_text

        return tensor_text(self, tensor_contents)

    def __format__(self, spec: str) -> str:
        if self._a.ndim == 0 and type(self) is Tensor:
            return format(self.item(), spec)  # the number: f"{loss}" is no repr
        return object.__format__(self, spec)  # refuses a spec

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        from ._utils import deepcopied

        return deepcopied(self, memo)

    def __reduce_ex__(self, protocol: Any) -> Any:
        from ._utils import reduce_tensor

        return reduce_tensor(self)

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None,
        copy: bool | None = None,
    ) -> Any:  # fmt: skip
        from ._dlpack import capsule

        return capsule(self, stream, max_version, dl_device, copy)

    def __dlpack_device__(self) -> Any:
        return self._a.__dlpack_device__()


def wrap(array: np.ndarray) -> Tensor:
    """A Tensor of this very array, with no history."""
    t = new(Tensor)
    t._a = array
    t._rg = False
    t._node = t._grad = t._base = t._hooks = None
    t._ver = [0]
    return t


def records(name: str, array: np.ndarray) -> bool:
    """Whether a result has a gradient: floating-point and complex numbers have."""
    return array.dtype.kind in _dtypes.DIFFERENTIABLE


# What ``_backward.py``, which needs this module first, puts here: its pass, and first cotangents.
_pass_on_arrays: Any = None
_ones: dict[Any, Any] = {}


def _backward(*args: Any, **kwargs: Any) -> None:
    """Set to ``_backward.backward`` by that module, which needs this one first."""
    raise RuntimeError("the engine is not loaded")

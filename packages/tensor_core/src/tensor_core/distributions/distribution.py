"""What every distribution has: shapes, validation, and the names of its questions."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from .._grad_mode import no_grad
from .._size import Size
from .._tensor import Tensor
from . import constraints
from .utils import broadcast_all, is_number, lazy_property

__all__ = ["Distribution"]


class Distribution:
    """Base class. A sample has the shape sample_shape + ``batch_shape`` + ``event_shape``.

    A subclass defines ``arg_constraints`` and what it can of ``support``, ``rsample`` (with a
    derivative) or ``sample``, ``log_prob``, ``entropy``, ``mean``, ``variance``, ``expand``.
    With ``validate_args`` (the default) parameters and values out of range raise ``ValueError``.

    >>> import tensor_core as torch
    >>> torch.distributions.Normal(torch.zeros(2), 1.0).batch_shape
    torch.Size([2])
    """

    has_rsample: Any = False
    has_enumerate_support: Any = False
    _validate_args: bool = __debug__
    _names: tuple[str, ...] = ()  # of parameters that are expanded with the batch
    arg_constraints: ClassVar[Any]
    support: Any

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Set whether distributions made from now on check what they are given."""
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args: {value!r} is neither True nor False")
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: Any = (),
        event_shape: Any = (),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape = Size(batch_shape)
        self._event_shape = Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()

    def _check_parameters(self) -> None:
        wanted = getattr(self, "arg_constraints", None)
        if wanted is None:
            warnings.warn(
                f"{type(self)} does not define `arg_constraints`. Please set "
                "`arg_constraints = {}` or initialize the distribution with "
                "`validate_args=False` to turn off validation.",
                stacklevel=4,
            )
            return
        for name, constraint in wanted.items():
            computed = isinstance(getattr(type(self), name, None), lazy_property)
            if constraints.is_dependent(constraint) or (computed and name not in self.__dict__):
                continue
            value = getattr(self, name)
            if not constraint.check(value).all():
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape "
                    f"{tuple(value.shape)}) of distribution {self!r} to satisfy the constraint "
                    f"{constraint!r}, but found invalid values:\n{value}"
                )

    def _take(self, validate_args: bool | None, **parameters: Any) -> None:
        """Set parameters, broadcast together; one number for each element of the batch."""
        made = broadcast_all(*parameters.values())
        for name, value in zip(parameters, made, strict=True):
            setattr(self, name, value)
        plain = all(is_number(value) for value in parameters.values())
        Distribution.__init__(self, () if plain else made[0].shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distribution for a larger batch; memory is not copied."""
        owner = next((c for c in type(self).__mro__ if c.__dict__.get("_names")), None)
        if owner is None:
            raise NotImplementedError(f"{type(self).__name__} does not define expand()")
        new = self._get_checked_instance(owner, _instance)
        shape = Size(batch_shape)
        for name in self._names:
            if name in self.__dict__:
                new.__dict__[name] = self.__dict__[name].expand(shape)
        return self._finish(new, shape)

    def _finish(self, new: Any, batch_shape: Any) -> Any:
        """Set the shapes of an expanded distribution."""
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        if _instance is None and type(self).__init__ != cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom "
                "__init__ method must also define a custom .expand() method."
            )
        return type(self).__new__(type(self)) if _instance is None else _instance

    @property
    def batch_shape(self) -> Size:
        """The shape over which parameters vary."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one sample of one distribution."""
        return self._event_shape

    @property
    def mean(self) -> Tensor:
        """The expected value."""
        raise self._missing("mean")

    @property
    def mode(self) -> Tensor:
        """The most likely value."""
        raise self._missing("mode")

    @property
    def variance(self) -> Tensor:
        """The expected squared distance from the mean."""
        raise self._missing("variance")

    @property
    def stddev(self) -> Tensor:
        """The root of the variance."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draw, without a derivative."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Draw, with a derivative with respect to the parameters."""
        raise self._missing("rsample")

    def sample_n(self, n: int) -> Tensor:
        """``n`` samples; old spelling of ``sample((n,))``."""
        warnings.warn(
            "`sample_n(n)` will be deprecated. Use `sample((n,))` instead.",
            FutureWarning,
            stacklevel=2,
        )
        return self.sample((n,))

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the density or probability at ``value``."""
        raise self._missing("log_prob")

    def cdf(self, value: Any) -> Tensor:
        """The probability of at most ``value``."""
        raise self._missing("cdf")

    def icdf(self, value: Any) -> Tensor:
        """The value whose ``cdf`` is ``value``."""
        raise self._missing("icdf")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of a discrete distribution, along a new first dimension."""
        raise self._missing("enumerate_support")

    def entropy(self) -> Tensor:
        """The expected ``-log_prob``, in nats."""
        raise self._missing("entropy")

    def perplexity(self) -> Tensor:
        """``exp(entropy)``: how many equally likely values it is worth."""
        return self.entropy().exp()

    def _missing(self, name: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} does not implement {name}")

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _validate_sample(self, value: Any) -> None:
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        given, event = value.shape, self._event_shape
        if tuple(given[len(given) - len(event) :]) != tuple(event):
            raise ValueError(
                f"The right-most size of value must match event_shape: {given} vs {event}."
            )
        own = self._extended_shape()
        for i, j in zip(reversed(given), reversed(own), strict=False):
            if i != 1 and j != 1 and i != j:
                raise ValueError(
                    f"Value is not broadcastable with batch_shape+event_shape: {given} vs {own}."
                )
        support = getattr(self, "support", None)
        if support is None:
            warnings.warn(
                f"{type(self)} does not define `support` to enable sample validation. Please "
                "initialize the distribution with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
        elif not support.check(value).all():
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(given)}) to be "
                f"within the support ({support!r}) of the distribution {self!r}, but found "
                f"invalid values:\n{value}"
            )

    def _checked(self, value: Any) -> Any:
        """``value``, which must be a possible sample if that is to be checked."""
        if self._validate_args:
            self._validate_sample(value)
        return value

    def __repr__(self) -> str:
        own = self.__dict__
        shown = {k: own[k] for k in getattr(self, "arg_constraints", {}) if k in own}
        parts = [f"{k}: {v if v.numel() == 1 else v.size()}" for k, v in shown.items()]
        return f"{type(self).__name__}({', '.join(parts)})"

"""Value: a number that remembers how it was made, and so knows its derivative.

Every operation on a Value makes a new Value that keeps three things: the inputs it was made from,
the operation, and the slope of the result with respect to each input. Backpropagation
(`backprop.py`) needs nothing more. What an operation computes is on its card (`ops.py`).
"""

from __future__ import annotations

import threading
from numbers import Real
from operator import attrgetter
from typing import Any

from . import ops
from .backprop import gradients
from .mode import recording
from .op import Op

_new = object.__new__
_adding = threading.RLock()
_its_data = attrgetter("data")


class Value:
    """A number with a derivative.

    >>> a = Value(2.0, label="a")
    >>> y = a * a + 3.0 * a
    >>> y.backward()
    >>> y.data, a.grad                  # a.grad is dy/da = 2a + 3
    (10.0, 7.0)

    ``data`` is the number and may be assigned (``p.data -= 0.1 * p.grad``). ``grad`` is the
    derivative of whatever ``backward`` was called on: a float, or a Value after
    ``backward(create_graph=True)``. ``parents`` are the Values this one was made from, with one
    slope each in ``partials``; ``inputs`` are the same with the plain numbers between them, which
    have no derivative.

    ``==``, ``<`` and the others compare ``data`` and answer True or False. The hash is that of the
    object, since ``data`` may change: a set or dict keeps two Values apart even when they are
    equal, just as torch does with tensors. (Only lists go by ``==``: look for a particular Value
    in a set, or with ``is``.)

    Raises TypeError unless ``data`` is one real number.
    """

    __slots__ = (
        "__weakref__",
        "data",
        "grad",
        "inputs",
        "label",
        "op",
        "parents",
        "partials",
    )

    data: float
    grad: Any  # a float; a Value after backward(create_graph=True)
    label: str
    op: Op | None
    inputs: tuple[Value | float, ...]
    parents: tuple[Value, ...]
    partials: tuple[float, ...]

    def __init__(self, data: float, *, label: str = "") -> None:
        if type(data) is not float:
            data = _one_number(data)
        self.data = data
        self.grad = 0.0
        self.label = label
        self.op = None
        self.inputs = self.parents = self.partials = ()

    # --- derivatives -----------------------------------------------------------------------------

    def backward(self, create_graph: bool = False) -> None:
        """Add the derivative of this Value to ``grad`` of every Value it was made from.

        With ``create_graph`` the gradients are Values, which have derivatives in turn.

        >>> x = Value(3.0)
        >>> (x * x).backward()
        >>> (x * x).backward()          # adds
        >>> x.grad
        12.0
        """
        found = gradients(self, create_graph)
        with _adding:  # another thread may be adding to the same parameters
            for value, g in found.items():
                value.grad = value.grad + g

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self.grad = 0.0

    def detach(self) -> Value:
        """Return the same number as a new leaf: gradients stop here."""
        return Value(self.data)

    # --- arithmetic: + - * / ** and their mirror images ------------------------------------------

    def __add__(self, other: Value | float) -> Value:
        return _two(ops.add, self, other)

    def __radd__(self, other: float) -> Value:
        return _two(ops.add, other, self)

    def __sub__(self, other: Value | float) -> Value:
        return _two(ops.sub, self, other)

    def __rsub__(self, other: float) -> Value:
        return _two(ops.sub, other, self)

    def __mul__(self, other: Value | float) -> Value:
        return _two(ops.mul, self, other)

    def __rmul__(self, other: float) -> Value:
        return _two(ops.mul, other, self)

    def __truediv__(self, other: Value | float) -> Value:
        return _two(ops.div, self, other)

    def __rtruediv__(self, other: float) -> Value:
        return _two(ops.div, other, self)

    def __pow__(self, other: Value | float) -> Value:
        return _two(ops.pow, self, other)

    def __rpow__(self, other: float) -> Value:
        return _two(ops.pow, other, self)

    def __neg__(self) -> Value:
        return _one(ops.neg, self)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return _one(ops.abs, self)

    # --- functions -------------------------------------------------------------------------------

    def exp(self) -> Value:
        """e to this power."""
        return _one(ops.exp, self)

    def log(self) -> Value:
        """Natural logarithm."""
        return _one(ops.log, self)

    def sqrt(self) -> Value:
        """Square root."""
        return _one(ops.sqrt, self)

    def sin(self) -> Value:
        """Sine."""
        return _one(ops.sin, self)

    def cos(self) -> Value:
        """Cosine."""
        return _one(ops.cos, self)

    def tanh(self) -> Value:
        """Hyperbolic tangent."""
        return _one(ops.tanh, self)

    def sigmoid(self) -> Value:
        """``1 / (1 + exp(-x))``."""
        return _one(ops.sigmoid, self)

    def softplus(self) -> Value:
        """``log(1 + exp(x))``."""
        return _one(ops.softplus, self)

    def erfc(self) -> Value:
        """One minus the error function."""
        return _one(ops.erfc, self)

    def gelu(self) -> Value:
        """Gaussian error linear unit, exact."""
        return _one(ops.gelu, self)

    def relu(self) -> Value:
        """This number where positive, else 0."""
        return _one(ops.relu, self)

    def leaky_relu(self, slope: Value | float = 0.01) -> Value:
        """This number where positive, else ``slope`` times it."""
        return record(ops.leaky_relu, self, slope)

    def abs(self) -> Value:
        """This number without its sign."""
        return _one(ops.abs, self)

    def max(self, other: Value | float) -> Value:
        """The larger of this and ``other``."""
        return record(ops.maximum, self, other)

    def min(self, other: Value | float) -> Value:
        """The smaller of this and ``other``."""
        return record(ops.minimum, self, other)

    # --- comparison: by number ------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        number = _data(other)
        return NotImplemented if number is None else self.data == number

    def __lt__(self, other: Value | float) -> bool:
        number = _data(other)
        return NotImplemented if number is None else self.data < number

    def __le__(self, other: Value | float) -> bool:
        number = _data(other)
        return NotImplemented if number is None else self.data <= number

    def __gt__(self, other: Value | float) -> bool:
        number = _data(other)
        return NotImplemented if number is None else self.data > number

    def __ge__(self, other: Value | float) -> bool:
        number = _data(other)
        return NotImplemented if number is None else self.data >= number

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return self.data != 0.0

    # --- the way onto the graph, and off it ------------------------------------------------------

    def record(self, op: Op, *inputs: Value | float) -> Value:
        """Return ``op(*inputs)`` as a Value. An `Op` calls this where an input is a Value."""
        return record(op, *inputs)

    def __repr__(self) -> str:
        grad = _data(self.grad)  # of a gradient that is a Value, show the number: it may be deep
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self.data}, grad={grad}{label})"

    def __format__(self, spec: str) -> str:
        return format(self.data, spec) if spec else str(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _leaf, (self.data, _data(self.grad), self.label)  # a copy or pickle has no history

    # Names that programs written for micrograd use.

    @property
    def _prev(self) -> set[Value]:
        return set(self.parents)

    @property
    def _op(self) -> str:
        return self.op.symbol if self.op else ""


# --- recording -----------------------------------------------------------------------------------
# `_many` records any operation. `_one` and `_two` are the same with its loops written out: nearly
# every node is made by one of them, and they take a quarter of the time.


def record(op: Op, *inputs: Value | float) -> Value:
    """Return ``op(*inputs)`` as a Value, a leaf if all inputs are numbers.

    Raises TypeError for inputs that are neither Values nor real numbers.

    >>> record(ops.mul, Value(2.0), 3.0)
    Value(data=6.0, grad=0.0)
    """
    if len(op.slopes) == 1 and isinstance(inputs[0], Value):
        return _one(op, inputs[0])
    result = _two(op, *inputs) if len(op.slopes) == 2 else _many(op, inputs)
    if result is NotImplemented:
        bad = {type(x).__name__ for x in inputs if _data(x) is None}
        raise TypeError(
            f"{op.name}: inputs must be Values or real numbers, not {' or '.join(sorted(bad))}"
        )
    return result


def _one(op: Op, a: Value) -> Value:
    x = a.data
    try:
        y = op.forward(x)
    except (ArithmeticError, ValueError) as error:
        raise op.explain(error, (x,)) from None
    out: Value = _new(Value)
    out.data = y
    out.grad = 0.0
    out.label = ""
    if recording.on:
        out.op = op
        out.inputs = out.parents = (a,)
        out.partials = (op.slopes[0](y, x),)
    else:
        out.op = None
        out.inputs = out.parents = out.partials = ()
    return out


def _two(op: Op, a: Any, b: Any) -> Value:
    x = a.data if isinstance(a, Value) else _number(a)
    z = b.data if isinstance(b, Value) else _number(b)
    if x is None or z is None:
        return _refuse(op, a, b)
    try:
        y = op.forward(x, z)
    except (ArithmeticError, ValueError) as error:
        raise op.explain(error, (x, z)) from None
    out: Value = _new(Value)
    out.data = y
    out.grad = 0.0
    out.label = ""
    if not recording.on:
        out.op = None
        out.inputs = out.parents = out.partials = ()
        return out
    out.op = op
    by_a, by_b = op.slopes
    if not isinstance(b, Value):
        out.inputs, out.parents, out.partials = (a, z), (a,), (by_a(y, x, z),)
    elif not isinstance(a, Value):
        out.inputs, out.parents, out.partials = (x, b), (b,), (by_b(y, x, z),)
    else:
        out.inputs = out.parents = (a, b)
        out.partials = (by_a(y, x, z), by_b(y, x, z))
    return out


def _many(op: Op, inputs: tuple[Any, ...]) -> Value:
    if set(map(type, inputs)) == {Value}:
        numbers, wanted = list(map(_its_data, inputs)), None
    else:
        numbers = [x.data if isinstance(x, Value) else _number(x) for x in inputs]
        wanted = [isinstance(x, Value) for x in inputs]
        if None in numbers:
            return NotImplemented
    try:
        y = op.forward(*numbers)
    except (ArithmeticError, ValueError) as error:
        raise op.explain(error, numbers) from None
    out = Value(y)
    if recording.on:
        out.op = op
        out.inputs = out.parents = inputs
        if wanted:
            out.parents = tuple([x for x in inputs if isinstance(x, Value)])
            out.inputs = tuple([x if isinstance(x, Value) else float(x) for x in inputs])
        out.partials = op.partials(y, numbers, wanted)
    return out


def _refuse(op: Op, a: Any, b: Any) -> Any:
    """Return NotImplemented, so that Python asks the other operand, or names both types.

    A str or list it would ask to repeat itself, whose complaint speaks of sequences instead.
    """
    if isinstance(a, (str, bytes, list, tuple)) or isinstance(b, (str, bytes, list, tuple)):
        kinds = f"{type(a).__name__!r} and {type(b).__name__!r}"
        raise TypeError(f"unsupported operand types for {op.symbol}: {kinds}")
    return NotImplemented


# --- numbers -------------------------------------------------------------------------------------


def _number(x: Any) -> float | None:
    """Return a real number as a float, and None for anything else."""
    if type(x) is float:
        return x
    return float(x) if isinstance(x, Real) else None


def _data(x: Any) -> float | None:
    return x.data if isinstance(x, Value) else _number(x)


def _one_number(x: Any) -> float:
    if isinstance(x, Value):
        raise TypeError("Value(Value): it is a Value already; v.detach() makes a leaf of it")
    if not hasattr(x, "__float__"):
        raise TypeError(f"Value({x!r}): needs one real number, not {type(x).__name__}")
    return float(x)


def _leaf(data: float, grad: float, label: str) -> Value:
    value = Value(data, label=label)
    value.grad = grad
    return value

"""Value: a number that remembers how it was made, and so knows its derivative.

Every operation on a Value makes a new Value that keeps three things: the inputs it was made from,
the operation, and the slope of the result with respect to each input. Backpropagation
(`backprop.py`) needs nothing more. What an operation computes is on its card (`ops.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from operator import attrgetter
from typing import Any, overload

from . import ops
from .backprop import gradients
from .mode import recording
from .op import Op

_new = object.__new__
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
        for value, g in gradients(self, create_graph).items():
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
        return self.record(ops.leaky_relu, self, slope)

    def abs(self) -> Value:
        """This number without its sign."""
        return _one(ops.abs, self)

    def max(self, other: Value | float) -> Value:
        """The larger of this and ``other``."""
        return self.record(ops.maximum, self, other)

    def min(self, other: Value | float) -> Value:
        """The smaller of this and ``other``."""
        return self.record(ops.minimum, self, other)

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
        """Return ``op(*inputs)`` as a Value of the graph; one of the inputs is this Value.

        Raises TypeError for inputs that are neither Values nor real numbers.

        >>> from scalar_value import registry
        >>> Value(2.0).record(registry["mul"], Value(2.0), 3.0).data
        6.0
        """
        if len(inputs) == 1:
            return _one(op, self)
        result = _two(op, *inputs) if len(op.slopes) == 2 else _many(op, inputs)
        if result is NotImplemented:
            kinds = ", ".join(type(x).__name__ for x in inputs)
            raise TypeError(f"{op.name}({kinds}): inputs must be Values or real numbers")
        return result

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


@overload
def grad(y: Value, inputs: Value, create_graph: bool = False) -> Any: ...
@overload
def grad(y: Value, inputs: Sequence[Value], create_graph: bool = False) -> list[Any]: ...
def grad(y: Value, inputs: Value | Sequence[Value], create_graph: bool = False) -> Any:
    """Return dy/dx for one Value x, or a list of them for several, leaving every ``grad`` alone.

    They are floats, or Values with ``create_graph``; 0 where ``y`` was not made from ``x``.

    >>> x = Value(2.0)
    >>> slope = grad(x**3, x, create_graph=True)
    >>> slope.data, grad(slope, x)      # 3x**2 and 6x
    (12.0, 12.0)
    """
    found = gradients(y, create_graph)
    wanted = [inputs] if isinstance(inputs, Value) else inputs
    result = [found[x] if x in found else Value(0.0) if create_graph else 0.0 for x in wanted]
    return result[0] if isinstance(inputs, Value) else result


def dot(a: Sequence[Value | float], b: Sequence[Value | float], bias: Value | float = 0.0) -> Value:
    """Return ``bias + a[0]*b[0] + a[1]*b[1] + ...`` as one node of the graph.

    Raises ValueError where the lengths differ. A Value, even when every input is a number.

    >>> dot([Value(1.0), Value(2.0)], [10.0, 100.0], bias=0.5).data
    210.5
    """
    if len(a) != len(b):
        raise ValueError(f"dot: {len(a)} numbers with {len(b)}: the lengths must be equal")
    result = _many(ops.affine, (bias, *a, *b))
    if result is NotImplemented:
        kinds = ", ".join(sorted({type(x).__name__ for x in (bias, *a, *b)}))
        raise TypeError(f"dot: inputs must be Values or real numbers, and are {kinds}")
    return result


# --- recording -----------------------------------------------------------------------------------
# `_many` records any operation. `_one` and `_two` are the same with its loops written out: nearly
# every node is made by one of them, and they take a quarter of the time.


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
        return NotImplemented  # so that Python names both types, or asks the other operand
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

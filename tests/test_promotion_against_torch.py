"""How element types mix: every pair, tensors and numbers, beside torch."""

import itertools
import operator
import warnings

import numpy as np
import pytest
from side_by_side import BOTH, error_of, tally

ALL = ("bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16",
       "bfloat16", "float32", "float64", "complex32", "complex64", "complex128")  # fmt: skip
TYPES = [k for k in ALL if k not in ("uint16", "uint32", "uint64", "complex32")]
NUMBERS = {"True": True, "3": 3, "2.5": 2.5, "1+2j": 1 + 2j}


@pytest.mark.parametrize("name", ["promote_types", "can_cast"])
def test_every_pair_of_types(name):
    for a, b in itertools.product(ALL, ALL):
        found = []
        for t in BOTH:
            try:
                found.append(str(getattr(t, name)(getattr(t, a), getattr(t, b))))
            except RuntimeError:
                found.append("raises")
        assert found[0] == found[1], (a, b)


@pytest.mark.parametrize("kind", ALL)
def test_what_a_type_says_of_itself(kind):
    theirs, ours = (getattr(t, kind) for t in BOTH)
    for name in ("itemsize", "is_floating_point", "is_complex", "is_signed"):
        assert getattr(ours, name) == getattr(theirs, name), name
    errors = [error_of(d.to_complex) for d in (theirs, ours)]
    assert errors[0] == errors[1]
    assert errors[0] or repr(ours.to_complex()) == repr(theirs.to_complex())
    assert repr(ours.to_real()) == repr(theirs.to_real())
    for limits in ("finfo", "iinfo"):
        errors = [error_of(lambda t=t, n=limits: getattr(t, n)(getattr(t, kind))) for t in BOTH]
        assert errors[0] == errors[1]
        if errors[0] is None:
            theirs_has, ours_has = (getattr(t, limits)(getattr(t, kind)) for t in BOTH)
            assert repr(ours_has) == repr(theirs_has)


# -- arithmetic ------------------------------------------------------------------------------------


def by_name(name):
    return lambda t, a, b: getattr(t, name)(a, b)


def by_sign(name):
    return lambda t, a, b: getattr(operator, name)(a, b)


def in_place(name):
    return lambda t, a, b: getattr(operator, name)(a.clone(), b)


NAMED = ("maximum", "minimum", "fmod", "atan2", "copysign", "hypot", "logical_and", "ne", "ge")
SIGNS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "eq", "and_", "or_", "xor",
         "lshift", "rshift")  # fmt: skip
OPERATIONS = {
    **{n: by_name(n) for n in NAMED},
    **{n: by_sign(n) for n in SIGNS},
    **{n: in_place(n) for n in ("iadd", "isub", "imul", "itruediv", "ifloordiv", "ipow", "iand")},
    "where": lambda t, a, b: t.where(t.tensor([True, False, True]), a, b),
    "div trunc": lambda t, a, b: t.div(a, b, rounding_mode="trunc"),
    "add twice": lambda t, a, b: t.add(a, b, alpha=2),
    "cat": lambda t, a, b: t.cat([a, b]),
    "stack": lambda t, a, b: t.stack([a, b]),
    "result_type": lambda t, a, b: t.empty(0, dtype=t.result_type(a, b)),
}


def operand(t, kind, level, numbers):
    """A tensor of a type, with one dimension or none; or a Python number."""
    if kind in NUMBERS:
        return NUMBERS[kind]
    values = np.asarray(numbers if level else numbers[0])
    if kind == "uint8":
        values = np.asarray(np.abs(values))
    return t.from_numpy(np.array(values)).to(getattr(t, kind))


def outcome(t, function, a, b):
    """The type, shape and numbers of an operation, or the error it raises."""
    try:
        y = function(t, a, b)
    except Exception as error:
        return error
    if "complex32" in str(y.dtype):
        return TypeError("complex32")
    wide = y if y.dtype in (t.bool, t.complex64, t.complex128) else y.double()
    return str(y.dtype), tuple(y.shape), wide.numpy()


def pairs():
    kinds = [(k, level) for k in TYPES for level in (0, 1)]
    numbers = [(n, 0) for n in NUMBERS]
    yield from itertools.product(kinds, kinds)
    yield from itertools.product(kinds, numbers)
    yield from itertools.product(numbers, kinds)


@pytest.mark.parametrize("name", OPERATIONS)
def test_arithmetic(name):
    """Equal types, shapes and numbers; where torch raises, an error of its kind.

    tensor_core may take what torch says it has not implemented, or wants a tensor for.
    """
    wrong = []
    for (a, la), (b, lb) in pairs():
        if a in NUMBERS and (name.startswith("i") or name in ("cat", "stack")):
            continue
        if b in NUMBERS and name in ("cat", "stack"):
            continue
        theirs, ours = (
            outcome(
                t, OPERATIONS[name], operand(t, a, la, [5, -3, 2]), operand(t, b, lb, [2, 3, -1])
            )
            for t in BOTH
        )
        tally["mixtures of types beside torch"] += 1
        where = f"{name}({a}{'[]' * la}, {b}{'[]' * lb})"
        if isinstance(theirs, Exception):
            lenient = "implemented" in str(theirs) or "must be Tensor" in str(theirs)
            lenient |= "combination of arguments" in str(theirs) or "complex32" in str(theirs)
            lenient |= "ComplexHalf" in str(theirs)
            same = isinstance(ours, Exception) and isinstance(ours, RuntimeError | TypeError)
            if not (same or lenient):
                wrong.append(f"{where}: {ours}, torch raises {theirs!r}")
        elif isinstance(ours, Exception):
            if "complex32" not in str(ours):
                wrong.append(f"{where}: raises {ours!r}, torch {theirs}")
        elif ours[:2] != theirs[:2] or not np.allclose(
            ours[2], theirs[2], rtol=1e-6, equal_nan=True
        ):
            wrong.append(f"{where}: {ours}, torch {theirs}")
    assert not wrong, "\n".join(wrong[:20])


# -- single cases ----------------------------------------------------------------------------------

CASES = {
    "numbers make float32": lambda t: t.tensor([1, 2.5]),
    "truths and integers": lambda t: t.tensor([True, 2]),
    "integers and complex": lambda t: t.tensor([1, 2j]),
    "NumPy scalars keep their type": lambda t: t.tensor(np.float64(1.5)),
    "NumPy scalars of 32 bits": lambda t: t.tensor(np.int32(3)) + t.tensor(np.float16(2)),
    "NumPy scalar beside a tensor": lambda t: t.ones(2) * np.float64(0.1),
    "sum of integers": lambda t: t.ones(3, dtype=t.int8).sum(),
    "sum of truths": lambda t: t.tensor([True, True]).sum(),
    "sum in another type": lambda t: t.ones(3).sum(dtype=t.int16),
    "product of bytes": lambda t: t.full((9,), 3, dtype=t.uint8).prod(),
    "running sum": lambda t: t.ones(3, dtype=t.int16).cumsum(0),
    "bytes wrap": lambda t: t.tensor([1, 200], dtype=t.uint8) - t.tensor([2, 1], dtype=t.uint8),
    "bytes wrap up": lambda t: t.tensor([200], dtype=t.uint8) * 2,
    "int32 wraps": lambda t: t.tensor([2**31 - 1], dtype=t.int32) + 1,
    "int64 wraps": lambda t: t.tensor([2**62]) * 4,
    "minus of bytes": lambda t: -t.tensor([1, 2], dtype=t.uint8),
    "powers wrap": lambda t: t.tensor([7], dtype=t.int8) ** 5,
    "powers of tensors": lambda t: t.tensor([2, 1, -1, 3]) ** t.tensor([-1, -2, -3, 2]),
    "number to tensor powers": lambda t: 2 ** t.tensor([1, 2, 3]),
    "float powers of integers": lambda t: t.tensor([4, 9]) ** 0.5,
    "quotients of integers": lambda t: t.tensor([7, -7]) / 2,
    "whole quotients": lambda t: t.tensor([7, -7]) // t.tensor([2, 2]),
    "whole quotients of floats": lambda t: t.tensor([7.5, -7.5]) // 2,
    "remainders": lambda t: t.tensor([7, -7]) % 3,
    "remainders of floats": lambda t: t.tensor([7.5, -7.5, 1.0]) % -2,
    "truncated": lambda t: t.div(t.tensor([7, -7]), 2, rounding_mode="trunc"),
    "inverse of bits": lambda t: ~t.tensor([0, 5, 255], dtype=t.uint8),
    "inverse of truths": lambda t: ~t.tensor([True, False]),
    "shifts": lambda t: (t.tensor([1, -8]) << 2) + (t.tensor([1, -8]) >> 1) + (1 << t.tensor([3])),
    "integers below a float": lambda t: t.tensor([1, 2, 3]) < 2.5,
    "where of numbers": lambda t: t.where(t.tensor([True, False]), 1, 2.0),
    "where of a type and a number": lambda t: t.where(
        t.tensor([True, False]), t.tensor([1, 2]), 0.5
    ),
    "to integers": lambda t: t.tensor([1.9, -1.9, 300.0]).to(t.int16),
    "to bytes": lambda t: t.tensor([1.9, -1.0, 300.0]).to(t.uint8),
    "to truths": lambda t: t.tensor([0.0, 0.1, float("nan")]).bool(),
    "infinite to int64": lambda t: t.tensor([float("inf"), -float("inf"), float("nan")]).long(),
    "large to int32": lambda t: t.tensor([3e9, -3e9]).int(),
    "wide to narrow": lambda t: t.tensor([2**40 + 5, -1]).to(t.int8),
    "unsigned": lambda t: t.tensor([1, 2**16 - 1], dtype=t.uint16),
    "unsigned of 32 bits": lambda t: t.tensor([1, 2**32 - 1], dtype=t.uint32).to(t.int64),
    "unsigned of 64 bits": lambda t: t.tensor([7], dtype=t.uint64).float(),
    "mean of halves": lambda t: t.ones(3, dtype=t.float16).mean(),
    "mean of complex": lambda t: t.tensor([1j, 2]).mean(),
}
RAISING = {
    "mean of integers": lambda t: t.arange(3).mean(),
    "negative power": lambda t: t.tensor([2]) ** -1,
    "division by zero": lambda t: t.tensor([2]) // 0,
    "minus of truths": lambda t: t.tensor([True]) - t.tensor([True]),
    "minus a truth": lambda t: t.tensor([2.0]) - t.tensor([True]),
    "negative of truths": lambda t: -t.tensor([True]),
    "float into integers": lambda t: t.tensor([1]).add_(1.5),
    "quotient into integers": lambda t: t.tensor([1]).div_(2),
    "bits of floats": lambda t: t.tensor([1.0]) & t.tensor([1.0]),
    "inverse of floats": lambda t: ~t.tensor([1.0]),
    "unsigned and signed": lambda t: t.promote_types(t.uint16, t.int16),
    "product of two types": lambda t: t.ones(2, 2) @ t.ones(2, 2, dtype=t.float64),
    "default type of integers": lambda t: t.set_default_dtype(t.int64),
    "integers that learn": lambda t: t.tensor([1], requires_grad=True),
}


@pytest.mark.parametrize("name", CASES)
def test_result(name):
    theirs, ours = (CASES[name](t) for t in BOTH)
    assert (str(ours.dtype), ours.shape) == (str(theirs.dtype), theirs.shape)
    np.testing.assert_allclose(ours.tolist(), theirs.tolist(), rtol=1e-6)


@pytest.mark.parametrize("name", RAISING)
def test_error(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, ours = (error_of(lambda t=t: RAISING[name](t)) for t in BOTH)
    assert theirs is not None, "torch raises nothing here"
    assert ours is not None and issubclass(ours, theirs), (ours, theirs)


@pytest.mark.parametrize("kind", ["float64", "bfloat16", "float16"])
def test_the_default_type(kind):
    found = []
    for t in BOTH:
        t.set_default_dtype(getattr(t, kind))
        try:
            made = [t.tensor(1.5), t.tensor([1, 2]) * 1.5, t.tensor([1, 2]) / 2, t.ones(1),
                    t.rand(1), t.arange(0.0, 1.0, 0.5), t.full((1,), 2.0)]  # fmt: skip
            if kind == "float64":  # the halves have no complex numbers to go with
                made += [t.tensor(1j), t.ones(1) * 1j]
            found.append([str(x.dtype) for x in made] + [repr(made[0]), str(t.finfo())])
        finally:
            t.set_default_dtype(t.float32)
    assert found[0] == found[1]


# -- Python integers that an integer type does not hold --------------------------------------------

OVERFLOWING = {
    "add": lambda t, x, n: x + n,
    "sub": lambda t, x, n: n - x,
    "mul": lambda t, x, n: x * n,
    "lt": lambda t, x, n: x < n,
    "floor_divide": lambda t, x, n: x // n,
    "and": lambda t, x, n: x & n,
    "add_": lambda t, x, n: x.add_(n),
    "clamp": lambda t, x, n: t.clamp(x, max=n),
    "where": lambda t, x, n: t.where(x > 1, x, n),
    "fill_": lambda t, x, n: x.fill_(n),
    "masked_fill": lambda t, x, n: x.masked_fill(x > 1, n),
    "full_like": lambda t, x, n: t.full_like(x, n),
    "x[0] =": lambda t, x, n: x.__setitem__(0, n) or x,
}


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "int32"])
@pytest.mark.parametrize("number", [300, -300, -1, 2**31, 2**40])
def test_integers_too_large_wrap_as_operands_and_are_refused_as_elements(kind, number):
    for name, program in OVERFLOWING.items():
        told = []
        for library in BOTH:
            x = library.tensor([1, 2, 3], dtype=getattr(library, kind))
            try:
                y = program(library, x, number)
                told.append((str(y.dtype), y.tolist()))
            except RuntimeError:
                told.append("refused")
        assert told[0] == told[1], name

"""Functions of every element type, at edges too: values, types and errors beside torch."""

import itertools
import warnings

import numpy as np
import pytest
import torch
from side_by_side import BOTH, agree, array, tally

INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
FLOATS = ("float16", "float32", "float64")
TYPES = ("bool", *INTEGERS, *FLOATS)
TOLERANCE = {"float16": (4e-3, 1e-3), "float32": (1e-5, 1e-6), "float64": (1e-11, 1e-12)}

NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, 0.99, -7.3, 31.0, 1e-3,
           float("inf"), -float("inf"), float("nan")]  # fmt: skip
WHOLE = {"uint8": [0, 1, 2, 7, 200], "bool": [True, False]}


def words(text):
    """The names in a text."""
    return text.split()


def values(t, kind, shape=None):
    """A tensor of a type with its awkward values, or of a shape without."""
    if shape is not None:
        n = int(np.prod(shape))
        x = (np.arange(n) * 7 % 11 - (0 if kind == "uint8" else 4)).reshape(shape)
        return t.tensor(x.tolist(), dtype=getattr(t, kind)).reshape(shape)
    given = NUMBERS if kind in FLOATS else WHOLE.get(kind, [0, 1, -1, 2, 7, -3])
    return t.tensor(given, dtype=getattr(t, kind))


def outcome(action, t):
    """The results as a list of (type, array), or the class of the error."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            y = action(t)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        return type(error)
    parts = y if isinstance(y, tuple | list) else [y]
    return [(str(getattr(p, "dtype", type(p).__name__)),
             array(p) if hasattr(p, "dtype") else np.asarray(p)) for p in parts]  # fmt: skip


def difference(ours, theirs):
    """What is different, or an empty string."""
    if theirs is NotImplementedError:  # torch merely lacks the type
        return ""
    if isinstance(ours, type) or isinstance(theirs, type):
        both = isinstance(ours, type) and isinstance(theirs, type)
        same = both and issubclass(ours, theirs)  # "not implemented" is a RuntimeError too
        return "" if same else f"{str(ours)[:60]} | torch {str(theirs)[:60]}"
    if [d for d, _ in ours] != [d for d, _ in theirs]:
        return f"types {[d for d, _ in ours]} | torch {[d for d, _ in theirs]}"
    for (_, a), (_, b) in zip(ours, theirs, strict=True):
        if a.shape != b.shape:
            return f"shapes {a.shape} | torch {b.shape}"
        rtol, atol = TOLERANCE.get(a.dtype.name, (0, 0))
        same = np.isclose(a.astype(float), b.astype(float), rtol, atol, equal_nan=True)
        if not same.all():
            places = np.argwhere(~same).tolist()[:4]
            return f"{a[~same].tolist()[:4]} | torch {b[~same].tolist()[:4]} at {places}"
    return ""


def compared(cases):
    """Run every case on both libraries; the list of those that differ."""
    wrong = []
    for what, action in cases:
        theirs, ours = (outcome(action, t) for t in BOTH)
        found = difference(ours, theirs)
        if found:
            wrong.append(f"{what}: {found}")
        tally["functions by type beside torch"] += 1
    return wrong


UNARY = words(
    "abs absolute acos acosh arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh "
    "bitwise_not ceil cos cosh deg2rad digamma erf erfc erfinv exp exp2 expm1 fix floor frac "
    "frexp i0 isfinite isinf isnan isneginf isposinf isreal lgamma log log10 log1p log2 "
    "logical_not logit nan_to_num neg negative positive rad2deg reciprocal round rsqrt sgn "
    "sigmoid sign signbit sin sinc sinh sqrt square tan tanh trunc count_nonzero is_signed "
    "median nanmedian nansum nanmean aminmax sum prod mean all any amax amin argmax argmin std var "
    "unique_consecutive"
)
SPECIAL = words(
    "digamma entr erf erfc erfcx erfinv exp2 expit expm1 gammaln i0 i0e i1 i1e log1p log_ndtr "
    "logit ndtr ndtri psi round sinc"
)


@pytest.mark.parametrize("name", UNARY)
def test_of_one_tensor(name):
    cases = []
    for kind in TYPES:
        cases.append((f"{name} {kind}", lambda t, k=kind: getattr(t, name)(values(t, k))))
        cases.append((f"{name} {kind} 0-d", lambda t, k=kind: getattr(t, name)(values(t, k)[1])))
        cases.append((f"{name} {kind} empty", lambda t, k=kind: getattr(t, name)(values(t, k)[:0])))
    wrong = compared(cases)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", SPECIAL)
def test_of_torch_special(name):
    f = lambda t, k: getattr(t.special, name)(values(t, k))  # noqa: E731
    wrong = compared([(f"special.{name} {k}", lambda t, k=k: f(t, k)) for k in TYPES])
    assert not wrong, "\n".join(wrong)


BINARY = words(
    "add sub mul div floor_divide remainder fmod pow float_power maximum minimum fmax fmin atan2 "
    "arctan2 hypot copysign gcd lcm heaviside nextafter ldexp logaddexp logaddexp2 xlogy "
    "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift logical_and "
    "logical_or logical_xor eq ne lt le gt ge greater less_equal not_equal divide multiply "
    "subtract true_divide rsub clamp_min clamp_max dist isclose igamma"
)
# Here a Python number may stand for a tensor too, as NumPy has it.
NUMBERS_TOO = ("maximum", "minimum", "logical_and", "logical_or", "logical_xor")
PAIRS = [*((k, k) for k in TYPES), ("int32", "float32"), ("float32", "int64"), ("bool", "int8"),
         ("float16", "float32"), ("float64", "float32"), ("uint8", "int8")]  # fmt: skip
SCALARS = (2, -1, 2.5)


def operands(t, a, b):
    """Every value of one against every value of the other, but for shifts beyond the width."""
    return values(t, a).reshape(-1, 1), values(t, b).reshape(1, -1)


def finite(t, a, b):
    """Small finite values alone."""
    return values(t, a)[:10].reshape(-1, 1), values(t, b)[:10].reshape(1, -1)


def one_divisor(t, a, b):
    """Every value beside one that is not zero."""
    i = 2 if b in FLOATS else 0 if b == "bool" else 1
    return values(t, a), values(t, b)[i]


CHOSEN = {
    **dict.fromkeys(["igamma", "ldexp"], finite),
    **dict.fromkeys(["floor_divide", "remainder", "fmod", "pow", "div"], one_divisor),
    **dict.fromkeys(["bitwise_left_shift", "bitwise_right_shift"], one_divisor),
}


@pytest.mark.parametrize("name", BINARY)
def test_of_two_tensors(name):
    cases = []
    given = CHOSEN.get(name, operands)
    for a, b in PAIRS:
        cases.append((f"{name} {a} {b}", lambda t, a=a, b=b: getattr(t, name)(*given(t, a, b))))
    for a, s in itertools.product(TYPES, () if name in NUMBERS_TOO else SCALARS):
        cases.append((f"{name} {a} {s}", lambda t, a=a, s=s: getattr(t, name)(values(t, a), s)))
    wrong = compared(cases)
    assert not wrong, "\n".join(wrong)


def table(t, kind):
    """Two rows of numbers, with ties."""
    return values(t, kind, (2, 6))


# What takes dimensions, weights or counts: each of every type.
WITH_ARGUMENTS = {
    "sum dim dtype": lambda t, k: t.sum(table(t, k), 1, dtype=t.float64),
    "sum dims": lambda t, k: t.sum(table(t, k), (0, 1), keepdim=True),
    "mean dim": lambda t, k: t.mean(table(t, k), 0),
    "mean dtype": lambda t, k: t.mean(table(t, k), dtype=t.float32),
    "prod dim": lambda t, k: t.prod(table(t, k), 1, keepdim=True),
    "prod dtype": lambda t, k: t.prod(table(t, k), dtype=t.float64),
    "all dim": lambda t, k: t.all(table(t, k), 1),
    "all dims": lambda t, k: t.all(table(t, k), (0, 1), keepdim=True),
    "any dims": lambda t, k: t.any(table(t, k), (0, 1)),
    "amax dims": lambda t, k: t.amax(table(t, k), (0, 1)),
    "aminmax dim": lambda t, k: t.aminmax(table(t, k), dim=1, keepdim=True),
    "max dim": lambda t, k: t.max(table(t, k), 1),
    "max NaN": lambda t, k: t.max(values(t, k), 0),
    "min dim": lambda t, k: t.min(table(t, k), 0, True),
    "max other": lambda t, k: t.max(table(t, k), table(t, k).flip(1)),
    "cummax": lambda t, k: t.cummax(table(t, k), 1),
    "cummin": lambda t, k: t.cummin(values(t, k), 0),
    "cumprod": lambda t, k: t.cumprod(table(t, k), 1),
    "cumprod dtype": lambda t, k: t.cumprod(table(t, k), 1, dtype=t.float64),
    "cumsum": lambda t, k: t.cumsum(table(t, k), 0),
    "logcumsumexp": lambda t, k: t.logcumsumexp(table(t, k), 1),
    "logcumsumexp infinities": lambda t, k: t.logcumsumexp(-values(t, k), 0),
    "logsumexp": lambda t, k: t.logsumexp(table(t, k), (0, 1)),
    "count_nonzero": lambda t, k: t.count_nonzero(table(t, k), (0, 1)),
    "count_nonzero dim": lambda t, k: t.count_nonzero(table(t, k), dim=1),
    "median dim": lambda t, k: t.median(table(t, k), 1).values,
    "median NaN": lambda t, k: t.median(values(t, k), 0),
    "nanmedian dim": lambda t, k: t.nanmedian(values(t, k), 0, True).values,
    "mode": lambda t, k: t.mode(table(t, k), 1),
    "mode keepdim": lambda t, k: t.mode(values(t, k)[:9], 0, True),
    "kthvalue": lambda t, k: t.kthvalue(table(t, k), 2, 1).values,
    "kthvalue last": lambda t, k: t.kthvalue(values(t, k), 2, keepdim=True).values,
    "kthvalue too many": lambda t, k: t.kthvalue(table(t, k), 9),
    "median of nothing": lambda t, k: t.median(table(t, k)[:0], 0),
    "quantile": lambda t, k: t.quantile(table(t, k), 0.3),
    "quantile dim": lambda t, k: t.quantile(table(t, k), 0.7, dim=0),
    "quantile several": lambda t, k: t.quantile(table(t, k), t.tensor([0.1, 0.5, 1.0], dtype=getattr(t, k)), dim=1, keepdim=True),  # noqa: E501
    "quantile NaN": lambda t, k: t.quantile(values(t, k), 0.5),
    "nanquantile": lambda t, k: t.nanquantile(values(t, k), 0.4),
    "quantile higher": lambda t, k: t.quantile(table(t, k), 0.3, interpolation="higher"),
    "quantile nearest": lambda t, k: t.quantile(table(t, k), 0.3, dim=1, interpolation="nearest"),
    "quantile wrong": lambda t, k: t.quantile(table(t, k), 1.5),
    "quantile of cubes": lambda t, k: t.quantile(values(t, k, (2, 3, 4)), 0.3, dim=1),
    "quantile of cubes kept": lambda t, k: t.quantile(values(t, k, (2, 3, 4)), t.tensor([0.3, 0.4], dtype=getattr(t, k)), dim=0, keepdim=True),  # noqa: E501
    "nansum dim": lambda t, k: t.nansum(values(t, k), 0),
    "nanmean dim": lambda t, k: t.nanmean(values(t, k), 0, True),
    "std_mean": lambda t, k: t.std_mean(table(t, k), 1),
    "var_mean": lambda t, k: t.var_mean(table(t, k), 1, correction=0, keepdim=True),
    "var_mean unbiased": lambda t, k: t.var_mean(table(t, k), unbiased=False),
    "var of one": lambda t, k: t.var(table(t, k)[:1, 0]),
    "cov": lambda t, k: t.cov(table(t, k)),
    "cov weights": lambda t, k: t.cov(table(t, k), correction=0, fweights=t.tensor([1, 2, 1, 1, 3, 1])),  # noqa: E501
    "corrcoef": lambda t, k: t.corrcoef(table(t, k)),
    "corrcoef of a row": lambda t, k: t.corrcoef(table(t, k)[0]),
    "cov of a row": lambda t, k: t.cov(table(t, k)[0]),
    "histc": lambda t, k: t.histc(table(t, k), bins=4, min=-2, max=3),
    "histc own range": lambda t, k: t.histc(table(t, k), 5),
    "histogram": lambda t, k: t.histogram(table(t, k), 4),
    "histogram edges": lambda t, k: t.histogram(table(t, k), t.tensor([-3, 0, 2, 6], dtype=getattr(t, k)), density=True),  # noqa: E501
    "histogram weights": lambda t, k: t.histogram(table(t, k), 3, range=(-2.0, 4.0), weight=table(t, k)),  # noqa: E501
    "histogramdd": lambda t, k: t.histogramdd(values(t, k, (7, 2)), [3, 2]).hist,
    "histogramdd edges": lambda t, k: t.histogramdd(values(t, k, (7, 2)), 3, range=[-5.0, 7.0, -4.0, 8.0], weight=values(t, k, (7,)), density=True).bin_edges,  # noqa: E501
    "bincount": lambda t, k: t.bincount(table(t, k).abs().flatten(), minlength=12),
    "bincount weights": lambda t, k: t.bincount(t.tensor([0, 2, 2]), weights=values(t, k)[:1].expand(3)),  # noqa: E501
    "norm": lambda t, k: t.norm(table(t, k), 3, 1),
    "renorm": lambda t, k: t.renorm(table(t, k), 2, 0, 1.5),
    "msort": lambda t, k: t.msort(table(t, k)),
    "sort": lambda t, k: t.sort(table(t, k), dim=1, stable=True),
    "sort down": lambda t, k: t.sort(table(t, k), dim=1, descending=True, stable=True),
    "sort NaN": lambda t, k: t.sort(values(t, k), stable=True),
    "argsort": lambda t, k: t.argsort(table(t, k), dim=0, descending=True, stable=True),
    "topk": lambda t, k: t.topk(table(t, k), 3, largest=False).values,
    "topk too many": lambda t, k: t.topk(table(t, k), 7),
    "unique": lambda t, k: t.unique(table(t, k), return_inverse=True, return_counts=True),
    "unique dim": lambda t, k: t.unique(table(t, k), dim=1, return_inverse=True),
    "unique_consecutive": lambda t, k: t.unique_consecutive(table(t, k) // 3 if k != "bool" else table(t, k), return_inverse=True, return_counts=True),  # noqa: E501
    "unique_consecutive dim": lambda t, k: t.unique_consecutive(table(t, k), dim=0),
    "searchsorted": lambda t, k: t.searchsorted(table(t, k).sort(1).values, table(t, k)),
    "searchsorted right": lambda t, k: t.searchsorted(table(t, k)[0].sort().values, table(t, k), right=True, out_int32=True),  # noqa: E501
    "searchsorted number": lambda t, k: t.searchsorted(table(t, k)[0].sort().values, 3, side="right"),  # noqa: E501
    "bucketize": lambda t, k: t.bucketize(table(t, k), table(t, k)[0].sort().values),
    "diff": lambda t, k: t.diff(table(t, k), 2),
    "diff ends": lambda t, k: t.diff(table(t, k), prepend=table(t, k)[:, :1], append=table(t, k)),
    "trapezoid": lambda t, k: t.trapezoid(table(t, k), dx=2),
    "trapezoid x": lambda t, k: t.trapezoid(table(t, k), table(t, k), dim=0),
    "cumulative_trapezoid": lambda t, k: t.cumulative_trapezoid(table(t, k)),
    "gradient": lambda t, k: t.gradient(table(t, k).clone()),
    "gradient second": lambda t, k: t.gradient(table(t, k)[0], spacing=2.0, edge_order=2),
    "round decimals": lambda t, k: t.round(table(t, k) * 1.2345, decimals=2),
    "clamp": lambda t, k: t.clamp(table(t, k), 1, 3),
    "clip": lambda t, k: t.clip(table(t, k), max=2.5),
    "lerp": lambda t, k: t.lerp(table(t, k), table(t, k).flip(1), 0.75),
    "addcmul": lambda t, k: t.addcmul(table(t, k), table(t, k), table(t, k), value=2),
    "addcdiv": lambda t, k: t.addcdiv(table(t, k), table(t, k), table(t, k) + 20, value=2),
    "add alpha": lambda t, k: t.add(table(t, k), table(t, k), alpha=3),
    "sub alpha": lambda t, k: t.subtract(table(t, k), table(t, k), alpha=3),
    "rsub alpha": lambda t, k: t.rsub(table(t, k), 2, alpha=3),
    "div floor": lambda t, k: t.divide(table(t, k), 2, rounding_mode="floor"),
    "div trunc": lambda t, k: t.div(table(t, k), -2, rounding_mode="trunc"),
    "div wrong": lambda t, k: t.div(table(t, k), 2, rounding_mode="up"),
    "nan_to_num": lambda t, k: t.nan_to_num(values(t, k), 1.0, 2.0, -3.0),
    "logit": lambda t, k: t.logit(values(t, k), eps=0.1),
    "polygamma": lambda t, k: t.polygamma(2, values(t, k)[2:3].abs() + 1),
    "mvlgamma": lambda t, k: t.mvlgamma(values(t, k)[2:3].abs() + 2, 2),
    "softmax": lambda t, k: t.special.softmax(table(t, k), 1, dtype=t.float64),
    "xlog1py": lambda t, k: t.special.xlog1py(table(t, k), 2.5),
    "isin": lambda t, k: t.isin(table(t, k), table(t, k)[:1, :2]),
    "equal": lambda t, k: t.equal(table(t, k), table(t, k)),
    "allclose": lambda t, k: t.allclose(values(t, k), values(t, k), equal_nan=True),
    "is_nonzero": lambda t, k: t.is_nonzero(values(t, k)[:1]),
    "fill": lambda t, k: t.fill(table(t, k), 3),
    "sum_to_size": lambda t, k: table(t, k).sum_to_size(1, 6),
    "out": lambda t, k: t.cumprod(table(t, k), 1, out=t.empty(0, dtype=t.float64)),
    "heaviside": lambda t, k: t.heaviside(values(t, k), values(t, k)[:1]),
}  # fmt: skip


@pytest.mark.parametrize("name", WITH_ARGUMENTS)
def test_with_arguments(name):
    wrong = compared([(f"{name} {k}", lambda t, k=k: WITH_ARGUMENTS[name](t, k)) for k in TYPES])
    assert not wrong, "\n".join(wrong)


IN_PLACE = words(
    "abs_ absolute_ acos_ acosh_ asinh_ atanh_ arctan_ arcsin_ ceil_ cos_ deg2rad_ digamma_ erf_ "
    "erfc_ erfinv_ exp_ exp2_ fix_ floor_ frac_ i0_ lgamma_ log_ logit_ nan_to_num_ neg_ "
    "negative_ rad2deg_ reciprocal_ relu_ round_ rsqrt_ sgn_ sigmoid_ sign_ sin_ sinc_ sqrt_ "
    "square_ tan_ tanh_ trunc_ logical_not_ zero_"
)
IN_PLACE_WITH = words(
    "add_ sub_ mul_ div_ floor_divide_ remainder_ fmod_ pow_ float_power_ atan2_ arctan2_ hypot_ "
    "copysign_ gcd_ lcm_ nextafter_ ldexp_ xlogy_ bitwise_and_ bitwise_or_ bitwise_xor_ "
    "bitwise_left_shift_ logical_and_ logical_or_ logical_xor_ eq_ ne_ lt_ le_ gt_ ge_ greater_ "
    "less_equal_ not_equal_ divide_ multiply_ subtract_ true_divide_ clamp_min_ clamp_max_ "
    "heaviside_ fill_ igamma_"
)


def changed(t, x, name, *operands):
    """What a method in place leaves, which must be the tensor itself."""
    assert getattr(x, name)(*operands) is x
    return x


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    assert not hasattr(torch, name) or hasattr(BOTH[1], name)
    cases = [(f"{name} {k}", lambda t, k=k: changed(t, values(t, k), name)) for k in TYPES]
    wrong = compared(cases)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", IN_PLACE_WITH)
def test_in_place_with_another(name):
    cases = []
    for a, b in PAIRS:
        cases.append(
            (
                f"{name} {a} {b}",
                lambda t, a=a, b=b: changed(
                    t,
                    values(t, a)[:5],
                    name,
                    values(t, b)[2 if b in FLOATS else 0 if b == "bool" else 1],
                ),
            )
        )
    wrong = compared(cases)
    assert not wrong, "\n".join(wrong)


X = np.random.default_rng(3).normal(size=(2, 4))
TIES = np.array([[1.0, 3.0, 3.0, 2.0], [3.0, 0.0, 0.0, 0.0]])


@pytest.mark.parametrize(
    "program",
    [
        lambda t, x: x.max(),
        lambda t, x: x.amin(1),
        lambda t, x: x.max(1).values,
        lambda t, x: x.aminmax(),
        lambda t, x: x.aminmax(dim=1),
        lambda t, x: x.median(),
        lambda t, x: x.nanmedian(),
        lambda t, x: t.maximum(x, x.flip(1)),
        lambda t, x: t.fmax(x, x.flip(1)),
        lambda t, x: t.fmin(x, x.flip(0)),
        lambda t, x: x.cummax(1).values,
        lambda t, x: x.cummin(0).values,
        lambda t, x: x.clamp(0.0, 3.0),
        lambda t, x: x.clamp_min(3.0),
        lambda t, x: x.cumprod(1),
        lambda t, x: x.logcumsumexp(1),
        lambda t, x: t.xlogy(x, x),
        lambda t, x: (x * 1).eq_(3.0) * 2,
        lambda t, x: (x * 1).gt_(x.detach()) * 2,
        lambda t, x: t.atan2(x * 0, x * 0),
        lambda t, x: x.copysign(-x),
        lambda t, x: t._foreach_mul([x, x[0]], 2.0)[1],
        lambda t, x: t._foreach_lerp([x], [x * 2], 0.25)[0],
        lambda t, x: t._foreach_norm([x], 1)[0],
    ],
)
def test_gradients_where_elements_are_equal(program):
    outcome = agree(program, [TIES], order=1)
    assert outcome.error is None, outcome.error


NUMPY_NAMES = (
    lambda t, x: x.max(axis=1, keepdims=True).values,
    lambda t, x: t.std(x, axis=0, keepdims=True),
    lambda t, x: x.var(axis=0),
    lambda t, x: t.sort(x, axis=0).indices,
    lambda t, x: t.median(x, axis=1).values,
    lambda t, x: t.quantile(x, 0.5, axis=0, keepdims=True),
    lambda t, x: t.argsort(x, axis=0),
    lambda t, x: t.count_nonzero(x, axis=0),
    lambda t, x: t.diff(x, axis=0),
    lambda t, x: t.nansum(x, axis=0),
    lambda t, x: x.sum(axis=(0, 1)),
    lambda t, x: t.cumprod(x, axis=1),
)


def test_keywords_as_numpy_spells_them():
    cases = [(i, lambda t, f=f: f(t, table(t, "float64"))) for i, f in enumerate(NUMPY_NAMES)]
    assert not compared(cases)

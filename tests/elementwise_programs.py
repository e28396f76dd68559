"""Elementwise methods and second names without a card of their own: merged into OWN, or excused."""

import numpy as np

RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3))
SMALL = X / 9
ABOVE_ONE = np.abs(X) + 1.5


def called(name):
    """``x.name()``."""
    return lambda t, x: getattr(x, name)()


def changed(name, *operands):
    """``x.name_(...)`` on a copy."""
    return lambda t, x, *more: getattr(x * 1, name)(*more, *operands)


# name: a program of (library, tensors) and its arrays
METHODS = {
    "arccosh": (called("arccosh"), [ABOVE_ONE]),
    "arcsinh": (called("arcsinh"), [X]),
    "arctanh": (called("arctanh"), [SMALL]),
    "arctan2": (lambda t, x, y: x.arctan2(y), [X, Y]),
    "fix": (called("fix"), [X]),
    "frexp": (lambda t, x: x.frexp().mantissa, [X]),
    "arccos_": (changed("arccos_"), [SMALL]),
    "arcsin_": (changed("arcsin_"), [SMALL]),
    "arctan_": (changed("arctan_"), [X]),
    **{  # torch has no derivative of these
        name: (lambda t, x, n=name: getattr((x * 1).detach(), n)(), [array])
        for name, array in {
            "acosh_": ABOVE_ONE,
            "asinh_": X,
            "atanh_": SMALL,
            "arccosh_": ABOVE_ONE,
            "arcsinh_": X,
            "arctanh_": SMALL,
        }.items()
    },
    "arctan2_": (changed("arctan2_"), [X, Y]),
    "fix_": (changed("fix_"), [X]),
    "igamma_": (lambda t, x: (x * 0 + 2).detach().igamma_(x), [ABOVE_ONE]),
    "igammac_": (lambda t, x: (x * 0 + 2).detach().igammac_(x), [ABOVE_ONE]),
    "float_power_": (changed("float_power_", 2), [ABOVE_ONE]),
    "polygamma": (lambda t, x: x.polygamma(1), [ABOVE_ONE]),
    "polygamma_": (changed("polygamma_", 1), [ABOVE_ONE]),
    "true_divide_": (changed("true_divide_"), [X, ABOVE_ONE]),
    "sum_to_size": (lambda t, x: [x.sum_to_size(1, 3), x.sum_to_size(3), x * 1], [X]),
    "eq_": (changed("eq_", 0.5), [X]),
    "greater_": (changed("greater_", 0.5), [X]),
    "greater_equal_": (changed("greater_equal_", 0.5), [X]),
    "less_": (changed("less_", 0.5), [X]),
    "less_equal_": (changed("less_equal_", 0.5), [X]),
    "not_equal_": (changed("not_equal_", 0.5), [X]),
}

# Functions alone, and functions under a second name.
FUNCTIONS = {
    "arccosh": (lambda t, x: t.arccosh(x), [ABOVE_ONE]),
    "arcsinh": (lambda t, x: t.arcsinh(x), [X]),
    "arctanh": (lambda t, x: t.arctanh(x), [SMALL]),
    "arctan2": (lambda t, x, y: t.arctan2(x, y), [X, Y]),
    "dropout_": (lambda t, x: [t.manual_seed(3), t.dropout_(x * 1, 0.4, True)][1], [X]),
    "trapz": (lambda t, x: t.trapz(x, dx=0.5), [X]),
    "frexp": (lambda t, x: t.frexp(x)[0], [X]),
}  # fmt: skip

# What has no derivative, and why.
EXCUSES = {
    **dict.fromkeys(["is_nonzero", "is_same_size", "is_signed"], "query"),
    **dict.fromkeys(["count_nonzero", "searchsorted", "bucketize"], "integers"),
    **dict.fromkeys(["unique_consecutive"], "integers"),
    **dict.fromkeys(["histc", "histogram", "histogramdd"], "counts"),
    **dict.fromkeys(["heaviside", "heaviside_", "nextafter", "nextafter_"], "steps"),
    **dict.fromkeys(["positive"], "the tensor itself"),
    **dict.fromkeys(["logical_and_", "logical_or_", "logical_xor_"], "logic"),
    **dict.fromkeys(
        ["binomial", "poisson", "cauchy_", "geometric_", "log_normal_"], "random"
    ),
    **dict.fromkeys(["__rlshift__", "__rrshift__", "__ilshift__", "__irshift__"], "integers"),
}  # fmt: skip

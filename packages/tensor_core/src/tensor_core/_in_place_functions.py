"""``torch.relu_(x)`` and its like: Tensor's in-place methods as functions of the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._tensor import Tensor

NAMES: tuple[str, ...] = (
    "abs_", "acos_", "acosh_", "arccos_", "arccosh_", "arcsin_", "arcsinh_", "arctan_",
    "arctanh_", "asin_", "asinh_", "atan_", "atanh_", "ceil_", "clamp_", "clamp_max_",
    "clamp_min_", "clip_", "cos_", "cosh_", "deg2rad_", "detach_", "erf_", "erfc_", "exp_",
    "exp2_", "expm1_", "fill_", "fix_", "floor_", "frac_", "gcd_", "i0_", "lcm_", "ldexp_",
    "log_", "log10_", "log1p_", "log2_", "logit_", "nan_to_num_", "neg_", "negative_",
    "rad2deg_", "reciprocal_", "relu_", "round_", "rsqrt_", "sigmoid_", "sin_", "sinc_", "sinh_",
    "sqrt_", "square_", "tan_", "tanh_", "trunc_", "xlogy_", "zero_", "addmv_", "as_strided_",
    "conj_physical_", "index_put_", "resize_as_",
)  # fmt: skip

_EXAMPLE = """

>>> import tensor_core as torch
>>> x = torch.tensor([0.5])
>>> torch.{name}(x{more}) is x
True
"""
_MORE = {
    **dict.fromkeys(["clamp_", "clip_"], ", 0, 1"),
    **dict.fromkeys(["clamp_max_", "clamp_min_", "fill_"], ", 1"),
    **dict.fromkeys(["ldexp_", "resize_as_", "xlogy_"], ", torch.tensor([1.0])"),
    "addmv_": ", torch.ones(1, 1), torch.ones(1)",
    "as_strided_": ", (1,), (1,)",
    "index_put_": ", (torch.tensor([0]),), torch.tensor([1.0])",
}
_WHOLE = """

>>> import tensor_core as torch
>>> torch.{name}(torch.tensor([4]), torch.tensor([6]))
tensor([{result}])
"""


def _function(name: str) -> Callable[..., Tensor]:
    method = getattr(Tensor, name)

    def function(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if not isinstance(input, Tensor):
            raise TypeError(
                f"{name}(): argument 'input' (position 1) must be Tensor, "
                f"not {type(input).__name__}"
            )
        return method(input, *args, **kwargs)

    function.__name__ = function.__qualname__ = name
    if name in ("gcd_", "lcm_"):
        example = _WHOLE.format(name=name, result={"gcd_": 2, "lcm_": 12}[name])
    else:
        example = _EXAMPLE.format(name=name, more=_MORE.get(name, ""))
    function.__doc__ = f"In-place version of ``{name[:-1]}``; returns its argument.{example}"
    return function


def functions() -> dict[str, Callable[..., Tensor]]:
    """Every function of the table by name; wanted once Tensor has its methods."""
    return {name: _function(name) for name in NAMES}

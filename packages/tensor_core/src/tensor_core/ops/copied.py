"""The functions that copy where their namesakes make views."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor
from .parts import split, unbind
from .reshaping import narrow, t
from .slices import sliced
from .strided import as_strided, select, unfold_windows
from .view import alias, diagonal, expand, permute, squeeze, transpose, unsqueeze, view_op

_SHOWN = {
    "alias": "x", "as_strided": "x, (2,), (1,)", "diagonal": "x", "expand": "x, (1, 2)",
    "permute": "x, (0, 1)", "select": "x, 1, 0", "slice": "x, 1", "squeeze": "x", "t": "x",
    "transpose": "x, 0, 1", "unfold": "x, 0, 1, 1", "unsqueeze": "x, 0", "view": "x, (2,)",
    "detach": "x", "narrow": "x, 0, 0, 1", "split": "x, 1", "unbind": "x",
    "split_with_sizes": "x, [1]",
}  # fmt: skip


def _copy(name: str, view: Any) -> Any:
    def function(input: Tensor, *args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop("out", None)
        made = view(input, *args, **kwargs)
        if isinstance(made, tuple):
            return tuple(part.clone() for part in made)
        if out is not None:
            from .._op import write_out

            return write_out(made.clone(), out)
        return made.clone()

    function.__name__ = f"{name}_copy"
    function.__doc__ = f"""What ``{name}`` would show, in memory of its own.

    >>> import tensor_core as torch
    >>> x = torch.zeros(1, 2)
    >>> copied = torch.{name}_copy({_SHOWN[name]})
    """
    return function


alias_copy = _copy("alias", alias)
as_strided_copy = _copy("as_strided", as_strided)
detach_copy = _copy("detach", lambda x: x.detach())
diagonal_copy = _copy("diagonal", diagonal)
expand_copy = _copy("expand", expand)
narrow_copy = _copy("narrow", narrow)
permute_copy = _copy("permute", permute)
select_copy = _copy("select", select)
slice_copy = _copy("slice", sliced)
split_copy = _copy("split", split)
split_with_sizes_copy = _copy("split_with_sizes", split)
squeeze_copy = _copy("squeeze", squeeze)
t_copy = _copy("t", t)
transpose_copy = _copy("transpose", transpose)
unbind_copy = _copy("unbind", unbind)
unfold_copy = _copy("unfold", unfold_windows)
unsqueeze_copy = _copy("unsqueeze", unsqueeze)
view_copy = _copy("view", view_op)

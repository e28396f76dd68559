"""What torch calls the step that made a tensor, such as ``AddmmBackward0`` for a linear layer.

Where one op here stands for several of torch's, the shapes tell which it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

RENAMED = {
    "attention": "ScaledDotProductFlashAttentionForCpuBackward0",
    "batch_statistics_norm": "NativeBatchNormBackward0",
    "cast": "ToCopyBackward0",
    "conv": "ConvolutionBackward0",
    "copy": "CopyBackwards",
    "cross_entropy_mean": "NllLossBackward0",
    "dropout_mask": "MulBackward0",
    "euclidean_norm": "LinalgVectorNormBackward0",
    "layer_norm": "NativeLayerNormBackward0",
    "log1p": "Log1PBackward0",
    "max_dim": "MaxBackward0",
    "median_all": "MedianBackward0",
    "min_dim": "MinBackward0",
    "pad_constant": "ConstantPadNdBackward0",
    "replace_gaps": "NanToNumBackward0",
    "replace_view": "CopySlices",
    "reshape": "ViewBackward0",
    "row_major": "CloneBackward0",
    "square": "PowBackward0",
    "true_div": "DivBackward0",
}

Shape = tuple[int, ...]


def _reduced(name: str) -> Callable[[list[Shape], Shape], str]:
    """Of all elements, or along dimensions."""
    return lambda ins, out: f"{name}Backward{0 if not out else 1}"


def _extreme(whole: str, along: str) -> Callable[[list[Shape], Shape], str]:
    return lambda ins, out: f"{along if out else whole}Backward{0 if out else 1}"


def _indexed(shape: Shape, key: Any) -> str:
    """The last of the steps torch takes for a key, from left to right.

    >>> _indexed((3, 4), (0, slice(None, 2))), _indexed((3, 4), (slice(None), 0))
    ('SliceBackward0', 'SelectBackward0')
    """
    name, dim = "Slice", 0
    for k in key:
        if k is None:
            name = "Unsqueeze"
        elif k is Ellipsis:
            dim += len(shape) - sum(other is not None and other is not k for other in key)
        else:
            if not isinstance(k, slice):
                name = "Select"
            elif k.indices(shape[dim]) != (0, shape[dim], 1):
                name = "Slice"  # one over everything is no step
            dim += 1
    return f"{name}Backward0"


def _linear(ins: list[Shape], out: Shape) -> str:
    bias = any(len(shape) == 1 for shape in ins)
    if len(out) == 2:
        return "AddmmBackward0" if bias else "MmBackward0"
    return "ViewBackward0" if bias else "UnsafeViewBackward0"


def _matmul(ins: list[Shape], out: Shape) -> str:
    return {0: "DotBackward0", 1: "MvBackward0", 2: "MmBackward0"}.get(
        len(out), "UnsafeViewBackward0"
    )


BY_SHAPE: dict[str, Callable[[list[Shape], Shape], str]] = {
    "amax": _extreme("Max", "Amax"),
    "amin": _extreme("Min", "Amin"),
    "clamp": lambda ins, out: f"ClampBackward{1 if len(ins) == 1 else 0}",
    "linear": _linear,
    "matmul": _matmul,
    "mean": _reduced("Mean"),
    "pow": lambda ins, out: f"PowBackward{len(ins) - 1}",
    "squeeze": lambda ins, out: f"SqueezeBackward{1 if len(ins[0]) - len(out) == 1 else 0}",
    "sum": _reduced("Sum"),
}


def plain(op: str) -> str:
    """The name that follows from the op's alone.

    >>> plain("log_softmax"), plain("true_div")
    ('LogSoftmaxBackward0', 'DivBackward0')
    """
    return RENAMED.get(op) or "".join(p.capitalize() for p in op.split("_")) + "Backward0"


def of(tensor: Any) -> str:
    """The name of the step that made a tensor, as ``repr`` shows it."""
    node = tensor.grad_fn
    op = getattr(getattr(node, "op", None), "name", None)
    edges = getattr(node, "_edges", None)
    saved = getattr(node, "saved", None)
    if op == "slice_view" and saved:
        return _indexed(*saved)
    if op in BY_SHAPE and edges:
        return BY_SHAPE[op]([tuple(edge[1]) for edge in edges], tuple(tensor._a.shape))
    return node.name()

"""What ``autocast("cpu")`` changes while it is on: the types that some operations compute in.

Matrix products, convolutions and attention take their float32 inputs as bfloat16 (or float16),
losses take theirs as float32; float64 stays, and everything else goes by the types it meets.
While no block is on nothing here costs anything: an op is put in and taken out of its place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _dtypes
from .._card import registry
from .._tensor import Tensor

LOWER = (
    "matmul", "linear", "mm", "bmm", "addmm", "addbmm", "baddbmm", "attention", "einsum", "prelu",
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
)  # fmt: skip

FULL = (
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss",
    "cross_entropy", "ctc_loss", "hinge_embedding_loss", "huber_loss", "kl_div", "l1_loss",
    "margin_ranking_loss", "mse_loss", "multi_margin_loss", "multilabel_margin_loss", "nll_loss",
    "poisson_nll_loss", "prod", "cdist", "smooth_l1_loss", "soft_margin_loss", "trace",
    "triplet_margin_loss",
)  # fmt: skip

PLAIN = ("mv", "dot", "outer")  # products that torch leaves as they are

# torch rounds inside their steps, in places that depend on the library it was built with.
RECURRENT = ("rnn_layer", "gru_layer", "lstm_layer", "rnn_tanh_cell", "rnn_relu_cell", "gru_cell",
             "lstm_cell")  # fmt: skip

_kind: list[Any] = [None]  # the type products are computed in; None: no block is on
_replaced: list[tuple[Any, str, Any]] = []  # whose attribute is replaced, its name, what it was


def switch(kind: Any) -> Any:
    """Compute products in another type (``None``: in their own), and return what was before."""
    before, _kind[0] = _kind[0], kind
    if kind is not None and not _replaced:
        ways = ((LOWER, _lower), (FULL, _full), (PLAIN, _plain), (RECURRENT, _refuse))
        for names, way in ways:
            for card in (registry[name] for name in names if name in registry):
                _replace(card, "function" if hasattr(card, "function") else "__call__", way)
        for name, way in (("matmul", _lower), ("__matmul__", _lower), ("prod", _full)):
            _replace(Tensor, name, way)  # methods are ways of their own into an op
    elif kind is None:
        while _replaced:
            owner, place, call = _replaced.pop()
            setattr(owner, place, call)
    return before


def _replace(owner: Any, place: str, way: Callable[..., Any]) -> None:
    call = getattr(owner, place)

    def replacing(*args: Any, **kwargs: Any) -> Any:
        return call(*args, **kwargs) if _kind[0] is None else way(call, args, kwargs)

    _replaced.append((owner, place, call))
    setattr(owner, place, replacing)


def _cast(value: Any, kind: Any, kinds: Any) -> Any:
    if isinstance(value, Tensor):
        return value.to(kind) if value.dtype in kinds and value.dtype is not kind else value
    if isinstance(value, list | tuple):
        return type(value)(_cast(v, kind, kinds) for v in value)
    return value


_NARROW = (_dtypes.float32, _dtypes.float16, _dtypes.bfloat16)


def _lower(call: Any, args: Any, kwargs: Any) -> Any:
    if isinstance(args[0], list | tuple) and len(args[0]) == 1:
        return call(*args, **kwargs)  # einsum of one operand is no product
    return _inside(call, args, kwargs, _kind[0])


def _full(call: Any, args: Any, kwargs: Any) -> Any:
    return _inside(call, args, kwargs, _dtypes.float32)


def _inside(call: Any, args: Any, kwargs: Any, kind: Any) -> Any:
    """The call on inputs of one type; what it calls in its turn is left alone."""
    given = _cast(args, kind, _NARROW)
    named = {k: _cast(v, kind, _NARROW) for k, v in kwargs.items()}
    return _plain(call, given, named)


def _refuse(call: Any, args: Any, kwargs: Any) -> Any:
    if not any(isinstance(a, Tensor) and a.dtype in _NARROW for a in args):
        return call(*args, **kwargs)
    raise RuntimeError(
        f"{call.__name__.split('_')[0].upper()} inside torch.autocast('cpu') is not supported: "
        "Gradine cannot round its steps where torch does; put the layer into a block "
        "torch.autocast('cpu', enabled=False)"
    )


def _plain(call: Any, args: Any, kwargs: Any) -> Any:
    before, _kind[0] = _kind[0], None
    try:
        return call(*args, **kwargs)
    finally:
        _kind[0] = before

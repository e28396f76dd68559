"""ONNX export, which needs PyTorch."""

from __future__ import annotations

from typing import Any

from ._missing import missing

__all__ = ["export", "is_in_onnx_export"]


def export(model: Any, args: Any = (), f: Any = None, **options: Any) -> Any:
    """Raises RuntimeError: exporting needs PyTorch.

    The weights get there with ``torch.save(model.state_dict(), path)``, which PyTorch loads.
    """
    raise RuntimeError(
        "torch.onnx.export: Gradine cannot write ONNX; save the weights with "
        "torch.save(model.state_dict(), path), load them in PyTorch and export there"
    )


def is_in_onnx_export() -> bool:
    """Whether a model is being exported: never.

    >>> import tensor_core as torch
    >>> torch.onnx.is_in_onnx_export()
    False
    """
    return False


__getattr__ = missing(__name__)

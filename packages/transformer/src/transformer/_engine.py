"""The one place where ``torch`` is bound: ``tensor_core`` by default, PyTorch itself when asked.

Every module of this package is ordinary PyTorch code that begins with
``from transformer._engine import torch, nn, F``. The environment variable ``GRADINE_ENGINE``,
read once when this module is first imported, says whose ``torch`` that is.
"""

import os
from typing import TYPE_CHECKING

ENGINES = ("tensor_core", "torch")


def _chosen() -> str:
    """The engine ``GRADINE_ENGINE`` asks for; raises ValueError when there is no such engine."""
    name = os.environ.get("GRADINE_ENGINE") or "tensor_core"
    if name not in ENGINES:
        raise ValueError(
            f"GRADINE_ENGINE={name!r} is no engine: use 'tensor_core' (the default) or 'torch'"
        )
    return name


ENGINE = _chosen()

if TYPE_CHECKING or ENGINE == "tensor_core":
    import tensor_core as torch
    from tensor_core import nn
    from tensor_core.nn import functional as F
else:
    try:
        import torch
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "GRADINE_ENGINE=torch needs PyTorch, which is not installed: "
            'pip install "gradine-transformer[torch]", or unset GRADINE_ENGINE'
        ) from error
    from torch import nn
    from torch.nn import functional as F

__all__ = ["ENGINE", "ENGINES", "F", "nn", "torch"]

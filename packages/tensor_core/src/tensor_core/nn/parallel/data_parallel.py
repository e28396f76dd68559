"""DataParallel: a batch divided among GPUs, of which there are none."""

from __future__ import annotations

from typing import Any

from ..module import Module


class DataParallel(Module):
    """A module applied to parts of a batch on several GPUs; without any, to the batch.

    The module stays reachable as ``.module``, and the names in ``state_dict()`` begin with
    ``module.``, as in torch.

    >>> import tensor_core as torch
    >>> model = torch.nn.DataParallel(torch.nn.Linear(2, 1))
    >>> model.device_ids, list(model.state_dict())
    ([], ['module.weight', 'module.bias'])
    """

    def __init__(
        self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[int] = []
        self.dim = dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module gives."""
        return self.module(*inputs, **kwargs)

"""Making a module without drawing its parameters."""

from __future__ import annotations

import inspect
from typing import Any

from ...random import Generator, use_generator
from ..module import Module


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """A module whose parameters are for the caller to fill; nothing is drawn from the generator.

    Raises:
        RuntimeError: the class is no Module, or takes no ``device``.

    >>> import tensor_core as torch
    >>> torch.nn.utils.skip_init(torch.nn.Linear, 2, 1)
    Linear(in_features=2, out_features=1, bias=True)
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    with use_generator(Generator()):
        return module_cls(*args, **kwargs)

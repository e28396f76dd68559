"""A model at rest for a while, whatever it was doing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def evaluating(*models: Any) -> Iterator[None]:
    """The models in eval mode, then every module of them back in the mode it was in.

    >>> from transformer._engine import nn
    >>> model = nn.Dropout(0.5)
    >>> with evaluating(model):
    ...     model.training
    False
    >>> model.training
    True
    """
    modes = [(module, module.training) for model in models for module in model.modules()]
    for model in models:
        model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training

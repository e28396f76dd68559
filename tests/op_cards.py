"""The cards of tensor_core as programs that both libraries run."""

import inspect

import numpy as np
import torch

import tensor_core
from tensor_core import registry


def cases(name):
    """The numbered cases of a card, from a fixed seed."""
    return list(enumerate(registry[name].cases(np.random.default_rng(0))))


def rebuilt(value, change):
    """The same list or tuple, named or not, of changed items."""
    items = [change(v) for v in value]
    return value._make(items) if hasattr(value, "_make") else type(value)(items)


class Call:
    """A case as a program of its arrays alone, the same for both libraries."""

    def __init__(self, op, case):
        self.op, self.case = op, case
        self.arrays, self.wrt = [], []
        for place, value in [*enumerate(case.args), *case.kwargs.items()]:
            for item in value if isinstance(value, list | tuple) else [value]:
                if isinstance(item, np.ndarray):
                    if case.wrt is None or place in case.wrt:
                        self.wrt.append(len(self.arrays))
                    self.arrays.append(item)

    def filled(self, library, tensors):
        """The case's arguments with the tensors where the arrays were."""
        queue = list(tensors)

        def fill(value):
            if isinstance(value, np.ndarray):
                return queue.pop(0)
            if isinstance(value, tensor_core.dtype):
                return getattr(library, value.name)
            if isinstance(value, list | tuple):
                return rebuilt(value, fill)
            return value

        args = [fill(v) for v in self.case.args]
        return args, {k: fill(v) for k, v in self.case.kwargs.items()}

    def __call__(self, library, *tensors):
        args, kwargs = self.filled(library, tensors)
        if library is tensor_core:
            return self.op(*args, **kwargs)
        return torch_function(self.op)(*args, **kwargs)


def torch_function(op):
    """The torch function a card names, taking its arguments in the card's order."""
    if op.torch == "einsum":  # its card puts the arrays first
        return lambda arrays, equation: torch.einsum(equation, *arrays)
    if op.torch in ("var", "std"):  # what stands after the array is by keyword in torch
        names = list(inspect.signature(op).parameters)[1:]
        f = getattr(torch, op.torch)
        return lambda x, *more, **named: f(x, **dict(zip(names, more, strict=False)), **named)
    if op.torch.startswith("Tensor."):
        return lambda x, *args, **kwargs: getattr(x, op.torch[7:])(*args, **kwargs)
    found = torch
    for part in op.torch.split("."):
        found = getattr(found, part)
    return found

"""What tests of nn share: a network on both libraries, and values carried from one to the other."""

import numpy as np
import torch
from side_by_side import array

import tensor_core


def same(ours, theirs, tolerance=1e-5):
    np.testing.assert_allclose(array(ours), array(theirs), tolerance, tolerance)
    assert str(ours.dtype) == str(theirs.dtype)


def ours_of(value):
    """The same structure with every torch tensor turned into one of ours."""
    if isinstance(value, torch.Tensor):
        return tensor_core.from_numpy(value.detach().numpy().copy())
    if isinstance(value, dict):
        return {k: ours_of(v) for k, v in value.items()}
    return [ours_of(v) for v in value] if isinstance(value, list) else value


def theirs_of(value):
    """The same structure with every tensor of ours turned into one of torch."""
    if isinstance(value, tensor_core.Tensor):
        return torch.from_numpy(value.detach().numpy().copy())
    if isinstance(value, dict):
        return {k: theirs_of(v) for k, v in value.items()}
    return [theirs_of(v) for v in value] if isinstance(value, list) else value


def network(t):
    class Tied(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = t.nn.Embedding(9, 4)
            self.body = t.nn.Sequential(t.nn.Linear(4, 4), t.nn.Tanh(), t.nn.LayerNorm(4))
            self.head = t.nn.Linear(4, 9, bias=False)
            self.head.weight = self.table.weight
            self.register_buffer("mask", t.ones(3))
            self.register_buffer("hidden", t.ones(3), persistent=False)

        def forward(self, x):
            return self.head(self.body(self.table(x)))

    return Tied()


def network_of(library):
    library.manual_seed(3)
    return network(library)


def with_grad(library, values):
    p = library.nn.Parameter(library.from_numpy(np.zeros_like(values)))
    p.grad = library.from_numpy(values.copy())
    return p

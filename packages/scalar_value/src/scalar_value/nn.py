"""Neurons, layers of neurons, and networks of layers."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from . import ops
from .engine import Value
from .functional import dot
from .op import Op


class Module:
    """Something with parameters to learn. A subclass returns them from ``parameters``."""

    def parameters(self) -> list[Value]:
        """Return every Value that training may change."""
        return []

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters.

        >>> neuron = Neuron(2)
        >>> neuron([1.0, 2.0]).backward()
        >>> neuron.zero_grad()
        >>> [p.grad for p in neuron.parameters()]
        [0.0, 0.0, 0.0]
        """
        for p in self.parameters():
            p.grad = 0.0


class Neuron(Module):
    """``activation(w·x + b)`` of ``nin`` inputs; no activation with ``nonlin=False``.

    The weights start uniform in (-1, 1), drawn from Python's own ``random``, the bias at 0.

    >>> import random
    >>> random.seed(0)
    >>> neuron = Neuron(2, activation=ops.tanh)
    >>> neuron
    TanhNeuron(2)
    >>> f"{neuron([1.0, -1.0]):.4f}"
    '0.1712'
    """

    def __init__(
        self, nin: int, nonlin: bool = True, activation: Callable[[Any], Value] = ops.relu
    ) -> None:
        self.w = [Value(random.uniform(-1.0, 1.0)) for _ in range(nin)]
        self.b = Value(0.0)
        self.nonlin = nonlin
        self.activation = activation

    def __call__(self, x: Sequence[Value | float]) -> Value:
        if len(x) != len(self.w):
            raise ValueError(f"{self} got {len(x)} inputs: it has {len(self.w)} weights")
        total = dot(self.w, x, self.b)
        return self.activation(total) if self.nonlin else total

    def parameters(self) -> list[Value]:
        """Return the weights and the bias."""
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"{_name(self.activation) if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """``nout`` neurons that look at the same ``nin`` inputs. One neuron answers without a list.

    >>> layer = Layer(3, 2)
    >>> len(layer([1.0, 2.0, 3.0])), len(layer.parameters())
    (2, 8)
    """

    def __init__(self, nin: int, nout: int, **kwargs: Any) -> None:
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

    def __call__(self, x: Sequence[Value | float]) -> Any:
        out = [neuron(x) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[Value]:
        """Return the parameters of all neurons."""
        return [p for neuron in self.neurons for p in neuron.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """A multi-layer perceptron: layers in a row, the last one linear.

    >>> model = MLP(2, [16, 16, 1])
    >>> len(model.parameters())
    337
    >>> isinstance(model([0.5, -0.5]), Value)
    True
    """

    def __init__(self, nin: int, nouts: Sequence[int], **kwargs: Any) -> None:
        sizes = [nin, *nouts]
        last = len(nouts) - 1
        self.layers = [
            Layer(sizes[i], sizes[i + 1], nonlin=i != last, **kwargs) for i in range(len(nouts))
        ]

    def __call__(self, x: Sequence[Value | float]) -> Any:
        for i, layer in enumerate(self.layers):
            if i and isinstance(x, Value):
                x = [x]  # a layer of one neuron answered without a list
            x = layer(x)
        return x

    def parameters(self) -> list[Value]:
        """Return the parameters of all layers."""
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"


def _name(activation: Callable[..., Any]) -> str:
    name = activation.symbol if isinstance(activation, Op) else activation.__name__
    return name[0].upper() + name[1:]

"""Activations as layers: each calls the function of the same name."""

from __future__ import annotations

from typing import Any

from .. import ops
from .._creation import full
from .._tensor import Tensor
from . import functional as F
from .module import Module
from .parameter import Parameter
from .piecewise import inplace_text


class _InPlace(Module):
    """An activation whose only choice is to work in place."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Whether it works in place."""
        return "inplace=True" if self.inplace else ""


class ReLU(_InPlace):
    """max(x, 0).

    >>> import tensor_core as torch
    >>> torch.nn.ReLU()(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.relu(input, inplace=self.inplace)


class SiLU(_InPlace):
    """x * sigmoid(x). Source: Hendrycks and Gimpel 2016.

    >>> import tensor_core as torch
    >>> torch.nn.SiLU()(torch.zeros(1))
    tensor([0.])
    """

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.silu(input, inplace=self.inplace)


class Mish(_InPlace):
    """x * tanh(softplus(x)). Source: Misra 2019.

    >>> import tensor_core as torch
    >>> torch.nn.Mish()(torch.zeros(1))
    tensor([0.])
    """

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.mish(input, self.inplace)


class LeakyReLU(Module):
    """x where positive, else ``negative_slope * x``.

    >>> import tensor_core as torch
    >>> torch.nn.LeakyReLU(0.5)(torch.tensor([-1.0, 2.0]))
    tensor([-0.5000,  2.0000])
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        """The slope, and whether it works in place."""
        return f"negative_slope={self.negative_slope}" + inplace_text(self.inplace)


class PReLU(Module):
    """x where positive, else a learned multiple of x: one slope, or one a channel (dimension 1).

    Source: He et al. 2015.

    >>> import tensor_core as torch
    >>> torch.nn.PReLU()(torch.tensor([-4.0, 2.0])).tolist()
    [-1.0, 2.0]
    """

    weight: Tensor  # (num_parameters,)

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(full((num_parameters,), float(init), device=device, dtype=dtype))

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """The number of slopes."""
        return f"num_parameters={self.num_parameters}"


class ELU(Module):
    """x where positive, else ``alpha * (exp(x) - 1)``. Source: Clevert et al. 2015.

    >>> import tensor_core as torch
    >>> torch.nn.ELU()(torch.tensor([0.0, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """The limit, and whether it works in place."""
        return f"alpha={self.alpha}" + inplace_text(self.inplace)


class GELU(Module):
    """x times the normal distribution's probability of less than x; ``"tanh"`` approximates it.

    Source: Hendrycks and Gimpel 2016.

    >>> import tensor_core as torch
    >>> torch.nn.GELU("tanh")
    GELU(approximate='tanh')
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        """Which formula."""
        return f"approximate={self.approximate!r}"


class Tanh(Module):
    """The hyperbolic tangent.

    >>> import tensor_core as torch
    >>> torch.nn.Tanh()(torch.zeros(1))
    tensor([0.])
    """

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return ops.tanh(input)


class Sigmoid(Module):
    """1 / (1 + exp(-x)).

    >>> import tensor_core as torch
    >>> torch.nn.Sigmoid()(torch.zeros(1))
    tensor([0.5000])
    """

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return ops.sigmoid(input)


class LogSigmoid(Module):
    """log(sigmoid(x)), computed so that it does not underflow.

    >>> import tensor_core as torch
    >>> torch.nn.LogSigmoid()(torch.tensor(-200.0)).item()
    -200.0
    """

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.logsigmoid(input)


class Softsign(Module):
    """x / (1 + |x|).

    >>> import tensor_core as torch
    >>> torch.nn.Softsign()(torch.ones(1))
    tensor([0.5000])
    """

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return input / (1 + abs(input))


class Softplus(Module):
    """``log(1 + exp(beta * x)) / beta``, and x itself where ``beta * x > threshold``.

    >>> import tensor_core as torch
    >>> torch.nn.Softplus()(torch.tensor(30.0)).item()
    30.0
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """Both numbers."""
        return f"beta={self.beta}, threshold={self.threshold}"


class GLU(Module):
    """The first half of ``dim`` times the sigmoid of the second. Source: Dauphin et al. 2017.

    >>> import tensor_core as torch
    >>> torch.nn.GLU()(torch.tensor([4.0, 0.0]))
    tensor([2.])
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Any:
        """The gated half."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """The dimension halved."""
        return f"dim={self.dim}"


class Softmax(Module):
    """Normalised exponentials along ``dim``.

    >>> import tensor_core as torch
    >>> torch.nn.Softmax(dim=-1)(torch.zeros(2))
    tensor([0.5000, 0.5000])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Any:
        """Probabilities along the dimension."""
        return F.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """The logarithm of ``Softmax``, computed without taking one's logarithm.

    >>> import tensor_core as torch
    >>> torch.nn.LogSoftmax(dim=-1)(torch.zeros(1))
    tensor([0.])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Any:
        """Log-probabilities along the dimension."""
        return F.log_softmax(input, self.dim)

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"


class Softmin(Module):
    """``Softmax`` of minus the input along ``dim``.

    >>> import tensor_core as torch
    >>> torch.nn.Softmin(dim=-1)(torch.zeros(2))
    tensor([0.5000, 0.5000])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Any:
        """Probabilities along the dimension."""
        return F.softmin(input, self.dim)

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"


class Softmax2d(Module):
    """``Softmax`` over the channels at every place. Shapes: (N, C, H, W) or (C, H, W) -> same.

    >>> import tensor_core as torch
    >>> torch.nn.Softmax2d()(torch.zeros(2, 1, 1)).flatten()
    tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Any:
        """Probabilities along the channels."""
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead")
        return F.softmax(input, -3)


class SELU(_InPlace):
    """An ``ELU`` that keeps mean 0 and variance 1. Source: Klambauer et al. 2017.

    >>> import tensor_core as torch
    >>> torch.nn.SELU()(torch.tensor([0.0, 2.0]))
    tensor([0.0000, 2.1014])
    """

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.selu(input, self.inplace)


class CELU(Module):
    """x where positive, else ``alpha * (exp(x / alpha) - 1)``. Source: Barron 2017.

    >>> import tensor_core as torch
    >>> torch.nn.CELU(2.0)(torch.tensor([-1.0, 2.0]))
    tensor([-0.7869,  2.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        """The limit, and whether it works in place."""
        return f"alpha={self.alpha}{inplace_text(self.inplace)}"


class Tanhshrink(Module):
    """x - tanh(x).

    >>> import tensor_core as torch
    >>> torch.nn.Tanhshrink()(torch.zeros(1))
    tensor([0.])
    """

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.tanhshrink(input)

"""Layer normalisation whose bias may be left out."""

from transformer._engine import F, nn, torch


class LayerNorm(nn.Module):
    """Each vector to mean 0 and variance 1, then a learned scale and, if wanted, a learned shift.

    Shapes: (..., C) -> (..., C). Source: Ba, Kiros and Hinton, "Layer Normalization", 2016.

    >>> [name for name, _ in LayerNorm(32, bias=False).named_parameters()]
    ['weight']
    """

    def __init__(self, n_embd: int, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_embd))
        self.bias = nn.Parameter(torch.zeros(n_embd)) if bias else None
        self.shape = (n_embd,)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x, self.shape, self.weight, self.bias, 1e-5)


class RMSNorm(nn.Module):
    """Each vector to a mean square of 1, then a learned scale. Shapes: (..., C) -> (..., C).

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019, equation 4.

    >>> RMSNorm(2)(torch.tensor([[3.0, 4.0]]))
    tensor([[0.8485, 1.1314]], grad_fn=<RmsNormBackward0>)
    """

    def __init__(self, n_embd: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_embd))
        self.shape, self.eps = (n_embd,), eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x, self.shape, self.weight, self.eps)

"""A softmax over many classes that looks at the rare ones only where it must."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

from .. import ops
from .._creation import zeros
from .._tensor import Tensor
from . import functional as F
from .containers import ModuleList, Sequential
from .linear import Linear
from .module import Module

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-softmax over classes sorted by frequency, in clusters that end at ``cutoffs``.

    The head scores the frequent classes and each cluster of rare ones; a cluster scores its own
    from ``div_value`` times fewer features than the one before. Source: Grave et al. 2017.

    >>> import tensor_core as torch
    >>> softmax = torch.nn.AdaptiveLogSoftmaxWithLoss(4, 10, cutoffs=[3, 6])
    >>> softmax.log_prob(torch.zeros(2, 4)).exp().sum(1).round()
    tensor([1., 1.], grad_fn=<RoundBackward0>)
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if (
            cutoffs != sorted(set(cutoffs))
            or min(cutoffs) <= 0
            or max(cutoffs) > n_classes - 1
            or any(int(c) != c for c in cutoffs)
        ):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing "
                "order, where each value is between 1 and n_classes-1"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        like = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **like)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            hidden = int(in_features // (div_value ** (i + 1)))
            classes = self.cutoffs[i + 1] - self.cutoffs[i]
            first = Linear(in_features, hidden, bias=False, **like)
            self.tail.append(Sequential(first, Linear(hidden, classes, bias=False, **like)))

    def reset_parameters(self) -> None:
        """Draw all weights afresh."""
        self.head.reset_parameters()
        for first, second in self.tail:
            first.reset_parameters()
            second.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> Any:
        """Each target's log-probability, and minus their mean: ``output`` and ``loss``.

        Shapes: (N, in_features), (N) -> (N), (); or (in_features), () -> (), ().
        """
        self._check(input_, target_)
        batched = target_.ndim > 0
        input = input_ if batched else input_.unsqueeze(0)
        target = target_ if batched else target_.unsqueeze(0)
        head = F.log_softmax(self.head(input), dim=1)
        output = zeros(target.shape[0], dtype=input.dtype)
        bounds = [0, *self.cutoffs]
        for i in range(self.n_clusters + 1):
            inside = (target >= bounds[i]) & (target < bounds[i + 1])
            rows = inside.nonzero().squeeze(1)
            if rows.numel() == 0:
                continue
            within = target.index_select(0, rows) - bounds[i]
            scores = head.index_select(0, rows)
            if i == 0:
                found = scores.gather(1, within.unsqueeze(1)).squeeze(1)
            else:
                tail = F.log_softmax(self.tail[i - 1](input.index_select(0, rows)), dim=1)
                found = scores[:, self.shortlist_size + i - 1]
                found = found + tail.gather(1, within.unsqueeze(1)).squeeze(1)
            output = ops.index_add(output, 0, rows, found)
        loss = (-output).mean()
        return _ASMoutput(output if batched else output.squeeze(0), loss)

    def _check(self, input: Tensor, target: Tensor) -> None:
        if target.ndim == 1:
            if input.shape[0] != target.shape[0]:
                raise RuntimeError(
                    "Input and target should have the same size in the batch dimension."
                )
            if input.ndim != 2:
                raise RuntimeError(
                    "1D target tensor expects 2D input tensors, but found inputs with size "
                    f"{input.shape}"
                )
        elif target.ndim == 0:
            if input.ndim != 1:
                raise RuntimeError(
                    "0D target tensor expects 1D input tensors, but found inputs with size "
                    f"{input.shape}"
                )
        else:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        ids = target._a
        if ids.size and (ids.min() < 0 or ids.max() >= self.n_classes):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{ids.min()}, {ids.max()}] were found. "
            )

    def log_prob(self, input: Tensor) -> Any:
        """The log-probability of every class. Shapes: (N, in_features) -> (N, n_classes)."""
        head = F.log_softmax(self.head(input), dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, cluster in enumerate(self.tail):
            tail = F.log_softmax(cluster(input), dim=1)
            parts.append(tail + head[:, self.shortlist_size + i].unsqueeze(1))
        return ops.cat(parts, 1)

    def predict(self, input: Tensor) -> Any:
        """The likeliest class of each row. Shapes: (N, in_features) -> (N)."""
        return self.log_prob(input).argmax(1)

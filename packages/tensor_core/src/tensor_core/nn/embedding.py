"""A table of learned vectors, looked up by integer."""

from __future__ import annotations

from typing import Any

from .._creation import empty
from .._grad_mode import no_grad
from .._tensor import Tensor
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter


class Embedding(Module):
    """``weight[input]``. Shapes: (...) integers -> (..., embedding_dim).

    Weights start normal(0, 1). The row ``padding_idx`` starts at zero and never gets a
    gradient. Raises ``ValueError`` for the options Gradine does not have: ``max_norm``,
    ``scale_grad_by_freq``, ``sparse``.

    >>> import tensor_core as torch
    >>> table = torch.nn.Embedding(10, 4)
    >>> table(torch.tensor([[1, 2, 3]])).shape
    torch.Size([1, 3, 4])
    """

    num_embeddings: int
    embedding_dim: int
    padding_idx: int | None
    weight: Tensor  # (num_embeddings, embedding_dim)

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        _refuse(max_norm=max_norm, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = _row(padding_idx, num_embeddings)
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        shape = (num_embeddings, embedding_dim)
        if _weight is None:
            table = empty(shape, device=device, dtype=dtype)
            self.weight = Parameter(table, requires_grad=not _freeze)
            self.reset_parameters()
        else:
            if tuple(_weight.shape) != shape:
                raise ValueError(
                    f"Embedding: the weight has shape {tuple(_weight.shape)}, but num_embeddings "
                    f"and embedding_dim say {shape}"
                )
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    def reset_parameters(self) -> None:
        """Draw the table afresh; the padding row becomes zero."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    def forward(self, input: Tensor) -> Any:
        """The rows that the integers name."""
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """Sizes, and the padding row if there is one."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        return text if self.padding_idx is None else f"{text}, padding_idx={self.padding_idx}"

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """An embedding on a given table (rows, columns), which does not learn if ``freeze``.

        >>> import tensor_core as torch
        >>> torch.nn.Embedding.from_pretrained(torch.eye(2))(torch.tensor(1))
        tensor([0., 1.])
        """
        if embeddings.ndim != 2:
            raise ValueError(
                "Embedding.from_pretrained: the table must have 2 dimensions, got shape "
                f"{tuple(embeddings.shape)}"
            )
        rows, columns = embeddings.shape
        return cls(
            rows,
            columns,
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            _weight=embeddings,
            _freeze=freeze,
        )


def _refuse(**options: Any) -> None:
    for name, value in options.items():
        if value:
            raise ValueError(f"Embedding: {name}={value!r} is not supported; leave it out")


def _row(index: int | None, rows: int) -> int | None:
    """The row a ``padding_idx`` means, counted from the start."""
    if index is None:
        return None
    if not -rows <= index < rows:
        raise AssertionError(f"Embedding: padding_idx {index} must be within num_embeddings {rows}")
    return index % rows

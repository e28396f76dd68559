"""The named results of functions that return several tensors, as torch names and prints them.

>>> import tensor_core as torch
>>> torch.max(torch.tensor([[1, 5], [7, 2]]), 1)
torch.return_types.max(
values=tensor([5, 7]),
indices=tensor([1, 0]))
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any


class Result(tuple):
    """A tuple whose parts have names; made of one sequence, as torch's are."""

    __slots__ = ()
    _names: tuple[str, ...] = ()

    def __new__(cls, parts: Iterable[Any]) -> Result:
        """The result of these parts.

        Raises:
            TypeError: there are not as many as names.
        """
        self = super().__new__(cls, parts)
        if len(self) != len(cls._names):
            raise TypeError(
                f"{cls.__module__}.{cls.__name__}() takes a {len(cls._names)}-sequence "
                f"({len(self)}-sequence given)"
            )
        return self

    def __reduce__(self) -> Any:
        return (type(self), (tuple(self),))

    def __repr__(self) -> str:
        parts = zip(self._names, self, strict=True)
        shown = ",\n".join(f"{name}={value!r}" for name, value in parts)
        return f"torch.return_types.{type(self).__name__}(\n{shown})"


def define(name: str, *names: str) -> Any:
    """A type of results called ``name``, and a place for it in this module."""
    body: dict[str, Any] = {n: property(itemgetter(i)) for i, n in enumerate(names)}
    body |= {"__slots__": (), "_names": names, "__module__": __name__, "__match_args__": names}
    body |= {"n_fields": len(names), "n_sequence_fields": len(names), "n_unnamed_fields": 0}
    made = type(name, (Result,), body)
    globals()[name] = made
    return made


max = define("max", "values", "indices")
min = define("min", "values", "indices")
sort = define("sort", "values", "indices")
topk = define("topk", "values", "indices")
kthvalue = define("kthvalue", "values", "indices")
median = define("median", "values", "indices")
nanmedian = define("nanmedian", "values", "indices")
mode = define("mode", "values", "indices")
cummax = define("cummax", "values", "indices")
cummin = define("cummin", "values", "indices")
aminmax = define("aminmax", "min", "max")
frexp = define("frexp", "mantissa", "exponent")
histogram = define("histogram", "hist", "bin_edges")
linalg_inv_ex = define("linalg_inv_ex", "inverse", "info")
linalg_solve_ex = define("linalg_solve_ex", "result", "info")
linalg_cholesky_ex = define("linalg_cholesky_ex", "L", "info")
linalg_slogdet = define("linalg_slogdet", "sign", "logabsdet")
slogdet = define("slogdet", "sign", "logabsdet")
linalg_svd = define("linalg_svd", "U", "S", "Vh")
svd = define("svd", "U", "S", "V")
linalg_eigh = define("linalg_eigh", "eigenvalues", "eigenvectors")
linalg_eig = define("linalg_eig", "eigenvalues", "eigenvectors")
linalg_qr = define("linalg_qr", "Q", "R")
qr = define("qr", "Q", "R")
linalg_lu = define("linalg_lu", "P", "L", "U")
lu_unpack = define("lu_unpack", "P", "L", "U")
linalg_lu_factor = define("linalg_lu_factor", "LU", "pivots")
linalg_lu_factor_ex = define("linalg_lu_factor_ex", "LU", "pivots", "info")
triangular_solve = define("triangular_solve", "solution", "cloned_coefficient")
linalg_lstsq = define("linalg_lstsq", "solution", "residuals", "rank", "singular_values")
histogramdd = define("histogramdd", "hist", "bin_edges")

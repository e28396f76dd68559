"""Which version of PyTorch's interface this is, and which version of Gradine.

Programs read ``torch.__version__`` to choose between names; they find the version whose names
are here. The local part after ``+`` says who answers.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["TorchVersion", "__version__", "cuda", "debug", "git_version", "gradine", "hip", "xpu"]

gradine = "0.1.0"
__version__ = "2.13.0+gradine"

cuda: str | None = None
hip: str | None = None
xpu: str | None = None
debug = False
git_version = "unknown"


def _release(version: Any) -> tuple[int, ...]:
    """The leading numbers of ``"2.13.0+gradine"``, or a tuple of numbers as it is."""
    parts = re.match(r"v?(\d+(?:\.\d+)*)", version) if isinstance(version, str) else None
    if parts is None and isinstance(version, str):
        raise ValueError(f"version {version!r} does not begin with numbers such as '2.1'")
    numbers = parts[1].split(".") if parts else list(version)
    release = [int(n) for n in numbers]
    while release and release[-1] == 0:
        release.pop()  # 2.0 and 2 are one version
    return tuple(release)


class TorchVersion(str):
    """A version string that compares with others (and with tuples) by its numbers.

    >>> v = TorchVersion("2.13.0+gradine")
    >>> v >= "2.4", v < (2, 13, 1), v.split(".")[:2]
    (True, True, ['2', '13'])
    """

    __slots__ = ()

    def __lt__(self, other: Any) -> bool:
        return _release(self) < _release(other)

    def __le__(self, other: Any) -> bool:
        return _release(self) <= _release(other)

    def __gt__(self, other: Any) -> bool:
        return _release(self) > _release(other)

    def __ge__(self, other: Any) -> bool:
        return _release(self) >= _release(other)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str) and not other[:1].isdigit():
            return str.__eq__(self, other)
        return isinstance(other, str | tuple | list) and _release(self) == _release(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return str.__hash__(self)

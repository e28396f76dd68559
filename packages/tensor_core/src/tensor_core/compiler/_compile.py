"""``compile``: what it returns behaves, and names its parameters, as torch's does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..nn.module import Module


class OptimizedModule(Module):
    """What ``torch.compile`` returns for a module: a shell around it.

    Attributes are the module's; names in ``state_dict()`` begin with ``_orig_mod.``, as in torch.
    """

    def __init__(self, mod: Module) -> None:
        super().__init__()
        self._modules["_orig_mod"] = mod
        self.training = mod.training

    @property
    def _inner(self) -> Any:
        return self._modules["_orig_mod"]

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module gives."""
        return self._inner(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        inner = self.__dict__["_modules"]["_orig_mod"]
        return inner if name == "_orig_mod" else getattr(inner, name)

    def __setattr__(self, name: str, value: Any) -> None:
        inner = self.__dict__.get("_modules", {}).get("_orig_mod")
        if inner is None or name in ("training", "_forward_hooks") or hasattr(type(self), name):
            super().__setattr__(name, value)
        else:
            setattr(inner, name, value)

    def __len__(self) -> int:
        return len(self._inner)

    def __getitem__(self, key: Any) -> Any:
        return self._inner[key]

    def __iter__(self) -> Any:
        return iter(self._inner)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self._inner)})


def compile(
    model: Callable[..., Any] | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: str | Callable[..., Any] | None = None,
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    name: str | None = None,
    disable: bool = False,
    **more: Any,
) -> Any:
    """A function as it is, a module in a shell with torch's parameter names; nothing is compiled.

    Without a model it is a decorator that does the same.

    Raises:
        RuntimeError: both ``mode`` and ``options`` are given.

    >>> import tensor_core as torch
    >>> @torch.compile(mode="reduce-overhead", fullgraph=True)
    ... def double(x):
    ...     return 2 * x
    >>> double(torch.tensor(3.0))
    tensor(6.)
    >>> list(torch.compile(torch.nn.Linear(2, 1)).state_dict())
    ['_orig_mod.weight', '_orig_mod.bias']
    """
    if mode is not None and options is not None:
        raise RuntimeError(
            "Either mode or options can be specified, but both can't be specified at the same time."
        )
    if model is None:
        return lambda found: compile(found, mode=mode, options=options, disable=disable)
    if isinstance(model, Module) and not disable:
        return OptimizedModule(model)
    return model

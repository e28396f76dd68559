"""Calling a module with other tensors in place of its parameters."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ..module import Module

_TABLES = ("_parameters", "_buffers")
_NOTHING = object()


def functional_call(
    module: Module,
    parameters_and_buffers: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """``torch.func.functional_call``, by its older address; it warns."""
    warnings.warn(
        "This API is deprecated as of PyTorch 2.0 and will be removed in a future version of "
        "PyTorch. Please use torch.func.functional_call instead which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return call(
        module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict
    )


def call(
    module: Module,
    parameters_and_buffers: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call ``module`` as if its parameters and buffers of these names were these tensors.

    ``tie_weights`` gives a tensor shared under several names the one value under all of them;
    ``strict`` wants every name exactly once. Afterwards the module is as it was, except for
    buffers it changed itself.

    Raises:
        ValueError: two values for one shared tensor.
        RuntimeError: with ``strict``, names are missing or unexpected.

    >>> import tensor_core as torch
    >>> layer = torch.nn.Linear(2, 1, bias=False)
    >>> call(layer, {"weight": torch.ones(1, 2)}, torch.tensor([2.0, 3.0]))
    tensor([5.])
    """
    given: dict[str, Any] = {}
    if isinstance(parameters_and_buffers, Mapping):
        given.update(parameters_and_buffers)
    else:
        for part in parameters_and_buffers:
            if repeated := given.keys() & part.keys():
                raise ValueError(f"{sorted(repeated)} appear in multiple dictionaries")
            given.update(part)
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _in_place_of(module, given, tie_weights, strict):
        return module(*args, **(kwargs or {}))


@contextmanager
def _in_place_of(
    module: Module, given: dict[str, Any], tie_weights: bool, strict: bool
) -> Iterator[None]:
    """Put the given tensors into the tables, and what was there back at the end."""
    places = homes(module)
    if strict:
        _check_names(module, given, places)
    for name in given.keys() - places.keys():  # attributes, for the time of the call
        path, _, key = name.rpartition(".")
        places[name] = (module.get_submodule(path).__dict__, key)
    if tie_weights:
        given = _tied(given, places)
    before = []
    try:
        for name, value in given.items():
            table, key = places[name]
            before.append((table, key, table.get(key, _NOTHING)))
            table[key] = value
        yield
    finally:
        for table, key, old in reversed(before):
            if old is _NOTHING:
                del table[key]
            else:
                table[key] = old


def homes(module: Module) -> dict[str, tuple[dict[str, Any], str]]:
    """Each parameter's and buffer's name: the table it stands in, and its key there."""
    found = {}
    for path, part in module.named_modules(remove_duplicate=False):
        for table in _TABLES:
            for key in part.__dict__[table]:
                found[f"{path}.{key}" if path else key] = (part.__dict__[table], key)
    return found


def _tied(given: dict[str, Any], places: dict[str, Any]) -> dict[str, Any]:
    names_of: dict[int, list[str]] = {}
    for name, (table, key) in places.items():
        if table.get(key) is not None:
            names_of.setdefault(id(table[key]), []).append(name)
    everything = dict(given)
    for names in names_of.values():
        values = [given[name] for name in names if name in given]
        if any(value is not values[0] for value in values):
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(names)}, which are tied. "
                "Consider using tie_weights=False"
            )
        if values:
            everything.update(dict.fromkeys(names, values[0]))
    return everything


def _check_names(module: Module, given: dict[str, Any], places: dict[str, Any]) -> None:
    held = {name for name, (table, key) in places.items() if table[key] is not None}
    missing, unexpected = sorted(held - given.keys()), sorted(given.keys() - places.keys())
    if missing or unexpected:
        found = [("Missing", missing), ("Unexpected", unexpected)]
        text = "\n\t".join(f"{what} key(s): {', '.join(keys)}." for what, keys in found if keys)
        raise RuntimeError(f"Error(s) in reparametrizing for {module._get_name()}:\n\t{text}")

"""Where the tensors of a file go: to the CPU, whatever device they were saved on."""

from __future__ import annotations

from typing import Any

from ._size import device


def location_tag(storage: Any) -> str:
    """The name of a storage's device in files."""
    return "cpu"


def default_restore_location(storage: Any, location: str) -> Any:
    """A storage where the file says it was.

    Raises:
        RuntimeError: that is not the CPU.
    """
    if location == "cpu":
        return storage
    kind = str(location).partition(":")[0]
    if kind == "cuda":
        raise RuntimeError(
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is "
            "False. Please use torch.load with map_location=torch.device('cpu') to map your "
            "storages to the CPU."
        )
    raise RuntimeError(
        f"load: don't know how to restore data location of a storage (tagged with {location}); "
        "use map_location='cpu'"
    )


def restorer(map_location: Any) -> Any:
    """A function of a storage and the device it was saved on, which puts it where it belongs."""
    if map_location is None:
        return default_restore_location
    if isinstance(map_location, dict):
        return lambda s, place: default_restore_location(s, str(map_location.get(place, place)))
    if isinstance(map_location, bytes):
        map_location = map_location.decode()
    if isinstance(map_location, str | device) or not callable(map_location):
        return lambda s, place: default_restore_location(s, str(map_location))

    def by_function(storage: Any, place: str) -> Any:
        moved = map_location(storage, place)
        return default_restore_location(storage, place) if moved is None else moved

    return by_function

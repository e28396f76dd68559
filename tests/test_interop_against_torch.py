"""Printing, copying, pickling and sharing memory with NumPy and torch: as torch does it."""

import copy
import io
import multiprocessing
import pickle
import warnings

import jaxtyping
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from side_by_side import BOTH, array, error_of, tally

import tensor_core

# -- printing --------------------------------------------------------------------------------------

KINDS = ("bool", "uint8", "int8", "int64", "float16", "float32", "float64", "complex64",
         "complex128")  # fmt: skip
SHAPES = st.lists(st.integers(0, 5), max_size=4).map(tuple)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "precision": st.integers(0, 8),
        "threshold": st.integers(0, 60),
        "edgeitems": st.integers(0, 3),
        "linewidth": st.integers(10, 120),
        "sci_mode": st.booleans() | st.none(),
        "profile": st.sampled_from(["default", "short", "full"]),
    },
)


@given(
    SHAPES.flatmap(
        lambda shape: st.sampled_from(KINDS).flatmap(lambda kind: hnp.arrays(kind, shape))
    )
)
@settings(max_examples=300, deadline=None)
def test_any_numbers_print_alike(numbers):
    theirs, ours = (repr(t.from_numpy(numbers.copy())) for t in BOTH)
    assert ours == theirs
    tally["tensors printed beside torch"] += 1


@given(SHAPES, st.sampled_from(KINDS), st.integers(0, 2**31), st.floats(-12, 12), OPTIONS)
@settings(max_examples=300, deadline=None)
def test_any_scale_and_options(shape, kind, seed, scale, options):
    rng = np.random.default_rng(seed)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        numbers = np.asarray((rng.normal(size=shape) * 10**scale).astype(kind))
    found = []
    for t in BOTH:
        t.set_printoptions(**options)
        try:
            found.append(repr(t.from_numpy(numbers.copy())))
        finally:
            t.set_printoptions(profile="default")
    assert found[0] == found[1]
    tally["tensors printed beside torch"] += 1


class Kept(torch.Tensor):
    pass


class KeptHere(tensor_core.Tensor):
    pass


PRINTED = {
    "bfloat16": lambda t: t.linspace(-3, 100, 7).to(t.bfloat16),
    "0-d complex": lambda t: t.tensor(-1.5 - 2e5j),
    "complex with nan": lambda t: t.tensor([complex("nan"), 1j, complex(1, -0.0)]),
    "large": lambda t: t.arange(5000.0).reshape(50, 100),
    "large, three dimensions": lambda t: t.arange(2000).reshape(10, 2, 100),
    "many rows": lambda t: t.zeros(1001, 1),
    "empty rows": lambda t: t.zeros(3, 0),
    "empty double": lambda t: t.zeros(0, dtype=t.float64),
    "leaf": lambda t: t.ones(2, 2, requires_grad=True),
    "wide leaf": lambda t: t.full((11,), 1.25, requires_grad=True),
    "parameter": lambda t: t.nn.Parameter(t.ones(2)),
    "view": lambda t: t.ones(2, 2, requires_grad=True)[0],
    "columns": lambda t: t.ones(2, 2, requires_grad=True)[:, 1:],
    "new axis": lambda t: t.ones(2, requires_grad=True)[None],
    "product": lambda t: t.ones(2, 2, requires_grad=True) @ t.ones(2, 2),
    "linear": lambda t: t.nn.functional.linear(t.ones(1, 2, requires_grad=True), t.ones(3, 2)),
    "layer": lambda t: t.nn.Linear(2, 1).weight.sum() * 0,
    "sum along": lambda t: t.ones(2, 2, requires_grad=True).sum(1, keepdim=True),
    "mean": lambda t: t.ones(2, 2, requires_grad=True).mean(),
    "quotient": lambda t: t.ones(2, requires_grad=True) / 2,
    "loss": lambda t: t.nn.functional.cross_entropy(
        t.zeros(2, 3, requires_grad=True), t.tensor([0, 1])
    ),
    "norm": lambda t: t.nn.functional.layer_norm(t.ones(2, 2, requires_grad=True), (2,)),
    "maximum": lambda t: t.ones(2, requires_grad=True).max(),
    "largest of rows": lambda t: t.ones(2, 2, requires_grad=True).max(1)[0],
    "other type": lambda t: t.ones(2, requires_grad=True).double(),
    "detached": lambda t: t.ones(2, requires_grad=True).detach(),
    "in a list": lambda t: [t.ones(1), t.Size([1, 2]), t.float32, t.device("cpu")],
    "formatted": lambda t: f"{t.tensor(3.14159):.2f} {t.tensor([1, 2])} {t.tensor(7):>5}",
    "with contents": lambda t: t.ones(2, requires_grad=True).__repr__(tensor_contents="..."),
    "typename": lambda t: t.typename(1) + t.typename("a"),
}


@pytest.mark.parametrize("name", PRINTED)
def test_printing(name):
    theirs, ours = (PRINTED[name](t) for t in BOTH)
    assert repr(ours) == repr(theirs) and str(ours) == str(theirs)


def test_subclasses_and_defaults_print_alike():
    theirs = repr(torch.ones(2).as_subclass(Kept))
    assert repr(KeptHere([1.0, 1.0])).replace("KeptHere", "Kept") == theirs
    found = []
    for t in BOTH:
        t.set_default_dtype(t.float64)
        try:
            found.append([repr(t.ones(1)), repr(t.ones(1).float()), repr(t.tensor([1j]))])
        finally:
            t.set_default_dtype(t.float32)
    assert found[0] == found[1]


# -- copies and pickles ----------------------------------------------------------------------------


def state(x):
    """What a copy must keep."""
    grad = None if x.grad is None else array(x.grad).tolist()
    return (type(x).__name__, array(x).tolist(), str(x.dtype), tuple(x.stride()), x.requires_grad,
            x.is_leaf, grad, {k: v for k, v in vars(x).items() if k != "_retains"})  # fmt: skip


def made(t):
    base = t.arange(6.0).reshape(2, 3)
    learned = t.nn.Parameter(t.ones(2))
    learned.sum().backward()
    leaf = t.ones(2, requires_grad=True)
    (leaf * 3).sum().backward()
    leaf.note = [1]
    return [base, base.t(), base[1], base.expand(2, 2, 3), learned, leaf, t.tensor(1), t.zeros(0),
            t.nn.Parameter(t.ones(1), False), t.ones(2, dtype=t.bfloat16).float()]  # fmt: skip


WAYS = {
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "pickle 2": lambda x: pickle.loads(pickle.dumps(x, protocol=2)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("way", WAYS)
def test_copies(way):
    for theirs, ours in zip(*(made(t) for t in BOTH), strict=True):
        assert state(WAYS[way](ours)) == state(WAYS[way](theirs))


@pytest.mark.parametrize("way", WAYS)
def test_what_copies_share(way):
    found = []
    for t in BOTH:
        base = t.arange(4.0)
        pair = WAYS[way]([base, base[2:], base])
        pair[0][2] = 9
        single = WAYS[way](base)
        single[0] = 7
        found.append([[p.tolist() for p in pair], base.tolist(), pair[0] is pair[2]])
    if way.startswith("pickle"):
        found = [[f[0][0], f[1], f[2]] for f in found]  # views are pickled one by one
    assert found[0] == found[1]


def test_other_things_are_pickled():
    for t in BOTH:
        for x in (t.Size([2, 3]), t.float16, t.device("cpu"), t.Size([])):
            again = pickle.loads(pickle.dumps(x))
            assert again == x and type(again) is type(x) and repr(copy.deepcopy(x)) == repr(x)
        g = t.Generator().manual_seed(3)
        t.randn(3, generator=g)
        for again in (pickle.loads(pickle.dumps(g)), copy.deepcopy(g)):
            assert again.initial_seed() == 3
            assert t.equal(t.randn(5, generator=again), t.randn(5, generator=g.clone_state()))


def double_first(x):
    x[0] = x[0] * 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_shared_memory_is_seen_by_other_processes():
    for t in (tensor_core,):
        x = t.ones(3).share_memory_()
        process = multiprocessing.get_context("fork").Process(target=double_first, args=(x,))
        process.start()
        process.join()
        assert process.exitcode == 0 and x.tolist() == [2.0, 1.0, 1.0]


# -- NumPy and DLPack ------------------------------------------------------------------------------


def readonly(a):
    a.flags.writeable = False
    return a


ERRORS = {
    "negative strides": lambda t: t.from_numpy(np.ones(3)[::-1]),
    "negative strides as tensor": lambda t: t.as_tensor(np.ones(3)[::-1]),
    "foreign order": lambda t: t.from_numpy(np.ones(3, ">f4" if np.little_endian else "<f4")),
    "askew": lambda t: t.from_numpy(np.zeros(2, [("a", "u1"), ("b", "<f4")])["b"]),
    "text": lambda t: t.from_numpy(np.array(["a"])),
    "objects": lambda t: t.from_numpy(np.array([None])),
    "a list": lambda t: t.from_numpy([1.0]),
    "asarray of what needs a gradient": lambda t: np.asarray(t.ones(1, requires_grad=True)),
    "deepcopy of a result": lambda t: copy.deepcopy(t.ones(1, requires_grad=True) * 2),
    "dlpack of what needs a gradient": lambda t: np.from_dlpack(t.ones(1, requires_grad=True)),
    "empty buffer": lambda t: t.frombuffer(b"", dtype=t.uint8),
    "far offset": lambda t: t.frombuffer(bytearray(4), dtype=t.uint8, offset=4),
    "odd buffer": lambda t: t.frombuffer(bytearray(5), dtype=t.int32),
    "short buffer": lambda t: t.frombuffer(bytearray(4), dtype=t.int32, count=2),
    "gradient of integers": lambda t: t.frombuffer(bytearray(4), dtype=t.int32, requires_grad=True),
    "not a buffer": lambda t: t.frombuffer(3, dtype=t.uint8),
}


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.filterwarnings("ignore")
def test_errors_are_of_the_same_type(name):
    theirs, ours = (error_of(lambda t=t: ERRORS[name](t)) for t in BOTH)
    assert theirs is not None and ours is not None and issubclass(ours, theirs)
    tally["errors beside torch"] += 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch lacks a keyword of NumPy 2
def test_memory_shared_with_numpy():
    for t in BOTH:
        a = np.arange(12.0).reshape(3, 4)
        part = t.from_numpy(a[1:, ::2])
        part[0, 0] = 99
        assert a[1, 0] == 99 and part.numpy()[0, 0] == 99
        assert (part.storage_offset(), part.untyped_storage().nbytes()) == (0, 56)
        assert np.asarray(part).base is not None and np.array(part, copy=True)[0, 0] == 99
        assert np.asarray(part, dtype=np.float32).dtype == np.float32
        assert t.frombuffer(bytearray(b"abcd"), dtype=t.uint8, offset=1, count=2).tolist() == [
            98,
            99,
        ]


def test_read_only_memory_brings_a_warning():
    with pytest.warns(UserWarning, match="not writable"):
        tensor_core._memory._warned.clear()
        t = tensor_core.from_numpy(readonly(np.ones(2)))
    assert t.tolist() == [1.0, 1.0]
    with pytest.raises((ValueError, RuntimeError), match="read-only"):
        t[0] = 3


@pytest.mark.parametrize("kind", ["bool", "int8", "int64", "float16", "float32", "complex64"])
def test_dlpack_between_all_three(kind):
    x = tensor_core.ones(3, 2).to(getattr(tensor_core, kind)).t()
    there = torch.from_dlpack(x)
    assert there.stride() == (1, 2) and str(there.dtype) == f"torch.{kind}"
    there[0, 1] = 0
    back = tensor_core.from_dlpack(there)
    back[1, 0] = 0
    assert (
        not there[1, 0] and not back[0, 1] and back.data_ptr() == x.data_ptr() == there.data_ptr()
    )
    taken = tensor_core.utils.dlpack.from_dlpack(torch.utils.dlpack.to_dlpack(there))
    taken[0, 0] = 0
    assert not there[0, 0] and taken.data_ptr() == x.data_ptr()
    capsule = tensor_core.utils.dlpack.to_dlpack(x)
    assert torch.utils.dlpack.from_dlpack(capsule).data_ptr() == x.data_ptr()
    assert np.from_dlpack(x).__array_interface__["data"][0] == x.data_ptr()
    assert tensor_core.from_dlpack(np.ones(2, kind)).tolist() == [1, 1]
    assert x.__dlpack_device__() == (1, 0) and x.__dlpack__(stream=-1) is not None


def test_storages():
    found = []
    for t in BOTH:
        x = t.arange(6, dtype=t.float32).reshape(2, 3)
        s = x[1:].untyped_storage()
        s[0] = 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            typed = x.storage()
            found.append([
                s.nbytes(), len(s), s.data_ptr() == x.data_ptr(), s.tolist(), typed.tolist(),
                len(typed), str(typed.dtype), typed.element_size(), t.is_storage(s),
                t.is_storage(x), t.UntypedStorage(4).nbytes(), t.FloatStorage([1, 2]).tolist(),
                x.t().storage_offset(), x[1].storage_offset(), x.nbytes, x.itemsize,
            ])  # fmt: skip
    assert found[0] == found[1]


def test_a_file_object_of_pickles_and_tensors():
    file = io.BytesIO()
    pickle.dump(tensor_core.arange(3), file)
    tensor_core.save(tensor_core.ones(1), file)
    file.seek(0)
    assert pickle.load(file).tolist() == [0, 1, 2]


def test_annotations_of_jaxtyping():
    """``Float[Tensor, "b c"]`` knows shapes and types of tensors by their attributes alone."""
    found = []
    for t in BOTH:
        kinds = (jaxtyping.Float, jaxtyping.Int, jaxtyping.Bool, jaxtyping.BFloat16)
        values = (t.ones(2, 3), t.ones(2), t.ones(2, 3).long(), t.ones(2, 3) > 0)
        values += (t.ones(1, 2).to(t.bfloat16),)
        found.append([[isinstance(v, k[t.Tensor, "b c"]) for k in kinds] for v in values])
    assert found[0] == found[1]

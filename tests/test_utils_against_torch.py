"""Checkpointing, trees, downloads and event files: as torch's, and no less memory-saving."""

import collections
import contextlib
import functools
import gc
import hashlib
import http.server
import threading
import weakref

import numpy as np
import pytest
import torch
import torch.utils._pytree
import torch.utils.checkpoint
from side_by_side import BOTH, array, close, error_of, tally

import tensor_core
import tensor_core.hub
import tensor_core.utils.checkpoint
import tensor_core.utils.tensorboard

MODES = [False, True]


def gradients(t, program, reentrant):
    """Output, gradients and the next random numbers of a program with a checkpoint in it."""
    t.manual_seed(3)
    model = t.nn.Sequential(t.nn.Linear(4, 8), t.nn.Tanh(), t.nn.Dropout(0.5), t.nn.Linear(8, 2))
    x = t.arange(12.0).reshape(3, 4).div(7).requires_grad_()
    step = functools.partial(t.utils.checkpoint.checkpoint, use_reentrant=reentrant)
    t.manual_seed(4)
    y = program(t, model, x, step)
    y.sum().backward()
    found = [array(y), *(array(p.grad) for p in (x, *model.parameters()) if p.grad is not None)]
    return [*found, array(t.rand(3))]


PROGRAMS = {
    "a model": lambda t, m, x, step: step(m, x),
    "twice": lambda t, m, x, step: step(m, x) * step(m, x),
    "between": lambda t, m, x, step: step(m, x * 2).exp(),
    "nested": lambda t, m, x, step: step(lambda v: step(m, v) + v.sum(), x),
    "two inputs": lambda t, m, x, step: step(lambda a, b: m(a * b), x, x * 2),
    "several outputs": lambda t, m, x, step: sum(step(lambda v: (m(v), m(v * 2)), x)),
    "without its random numbers": lambda t, m, x, step: step(
        lambda v: m[0](v), x, preserve_rng_state=False
    ),
    "numbers beside tensors": lambda t, m, x, step: step(lambda v, k, s: m(v) * k, x, 3, "s"),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("reentrant", MODES)
def test_checkpointed_programs(name, reentrant):
    theirs, ours = (gradients(t, PROGRAMS[name], reentrant) for t in BOTH)
    for x, y in zip(ours, theirs, strict=True):
        close(x, y)
    plain = gradients(tensor_core, lambda t, m, x, s: PROGRAMS[name](t, m, x, without), False)
    for x, y in zip(ours, plain, strict=True):
        close(x, y)
    tally["checkpointed programs beside torch"] += 1


def without(function, *args, preserve_rng_state=True):
    return function(*args)


KEYED = {
    "keywords and nested values": lambda t, m, x, step: step(
        lambda v, more: {"out": m(v) + more["x"][0].sum()}, x, more={"x": [x * 3]}
    )["out"],
    "values from outside": lambda t, m, x, step: outside(t, m, x, step),
    "no input": lambda t, m, x, step: step(lambda: m(x.detach())),
}


def outside(t, m, x, step):
    h = m[0](x)  # computed before, and used in the checkpoint without being an argument
    return step(lambda v: m(v) + h.sum() * m[0](v).mean(), x)


@pytest.mark.parametrize("name", KEYED)
def test_checkpoints_without_reentry(name):
    theirs, ours = (gradients(t, KEYED[name], False) for t in BOTH)
    for x, y in zip(ours, theirs, strict=True):
        close(x, y)


def test_grad_sees_through_a_checkpoint():
    found = []
    for t in BOTH:
        w, x = t.ones(2, requires_grad=True), t.tensor([1.0, 2.0], requires_grad=True)
        step = t.utils.checkpoint.checkpoint
        y = step(lambda v, w=w: (v * w).sin(), x, use_reentrant=False)
        found.append([array(g) for g in t.autograd.grad(y.sum(), [w, x])])
    for x, y in zip(*found, strict=True):
        close(y, x)


@pytest.mark.parametrize("segments", [1, 2, 3, 4])
@pytest.mark.parametrize("reentrant", MODES)
def test_checkpointed_sequences(segments, reentrant):
    def program(t, m, x, step):
        run = t.utils.checkpoint.checkpoint_sequential
        return run(m, segments, x, use_reentrant=reentrant) + run(
            list(m), segments, x, use_reentrant=reentrant
        )

    for x, y in zip(*(gradients(t, program, reentrant) for t in reversed(BOTH)), strict=True):
        close(x, y)


def test_what_is_between_is_not_kept():
    kept = []

    def part(v):
        h = v.exp()
        kept.append(weakref.ref(h))
        return (h * h).sin()

    x = tensor_core.ones(3, requires_grad=True)
    y = tensor_core.utils.checkpoint.checkpoint(part, x, use_reentrant=False)
    gc.collect()
    assert [r() for r in kept] == [None]
    y.sum().backward()
    assert len(kept) == 2


CHECKPOINT_ERRORS = {
    "keywords": lambda c, t: c(lambda v: v, t.ones(1), use_reentrant=True, a=1),
    "contexts": lambda c, t: c(lambda v: v, t.ones(1), use_reentrant=True, debug=True),
    "other shapes": lambda c, t: other_shapes(c, t),
    "twice": lambda c, t: twice(c, t),
}


def other_shapes(c, t):
    sizes = iter([2, 3])

    def part(v):
        return v.exp().expand(next(sizes), 1).sin()

    c(part, t.ones(1, requires_grad=True), use_reentrant=False).sum().backward()


def twice(c, t):
    y = c(lambda v: v.exp().sin(), t.ones(1, requires_grad=True), use_reentrant=False).sum()
    y.backward()
    y.backward()


@pytest.mark.parametrize("name", CHECKPOINT_ERRORS)
def test_checkpoint_errors(name):
    run = CHECKPOINT_ERRORS[name]
    theirs, ours = (error_of(lambda t=t: run(t.utils.checkpoint.checkpoint, t)) for t in BOTH)
    assert theirs is not None and ours is not None
    assert issubclass(ours, RuntimeError) == issubclass(theirs, RuntimeError)


def test_checkpoint_warns_alike():
    for t in BOTH:
        with pytest.warns(UserWarning, match="use_reentrant parameter should be passed"):
            t.utils.checkpoint.checkpoint(lambda v: v, t.ones(1, requires_grad=True))
        with pytest.warns(UserWarning, match="None of the inputs have requires_grad"):
            w = t.ones(1, requires_grad=True)
            y = t.utils.checkpoint.checkpoint(w.mul, t.ones(1), use_reentrant=True)
        assert not y.requires_grad


# -- trees -----------------------------------------------------------------------------------------

Point = collections.namedtuple("Point", ["x", "y"])
TREES = [
    1, [], (), {}, None, [1, (2, 3)], {"a": 1, "b": {"c": [2]}}, Point(1, [2]), "text",
    collections.OrderedDict(b=1, a=[2]), collections.defaultdict(list, a=[1]), [None, {1: (2,)}],
]  # fmt: skip


@pytest.mark.parametrize("tree", TREES, ids=repr)
def test_trees(tree):
    found = []
    for t in BOTH:
        p = t.utils._pytree
        leaves, form = p.tree_flatten(tree)
        back = p.tree_unflatten(leaves, form)
        mapped = p.tree_map(lambda v: [v], tree)
        only = p.tree_map_only(int, lambda v: v + 1, tree)
        found.append((leaves, form.num_leaves, back, type(back), mapped, only, p.tree_leaves(tree)))
    assert found[0] == found[1]


# -- downloads -------------------------------------------------------------------------------------


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """Nothing is said of requests."""


@contextlib.contextmanager
def served(folder):
    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_weights_by_address(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    there.mkdir()
    torch.save({"w": torch.arange(5.0)}, there / "net.pth")
    digest = hashlib.sha256((there / "net.pth").read_bytes()).hexdigest()[:8]
    (there / "net.pth").rename(there / f"net-{digest}.pth")
    (there / "bad-00000000.pth").write_bytes(b"something else")
    fetch = tensor_core.hub.load_state_dict_from_url
    with served(there) as address:
        url = f"{address}/net-{digest}.pth"
        assert fetch(url, str(here), check_hash=True)["w"].tolist() == [0, 1, 2, 3, 4]
        with pytest.raises(RuntimeError, match="invalid hash value"):
            fetch(f"{address}/bad-00000000.pth", str(here), check_hash=True)
        with pytest.raises(OSError, match="404"):
            fetch(f"{address}/none.pth", str(here))
    assert fetch(url, str(here))["w"].tolist() == [0, 1, 2, 3, 4]  # from the folder: nobody serves
    assert [p.name for p in here.iterdir()] == [f"net-{digest}.pth"]
    assert tensor_core.utils.model_zoo.load_url is fetch


# -- event files -----------------------------------------------------------------------------------


def test_event_files_are_those_of_tensorboard(tmp_path):
    with tensor_core.utils.tensorboard.SummaryWriter(tmp_path) as writer:
        writer.add_scalar("loss", tensor_core.tensor(0.5), 300, walltime=1.0)
        writer.add_histogram("weights", tensor_core.ones(3), 1)
        writer.add_scalars("both", {"a": 1, "b": 2.0}, 2)
    (file,) = [p for p in tmp_path.iterdir() if p.is_file()]
    data, records = file.read_bytes(), []
    while data:
        length = int.from_bytes(data[:8], "little")
        records.append(data[12 : 12 + length])
        data = data[16 + length :]
    assert records[0].endswith(b"\x1a\x0dbrain.Event:2")
    # wall time, step, a summary of one value: its name and a float32
    expected = b"\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x10\xac\x02"
    expected += b"\x2a\x0d\x0a\x0b\x0a\x04loss\x15\x00\x00\x00\x3f"
    assert records[1:] == [expected]
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_dir()) == ["both_a", "both_b"]
    checksum = tensor_core.utils.tensorboard._checksum  # the value RFC 3720 gives, masked
    assert (
        checksum(b"\x00" * 32)
        == np.uint32(((0x8A9136AA >> 15 | 0x8A9136AA << 17) + 0xA282EAD8) & 0xFFFFFFFF).tobytes()
    )

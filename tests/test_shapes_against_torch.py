"""Shapes, views, factories and sparse matrices on both libraries: values, types, strides, memory,
errors."""

import warnings

import numpy as np
import pytest
import torch
from side_by_side import BOTH, close, error_of

import tensor_core

X = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)


# name: a program of a fresh tensor of shape (2, 3, 4), whose results are looked at in full.
VIEWS = {
    "ravel": lambda t, x: x.ravel(),
    "ravel of a transpose": lambda t, x: x.mT.ravel(),
    "atleast": lambda t, x: [t.atleast_1d(x[0, 0, 0]), t.atleast_2d(x[0, 0]), t.atleast_3d(x[0])],
    "atleast several": lambda t, x: t.atleast_2d(x[0, 0], x[0], x),
    "swapaxes": lambda t, x: [t.swapaxes(x, 0, 2), t.swapdims(x, 0, 1), t.moveaxis(x, 0, -1)],
    "movedim": lambda t, x: t.movedim(x, (0, 1), (2, 0)),
    "adjoint": lambda t, x: [x.adjoint(), x.mH, x[0].H],
    "tensor_split": lambda t, x: [*x.tensor_split(2, -1), *x.tensor_split((1, 3), 2)],
    "tensor_split beyond": lambda t, x: [p + 1 for p in x.tensor_split((1, 7), 2)],
    "tensor_split by tensor": lambda t, x: t.tensor_split(x, t.tensor([1]), dim=2),
    "hsplit": lambda t, x: [*t.hsplit(x, 3), *t.vsplit(x, 2), *t.dsplit(x, (1,))],
    "split_with_sizes": lambda t, x: x.split_with_sizes([1, 3], 2),
    "chunk": lambda t, x: x.chunk(3, -1),
    "unbind": lambda t, x: x.unbind(1),
    "select": lambda t, x: [x.select(1, -1), t.select(x, 0, 1)],
    "narrow": lambda t, x: x.narrow(2, t.tensor(1), 2),
    "unfold": lambda t, x: [x.unfold(2, 2, 1), x.unfold(1, 2, 1), x.unfold(-1, 3, 2)],
    "as_strided": lambda t, x: [x.as_strided((2, 2), (1, 5), 3), x[1].as_strided((3,), (2,))],
    "expand": lambda t, x: [x[:, :1].expand(2, 5, 4), x[0, 0].expand(3, 4), x[..., :1].expand(
        -1, -1, 2)],
    "expand_as": lambda t, x: x[:1].expand_as(x),
    "broadcast_to": lambda t, x: t.broadcast_to(x[0, :1], (2, 3, 4)),
    "broadcast_tensors": lambda t, x: t.broadcast_tensors(x[:1], x[:, :1]),
    "meshgrid": lambda t, x: t.meshgrid(x[0, 0], x[1, :, 0], indexing="ij"),
    "meshgrid xy": lambda t, x: t.meshgrid(x[0, 0], x[1, :, 0], indexing="xy"),
    "diagonal": lambda t, x: [x.diagonal(1, 1, 2), t.linalg.diagonal(x)],
    "squeeze": lambda t, x: [x[:1].squeeze(), x[:1, :1].squeeze((0, 1)), x.squeeze(0)],
    "flatten": lambda t, x: [x.flatten(1), x.flatten(0, 1), x.flatten(-2, -1), x.mT.flatten(1)],
    "unflatten": lambda t, x: x.unflatten(-1, (2, -1)),
    "view as bits": lambda t, x: [x.view(t.int32), x.view(t.int16), x.view(t.float64)],
    "view_as": lambda t, x: [x.view_as(t.zeros(6, 4)), x.reshape_as(t.zeros(4, 6))],
    "t_": lambda t, x: [x[0].t_(), x.transpose_(0, 2), x.unsqueeze_(1), x.squeeze_(1)],
    "swapaxes_": lambda t, x: [x.swapaxes_(0, 1), x.swapdims_(1, 2)],
    "as_strided_": lambda t, x: x.as_strided_((2, 2), (2, 1), 1),
    "resize_": lambda t, x: [x.resize_(3, 2), x.resize_as_(t.zeros(2, 2))],
    "set_": lambda t, x: [t.zeros(1).set_(x), t.zeros(0).set_(x[1])],
    "contiguous": lambda t, x: [x.contiguous(), x.mT.contiguous()],
    "channels last": lambda t, x: [
        x[None].contiguous(memory_format=t.channels_last),
        x[None].to(memory_format=t.channels_last),
        x[None].clone(memory_format=t.channels_last),
        t.empty_like(x[None], memory_format=t.channels_last).zero_(),
    ],
    "clone": lambda t, x: [
        x.mT.clone(), x[:, :, ::2].clone(), x[:1].expand(2, 3, 4).clone(),
        x.mT.clone(memory_format=t.contiguous_format), x.permute(2, 0, 1).clone(),
    ],
    "zeros_like": lambda t, x: [
        t.zeros_like(x.mT), t.ones_like(x[:, :, ::2]), t.full_like(x.permute(2, 0, 1), 3),
        t.zeros_like(x[:, :1].expand(2, 3, 4)),
    ],
    "empty_strided": lambda t, x: [
        t.empty_strided((2, 3), (1, 2)).zero_(), x.new_empty_strided((2, 2), (4, 1)).zero_(),
        t.empty_permuted((2, 3, 4), (0, 2, 1)).zero_(),
    ],
    "copies": lambda t, x: [
        x.narrow_copy(2, 1, 2), t.tile(x, (2,)), x.tile(1, 2, 1), t.rot90(x, 1, (1, 2)),
        x.fliplr(), x.flipud(), t.diag(x[0]), t.diag(x[0, 0], 1), t.diagflat(x[0], -1),
        t.diag_embed(x[0], 0, 0, 2),
    ],
    "joined": lambda t, x: [
        t.concat([x, x], 1), t.column_stack([x[0, :, 0], x[0]]), t.dstack([x[0], x[1]]),
        t.row_stack([x[0, 0], x[0]]), t.hstack([x[0, 0], x[1, 1]]), t.block_diag(x[0], x[1, 0]),
    ],
    "combined": lambda t, x: [
        t.cartesian_prod(x[0, 0], x[0, :2, 0]), t.combinations(x[0, 0], 3),
        t.combinations(x[0, 0, :2], with_replacement=True), t.cartesian_prod(x[0, 0]),
    ],
    "triangles": lambda t, x: [
        t.tril_indices(3, 4), t.triu_indices(3, 2, 1), t.tril_indices(2, 3, -1, dtype=t.int32),
    ],
    "places": lambda t, x: [
        t.argwhere(x > 5), *(w + 0 for w in t.where(x > 20)),
        *(w + 0 for w in t.unravel_index(t.tensor([5, 23]), (2, 3, 4))),
        t.nonzero_static(x > 20, size=5), t.take(x, t.tensor([[3, -1]])),
        x.masked_select(x > 20), t.masked_select(x, t.tensor([True, False, False, True])),
        t.isin(x, t.tensor([3.0, 4.0])), t.isin(t.tensor([1, 2]), 2),
    ],
    "written": lambda t, x: [
        x.clone().put_(t.tensor([0, 23]), t.tensor([7.0, 8.0])),
        x.clone().index_fill_(1, t.tensor([0, 2]), 5),
        x.clone().index_copy_(0, t.tensor([1, 0]), x),
        x.clone().masked_scatter_(x > 10, x.mT),
        x.clone().fill_diagonal_(9) if x.shape[0] == x.shape[1] else x[0].clone().fill_diagonal_(9),
        t.zeros(5, 2).fill_diagonal_(3, wrap=True), t.zeros(2, 5).fill_diagonal_(3),
        x.clone().scatter_(2, t.tensor([[[0, 3]]]), 1.5),
        x.clone().scatter_(2, t.tensor([[[0, 3]]]), 1.5, reduce="multiply"),
    ],
    "python": lambda t, x: [
        x.clone().apply_(lambda v: v * 2), x.clone().map_(x, lambda a, b: a + b),
        x.new([1, 2]), x.new(2, 0), x.new_full((2,), 3), x.new_tensor([1, 2]),
    ],
    "products of integers": lambda t, x: [
        t.addmm(t.tensor([1, 2]), t.tensor([[1, 2]]), t.tensor([[1, 2], [3, 4]]), beta=2, alpha=3),
        t.kron(t.tensor([1, 2]), t.tensor([[1], [3]])), t.trace(t.tensor([[1, 2], [3, 4]])),
        t.inner(t.tensor([1, 2]), t.tensor([3, 4])), t.vdot(t.tensor([1, 2]), t.tensor([3, 4])),
        t.tensordot(t.tensor([[1, 2]]), t.tensor([[1], [2]]), 1), t.matrix_power(
            t.tensor([[1.0, 1], [0, 1]]), 3), t.vander(t.tensor([1, 2, 3]), 2, True),
        t.addmm(t.tensor(float("nan")), x[0], x[0].mT, beta=0),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", VIEWS)
def test_results_strides_and_memory(name):
    seen = []
    for library in BOTH:
        x = library.from_numpy(X.copy())
        made = VIEWS[name](library, x)
        made = list(made) if isinstance(made, list | tuple) else [made]
        facts = []
        for y in made:
            shares = x.numel() > 0 and _overlap(x, y)
            facts.append((
                tuple(y.shape), y.stride(), y.storage_offset(), str(y.dtype), y.is_contiguous(),
                shares, y._is_view() if shares and not name.endswith("_") else None,
            ))  # fmt: skip
        seen.append((facts, [np.array(y.contiguous().numpy()) for y in made]))
    (theirs, a), (ours, b) = seen
    for i, (mine, torchs) in enumerate(zip(ours, theirs, strict=True)):
        assert mine == torchs, f"result {i}: {mine}, torch has {torchs}"
    for i, (mine, torchs) in enumerate(zip(b, a, strict=True)):
        close(mine, torchs, what=f"result {i}")


def _overlap(x, y):
    """Whether two tensors look into the same memory."""
    first, second = (np.asarray(t.detach()) for t in (x, y))
    return np.may_share_memory(first, second)


# What both refuse, with the same type of error.
ERRORS = {
    "atleast": lambda t: t.fliplr(t.zeros(2)),
    "rot90 same": lambda t: t.rot90(t.zeros(2, 2), 1, (0, 0)),
    "rot90 one": lambda t: t.rot90(t.zeros(2, 2), 1, (0,)),
    "tensor_split 0-d": lambda t: t.tensor_split(t.zeros(()), 2),
    "tensor_split none": lambda t: t.tensor_split(t.zeros(3), 0),
    "hsplit uneven": lambda t: t.hsplit(t.zeros(3), 2),
    "vsplit vector": lambda t: t.vsplit(t.zeros(3), 3),
    "select 0-d": lambda t: t.zeros(()).select(0, 0),
    "select beyond": lambda t: t.zeros(2).select(0, 2),
    "unfold too long": lambda t: t.zeros(3).unfold(0, 4, 1),
    "unfold step": lambda t: t.zeros(3).unfold(0, 2, 0),
    "as_strided beyond": lambda t: t.zeros(3).as_strided((2, 2), (2, 1)),
    "as_strided lengths": lambda t: t.zeros(3).as_strided((2, 2), (1,)),
    "as_strided negative": lambda t: t.zeros(3).as_strided((2,), (-1,)),
    "broadcast": lambda t: t.broadcast_tensors(t.zeros(2), t.zeros(3)),
    "broadcast_shapes": lambda t: t.broadcast_shapes((2,), (3,)),
    "meshgrid matrix": lambda t: t.meshgrid(t.zeros(2, 2), indexing="ij"),
    "meshgrid indexing": lambda t: t.meshgrid(t.zeros(2), indexing="yx"),
    "cartesian": lambda t: t.cartesian_prod(t.zeros(2, 2)),
    "combinations": lambda t: t.combinations(t.zeros(2, 2)),
    "diag": lambda t: t.diag(t.zeros(2, 2, 2)),
    "diag_embed": lambda t: t.diag_embed(t.zeros(2), 0, 0, 0),
    "trace": lambda t: t.trace(t.zeros(2)),
    "H": lambda t: t.zeros(2, 2, 2).H,
    "adjoint": lambda t: t.zeros(2).adjoint(),
    "view bits": lambda t: t.zeros(3).view(t.float64),
    "t_ leaf": lambda t: t.zeros(2, 2, requires_grad=True).t_(),
    "resize_ leaf": lambda t: t.zeros(2, requires_grad=True).resize_(3),
    "set_ type": lambda t: t.zeros(2).set_(t.zeros(2, dtype=t.int64)),
    "channels last": lambda t: t.zeros(2, 3).contiguous(memory_format=t.channels_last),
    "take beyond": lambda t: t.take(t.zeros(2), t.tensor([2])),
    "put_ count": lambda t: t.zeros(2).put_(t.tensor([0]), t.zeros(2)),
    "put_ type": lambda t: t.zeros(2).put_(t.tensor([0]), t.zeros(1, dtype=t.int64)),
    "masked_select": lambda t: t.masked_select(t.zeros(2), t.tensor([0, 1])),
    "masked_scatter few": lambda t: t.zeros(2).masked_scatter_(t.tensor([True, True]), t.zeros(1)),
    "masked_scatter type": lambda t: t.zeros(2).masked_scatter_(
        t.tensor([True, True]), t.zeros(2, dtype=t.int64)),
    "index_copy beyond": lambda t: t.zeros(2).index_copy_(0, t.tensor([2]), t.zeros(1)),
    "index_copy shape": lambda t: t.zeros(2, 3).index_copy_(0, t.tensor([0]), t.zeros(2, 2)),
    "index_fill beyond": lambda t: t.zeros(2).index_fill_(0, t.tensor([5]), 1.0),
    "index_fill value": lambda t: t.zeros(2).index_fill_(0, t.tensor([0]), t.zeros(2)),
    "index_put type": lambda t: t.zeros(2).index_put_((t.tensor([0]),), t.tensor([1])),
    "index_put beyond": lambda t: t.zeros(2).index_put_((t.tensor([3]),), t.zeros(1)),
    "scatter index": lambda t: t.zeros(2).scatter_(0, t.tensor([0], dtype=t.int16), 1.0),
    "scatter beyond": lambda t: t.zeros(2).scatter_(0, t.tensor([4]), 1.0),
    "scatter type": lambda t: t.zeros(2).scatter_(0, t.tensor([0]), t.tensor([1])),
    "scatter short": lambda t: t.zeros(2).scatter_(0, t.tensor([0, 1]), t.zeros(1)),
    "scatter how": lambda t: t.zeros(2).scatter_(0, t.tensor([0]), 1.0, reduce="max"),
    "scatter_reduce how": lambda t: t.zeros(2).scatter_reduce(0, t.tensor([0]), t.ones(1), "x"),
    "fill_diagonal_": lambda t: t.zeros(2).fill_diagonal_(1),
    "fill_diagonal_ box": lambda t: t.zeros(2, 2, 3).fill_diagonal_(1),
    "unravel_index": lambda t: t.unravel_index(t.tensor([1.0]), (2,)),
    "select_scatter": lambda t: t.select_scatter(t.zeros(2, 2), t.zeros(3), 0, 0),
    "addmm": lambda t: t.addmm(t.zeros(1), t.zeros(2, 3), t.zeros(2, 3)),
    "addmm type": lambda t: t.addmm(t.zeros(1), t.zeros(2, 3), t.zeros(3, 2).double()),
    "addmv": lambda t: t.addmv(t.zeros(1), t.zeros(2, 3), t.zeros(2)),
    "baddbmm": lambda t: t.baddbmm(t.zeros(1), t.zeros(2, 3, 1), t.zeros(3, 1, 2)),
    "inner": lambda t: t.inner(t.zeros(2), t.zeros(3)),
    "vdot": lambda t: t.vdot(t.zeros(2), t.zeros(3)),
    "cross": lambda t: t.cross(t.zeros(2), t.zeros(2), dim=0),
    "cross none": lambda t: t.cross(t.zeros(2), t.zeros(2)),
    "tensordot": lambda t: t.tensordot(t.zeros(2, 3), t.zeros(4, 3), 1),
    "cdist": lambda t: t.cdist(t.zeros(2, 3), t.zeros(2, 4)),
    "matmul": lambda t: t.zeros(2, 3) @ t.zeros(2, 3),
    "matmul 0-d": lambda t: t.zeros(()) @ t.zeros(2),
    "matmul batch": lambda t: t.zeros(2, 1, 1) @ t.zeros(3, 1, 1),
    "einsum": lambda t: t.einsum("ij,jk->ik", t.zeros(2, 3), t.zeros(2, 3)),
    "einsum letters": lambda t: t.einsum("i1->i", t.zeros(2, 3)),
    # factories
    "tensor of a string": lambda t: t.tensor("a"),
    "tensor of bytes": lambda t: t.tensor(b"a"),
    "tensor of strings": lambda t: t.tensor([1, "a"]),
    "tensor of None": lambda t: t.tensor(None),
    "tensor with None": lambda t: t.tensor([1, None]),
    "tensor of a dict": lambda t: t.tensor({1: 2}),
    "tensor ragged": lambda t: t.tensor([[1, 2], [3]]),
    "tensor of depths": lambda t: t.tensor([1, [2]]),
    "tensor of other depths": lambda t: t.tensor([[1], 2]),
    "tensor too large": lambda t: t.tensor(2**63),
    "tensor of a wide byte": lambda t: t.tensor([300], dtype=t.uint8),
    "tensor of NaN": lambda t: t.tensor(float("nan"), dtype=t.int64),
    "tensor of complex": lambda t: t.tensor(1j, dtype=t.float32),
    "tensor with a gradient": lambda t: t.tensor([1], requires_grad=True),
    "asarray": lambda t: t.asarray([1, 2], copy=False),
    "zeros of a float": lambda t: t.zeros(2.5),
    "zeros of a string": lambda t: t.zeros("a"),
    "zeros negative": lambda t: t.zeros(-1),
    "zeros unknown": lambda t: t.zeros(2, colour=1),
    "zeros with a gradient": lambda t: t.zeros(2, dtype=t.int64, requires_grad=True),
    "eye": lambda t: t.eye(-1),
    "arange step": lambda t: t.arange(0, 1, 0),
    "arange whole step": lambda t: t.arange(0, 1, 0.1, dtype=t.int64),
    "arange sign": lambda t: t.arange(3, 0),
    "arange endless": lambda t: t.arange(0, float("inf")),
    "linspace": lambda t: t.linspace(0, 1, -1),
    "empty_permuted": lambda t: t.empty_permuted((2, 3), (0, 0)),
    "vander": lambda t: t.vander(t.zeros(2, 2)),
    "frombuffer": lambda t: t.frombuffer(bytearray(3), dtype=t.int32),
    # sparse
    "sparse counts": lambda t: t.sparse_coo_tensor([[0, 1]], [1.0], (2,)),
    "sparse dimensions": lambda t: t.sparse_coo_tensor([[0]], [1.0], (2, 2)),
    "sparse uncoalesced": lambda t: t.sparse_coo_tensor([[0, 0]], [1.0, 2.0], (2,)).indices(),
    "sparse product": lambda t: t.eye(2).to_sparse() @ t.zeros(3, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    theirs, ours = (error_of(lambda lib=lib: ERRORS[name](lib)) for lib in BOTH)
    assert theirs is not None
    assert ours is not None and ours.__name__ == theirs.__name__


DATA = {
    "integers": [1, 2], "truths": [True, False], "mixed": [True, 2, 3.5], "empty": [],
    "nested empty": [[], []], "range": range(3), "tuple": ((1, 2), (3, 4)), "complex": [1j, 2],
    "number": 2.5, "large": 1e39, "numpy scalar": np.float64(1.5),
    "numpy scalars": [np.float32(1), 2.0], "numpy integer": [np.int32(1)],
    "numpy arrays": [np.ones(2), [1, 2]], "numpy": np.ones(2, np.float16),
}  # fmt: skip


@pytest.mark.parametrize("name", DATA)
def test_types_of_data(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, ours = (np.asarray(lib.tensor(DATA[name])) for lib in BOTH)
    close(ours, theirs)


FACTORIES = {
    "tensors": lambda t: t.tensor([t.tensor(1.0, dtype=t.float64), 2]),
    "one-element tensors": lambda t: t.tensor([t.tensor([1]), t.tensor([3])]),
    "as_tensor": lambda t: t.as_tensor([1, 2], dtype=t.float32),
    "a negative byte": lambda t: t.tensor([-1], dtype=t.uint8),
    "whole of a fraction": lambda t: t.tensor([1.7, -1.7], dtype=t.int64),
    "logspace": lambda t: t.logspace(0, 2, 5),
    "logspace base": lambda t: t.logspace(0, 2, 3, base=2, dtype=t.int64),
    "range": lambda t: t.range(0, 2, 0.5),
    "linspace whole": lambda t: t.linspace(0, 10, 4, dtype=t.int64),
    "linspace of tensors": lambda t: t.linspace(t.tensor(0.0), t.tensor(1.0), 7),
    "arange of a tensor": lambda t: t.arange(t.tensor(3)),
    "arange fractions": lambda t: t.arange(2.5),
    "full": lambda t: t.full((2,), True),
    "full complex": lambda t: t.full((2,), 1j),
    "full_like": lambda t: t.full_like(t.zeros(2, dtype=t.int64), 2.7),
    "zeros out": lambda t: t.zeros(2, 2, out=t.ones(2, 2)),
    "zeros named": lambda t: t.zeros(size=(2,), dtype=t.int8, layout=t.strided, device="cpu"),
    "eye": lambda t: t.eye(2, 3, dtype=t.int64),
    "vander": lambda t: t.vander(t.tensor([1.0, 2, 3]), 4),
    "frombuffer": lambda t: t.frombuffer(bytearray(b"abcdefgh"), dtype=t.int16, offset=2, count=2),
    "asarray": lambda t: t.asarray([1, 2.5], requires_grad=True),
    "sparse": lambda t: t.sparse_coo_tensor([[0, 1, 1], [2, 0, 0]], [1, 2, 3]).to_dense(),
    "hybrid": lambda t: t.sparse_coo_tensor([[0, 1]], [[1.0, 2], [3, 4]], (3, 2)).to_dense(),
    "to_sparse": lambda t: t.eye(3).to_sparse().indices(),
    "sparse sum": lambda t: (t.eye(2).to_sparse() + t.ones(2, 2).to_sparse() * 2).to_dense(),
    "sparse t": lambda t: t.sparse_coo_tensor([[0], [2]], [1.0], (2, 3)).t().to_dense(),
    "windows": lambda t: t.cat([
        f(n, periodic) for n in (0, 1, 6) for periodic in (True, False)
        for f in (t.hann_window, t.hamming_window, t.blackman_window, t.bartlett_window,
                  t.kaiser_window)
    ]),
    "frequencies": lambda t: t.cat([t.fft.fftfreq(5), t.fft.rfftfreq(4, 0.5)]),
    "shifted": lambda t: t.fft.ifftshift(t.fft.fftshift(t.arange(5))) + t.fft.fftshift(t.arange(5)),
    "transform": lambda t: t.view_as_real(t.fft.fft(t.arange(5.0), norm="ortho")),
    "rfft and back": lambda t: t.fft.irfft(t.fft.rfft(t.arange(6.0)), n=6),
    "fft2": lambda t: t.view_as_real(t.fft.fft2(t.arange(6.0).reshape(2, 3))),
    "rfftn": lambda t: t.view_as_real(t.fft.rfftn(t.arange(24.0).reshape(2, 3, 4))),
    "irfftn": lambda t: t.fft.irfftn(t.fft.rfftn(t.arange(24.0).reshape(2, 3, 4)), (2, 3, 4)),
}  # fmt: skip


@pytest.mark.parametrize("name", FACTORIES)
def test_factories(name):
    theirs, ours = (FACTORIES[name](library) for library in BOTH)
    close(ours.detach().numpy(), theirs.detach().numpy())
    assert (ours.requires_grad, ours.stride()) == (theirs.requires_grad, theirs.stride())


SPARSE = {
    "plain": lambda t: t.sparse_coo_tensor([[0, 1], [1, 0]], [1.0, 2.0], (2, 2)),
    "of doubles": lambda t: t.sparse_coo_tensor([[0, 1]], t.tensor([1.0, 2.0], dtype=t.float64)),
    "with a gradient": lambda t: t.sparse_coo_tensor([[0]], [1.0], (2,), requires_grad=True),
    "long": lambda t: t.eye(3).to_sparse(),
}


@pytest.mark.parametrize("name", SPARSE)
def test_sparse_looks_as_torchs(name):
    theirs, ours = (SPARSE[name](library) for library in BOTH)
    assert repr(ours) == repr(theirs)
    assert (ours.is_sparse, tuple(ours.shape), repr(ours.layout)) == (
        True, tuple(theirs.shape), repr(theirs.layout)
    )  # fmt: skip


def test_sparse_indices_are_checked_at_once():
    for places in ([[-1]], [[2]]):
        with pytest.raises(RuntimeError, match="index"):
            tensor_core.sparse_coo_tensor(places, [1.0], (2,))


def test_what_sparse_does_not_do_is_said():
    for action in (lambda x: x.exp(), lambda x: x[0], lambda x: x * x):
        with pytest.raises(NotImplementedError, match="to_dense"):
            action(tensor_core.eye(2).to_sparse())


def test_views_keep_their_gradients_through_writes():
    """Writing through every view is seen by the base, and differentiated."""
    for view in (
        lambda x: x.as_strided((2, 2), (3, 1), 1), lambda x: x.unfold(1, 2, 2)[:, 0],
        lambda x: x.select(1, 2), lambda x: x.tensor_split(2)[1], lambda x: x.mT.unsqueeze_(0),
    ):  # fmt: skip
        grads = []
        for library in BOTH:
            x = library.arange(6.0).reshape(2, 3).requires_grad_()
            y = x * 2
            part = view(y)
            part.mul_(library.full(part.shape, 3.0))
            (y * y).sum().backward()
            grads.append((x.grad.numpy(), y.detach().numpy()))
        for ours, theirs in zip(grads[1], grads[0], strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_in_place_views_follow_the_graph():
    for change in (
        lambda y: y.t_(), lambda y: y.unsqueeze_(1), lambda y: y[None].squeeze_(0),
        lambda y: y.transpose_(0, 1).mul_(2), lambda y: y[0].unsqueeze_(0).mul_(5),
    ):  # fmt: skip
        grads = []
        for library in BOTH:
            x = library.arange(6.0).reshape(2, 3).requires_grad_()
            y = x * x
            z = change(y)
            (z * library.arange(z.numel()).reshape(z.shape)).sum().backward()
            grads.append((x.grad.numpy(), tuple(z.shape)))
        assert grads[0][1] == grads[1][1]
        np.testing.assert_array_equal(grads[0][0], grads[1][0])


def test_type_facts():
    for ask in (
        lambda t: t.zeros(2, 3).mT.dim_order(), lambda t: t.zeros(1).get_device(),
        lambda t: t.zeros(1).is_pinned(), lambda t: repr(t.zeros(1).layout),
        lambda t: t.zeros(2).is_set_to(t.zeros(2)), lambda t: t.zeros(1).is_cpu,
        lambda t: t.zeros(1, 2, 3, 4).is_contiguous(memory_format=t.channels_last),
        lambda t: t.zeros(1, 2, 3, 4).to(memory_format=t.channels_last).is_contiguous(
            memory_format=t.channels_last),
        lambda t: tuple(t.broadcast_shapes((2, 1), 3)), lambda t: t.zeros(1).output_nr,
        lambda t: t.numel(t.zeros(2, 3)), lambda t: t.zeros(2, 3).itemsize,
    ):  # fmt: skip
        assert ask(tensor_core) == ask(torch)

"""RNN, LSTM and GRU, their cells and packed sequences on both libraries: the same numbers."""

import itertools
import warnings

import numpy as np
import pytest
import torch
from side_by_side import BOTH, array, close, error_of

import tensor_core

KINDS = ("RNN", "LSTM", "GRU")


def flat(value):
    """The tensors in a result, however it is nested."""
    if isinstance(value, tuple | list):
        return [t for v in value for t in flat(v)]
    return [] if value is None else [value]


def seeded(library, make):
    library.manual_seed(11)
    return make(library)


def compare(program, tolerance=(1e-5, 1e-5)):
    """Run a program on both libraries; all tensors it returns agree."""
    ours, theirs = (flat(program(library)) for library in (tensor_core, torch))
    assert len(ours) == len(theirs)
    for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        close(array(a), array(b), tolerance, what=f"result {k}")


def step(library, layer, *inputs):
    """Outputs of a layer, its parameters' gradients and the inputs'."""
    library.manual_seed(5)
    results = flat(layer(*inputs))
    loss = sum((y * y).sum() + y.sum() for y in results)
    loss.backward()
    return results, [p.grad for p in layer.parameters()], [x.grad for x in flat(inputs)]


def leaf(library, *shape, seed=0):
    values = np.random.default_rng(seed).normal(size=shape).astype("float32")
    return library.from_numpy(values).requires_grad_()


OPTIONS = [
    {},
    {"num_layers": 2, "bidirectional": True, "bias": False},
    {"num_layers": 3, "dropout": 0.4, "batch_first": True},
    {"num_layers": 2, "dropout": 0.3, "bidirectional": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", [*KINDS, "projected LSTM", "relu RNN"])
def test_a_training_step(kind, options):
    more = {"projected LSTM": {"proj_size": 2}, "relu RNN": {"nonlinearity": "relu"}}.get(kind, {})

    def program(library):
        layer = seeded(library, lambda t: getattr(t.nn, kind[-4:].strip())(3, 4, **options, **more))
        assert list(layer.state_dict()) == list(names)
        return list(layer.parameters()), step(library, layer, leaf(library, 5, 3, 3))

    names = getattr(torch.nn, kind[-4:].strip())(3, 4, **options, **more).state_dict()
    compare(program)


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_weights_are_torchs_bit_for_bit(kind):
    layers = [seeded(t, lambda t: getattr(t.nn, kind)(5, 6, 2, bidirectional=True)) for t in BOTH]
    for a, b in zip(*(layer.all_weights for layer in layers), strict=True):
        for p, q in zip(a, b, strict=True):
            assert np.array_equal(array(p), array(q))
    cells = [seeded(t, lambda t: getattr(t.nn, f"{kind}Cell")(5, 6)) for t in BOTH]
    for p, q in zip(*(cell.parameters() for cell in cells), strict=True):
        assert np.array_equal(array(p), array(q))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batched", [True, False])
def test_a_first_state(kind, batched):
    def program(library):
        layer = seeded(library, lambda t: getattr(t.nn, kind)(3, 4, 2, batch_first=True))
        batch = (2,) if batched else ()
        h, c = (leaf(library, 2, *batch, 4, seed=k) for k in (1, 2))
        first = (h, c) if kind == "LSTM" else h
        return step(library, layer, leaf(library, *batch, 5, 3), first)

    compare(program)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", OPTIONS[:2] + OPTIONS[3:], ids=str)
@pytest.mark.parametrize("ordered", [True, False])
def test_packed_sequences(kind, options, ordered):
    lengths = [4, 3, 3, 1] if ordered else [1, 3, 4, 3]

    def program(library):
        rnn = library.nn.utils.rnn
        layer = seeded(library, lambda t: getattr(t.nn, kind)(3, 4, **options))
        x = leaf(library, 4, 4, 3)
        packed = rnn.pack_padded_sequence(x, lengths, enforce_sorted=ordered)
        library.manual_seed(3)
        out, hidden = layer(packed)
        padded, sizes = rnn.pad_packed_sequence(out, True, -1.0, 6)
        sum((y * y).sum() for y in flat([padded, hidden])).backward()
        grads = [p.grad for p in layer.parameters()]
        return list(packed), out.data, padded, sizes, hidden, x.grad, grads

    compare(program)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batched", [True, False])
def test_cells(kind, batched):
    def program(library):
        cell = seeded(library, lambda t: getattr(t.nn, f"{kind}Cell")(3, 4, bias=batched))
        x = leaf(library, *((2, 3) if batched else (3,)))
        state = cell(x)
        state = cell(x, state)
        results = flat(state)
        sum((y * y).sum() for y in results).backward()
        return results, x.grad, [p.grad for p in cell.parameters()]

    compare(program)


def sequences(library):
    return [library.arange(n * 2).view(n, 2) + 10 * n for n in (2, 4, 1)]


PACKINGS = {
    "pack_sequence": lambda t, r: list(r.pack_sequence(sequences(t), enforce_sorted=False)),
    "unpack_sequence": lambda t, r: r.unpack_sequence(r.pack_sequence(sequences(t), False)),
    "pad left": lambda t, r: r.pad_sequence(sequences(t), True, 7, padding_side="left"),
    "unpad_sequence": lambda t, r: r.unpad_sequence(
        r.pad_sequence(sequences(t), batch_first=True), t.tensor([2, 4, 1]), batch_first=True
    ),
    "invert_permutation": lambda t, r: r.invert_permutation(t.tensor([2, 0, 1])),
    "to": lambda t, r: list(r.pack_sequence(sequences(t), False).double()),
    "of pair": lambda t, r: list(r.PackedSequence((t.ones(3), t.tensor([2, 1])))),
    "lengths as tensor": lambda t, r: list(
        r.pack_padded_sequence(t.ones(2, 3), t.tensor([2, 1, 1], dtype=t.int32))
    ),
    "index": lambda t, r: r.pack_sequence(sequences(t), False)[1],
}


@pytest.mark.parametrize("name", PACKINGS)
def test_packing(name):
    compare(lambda library: PACKINGS[name](library, library.nn.utils.rnn))


REPRS = {
    "RNN": lambda t: t.nn.RNN(3, 4, 2, "relu", dropout=0.5),
    "LSTM": lambda t: t.nn.LSTM(3, 4, bias=False, batch_first=True, proj_size=2),
    "GRU": lambda t: t.nn.GRU(3, 4, bidirectional=True),
    "RNNCell": lambda t: t.nn.RNNCell(3, 4, nonlinearity="relu"),
    "LSTMCell": lambda t: t.nn.LSTMCell(3, 4, bias=False),
    "GRUCell": lambda t: t.nn.GRUCell(3, 4),
}


@pytest.mark.parametrize("name", REPRS)
def test_reprs(name):
    assert repr(REPRS[name](tensor_core)) == repr(REPRS[name](torch))


WRONG = {
    "no dropout": lambda t: t.nn.LSTM(3, 4, dropout=1.5),
    "bool dropout": lambda t: t.nn.LSTM(3, 4, dropout=True),
    "bias": lambda t: t.nn.LSTM(3, 4, 1, 1),
    "batch_first": lambda t: t.nn.GRU(3, 4, batch_first=1),
    "input_size": lambda t: t.nn.GRU(0, 4),
    "hidden_size": lambda t: t.nn.GRU(3, 4.0),
    "num_layers": lambda t: t.nn.GRU(3, 4, 0),
    "proj_size": lambda t: t.nn.LSTM(3, 4, proj_size=4),
    "negative proj_size": lambda t: t.nn.LSTM(3, 4, proj_size=-1),
    "projected GRU": lambda t: t.nn.GRU(3, 4, proj_size=2),
    "nonlinearity": lambda t: t.nn.RNN(3, 4, nonlinearity="gelu"),
    "mode": lambda t: t.nn.RNNBase("CNN", 3, 4),
    "4-d": lambda t: t.nn.RNN(3, 4)(t.ones(1, 1, 1, 3)),
    "features": lambda t: t.nn.RNN(3, 4)(t.ones(2, 2, 4)),
    "dtype": lambda t: t.nn.LSTM(3, 4)(t.ones(2, 2, 3, dtype=t.float64)),
    "state's batch": lambda t: t.nn.GRU(3, 4)(t.ones(2, 2, 3), t.ones(1, 3, 4)),
    "state's dimensions": lambda t: t.nn.GRU(3, 4)(t.ones(2, 2, 3), t.ones(2, 4)),
    "state's type": lambda t: t.nn.GRU(3, 4)(t.ones(2, 2, 3), t.ones(1, 2, 4, dtype=t.float64)),
    "unbatched state": lambda t: t.nn.RNN(3, 4)(t.ones(2, 3), t.ones(1, 2, 4)),
    "cell": lambda t: t.nn.LSTM(3, 4)(t.ones(2, 2, 3), (t.ones(1, 2, 4), t.ones(1, 2, 3))),
    "no steps": lambda t: t.nn.LSTM(3, 4)(t.ones(0, 2, 3)),
    "cell's input": lambda t: t.nn.LSTMCell(3, 4)(t.ones(2, 4)),
    "cell's 3-d": lambda t: t.nn.GRUCell(3, 4)(t.ones(2, 2, 3)),
    "cell's state": lambda t: t.nn.RNNCell(3, 4)(t.ones(2, 3), t.ones(1, 4)),
    "cell's nonlinearity": lambda t: t.nn.RNNCell(3, 4, nonlinearity="gelu")(t.ones(2, 3)),
    "rising lengths": lambda t: t.nn.utils.rnn.pack_padded_sequence(t.ones(3, 2), [1, 3]),
    "number of lengths": lambda t: t.nn.utils.rnn.pack_padded_sequence(t.ones(3, 2), [3]),
    "no length": lambda t: t.nn.utils.rnn.pack_padded_sequence(t.ones(3, 2), [3, 0]),
    "empty": lambda t: t.nn.utils.rnn.pack_padded_sequence(t.ones(3, 0), []),
    "total length": lambda t: t.nn.utils.rnn.pad_packed_sequence(
        t.nn.utils.rnn.pack_padded_sequence(t.ones(3, 2), [3, 1]), total_length=2
    ),
    "padding side": lambda t: t.nn.utils.rnn.pad_sequence([t.ones(3)], padding_side="top"),
    "no pair": lambda t: t.nn.utils.rnn.PackedSequence(t.ones(3)),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_same_kind_of_error(name):
    theirs = error_of(lambda: WRONG[name](torch))
    assert theirs is not None
    assert error_of(lambda: WRONG[name](tensor_core)) is theirs


def test_a_warning_of_useless_dropout():
    for library, kind in itertools.product(BOTH, KINDS):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            getattr(library.nn, kind)(3, 4, dropout=0.5)
        assert [w.category for w in said] == [UserWarning]
        assert said[0].filename == __file__ or library is torch

"""Recurrent layers and packed sequences by their own laws."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tensor_core as torch
from tensor_core import nn
from tensor_core.nn.utils.rnn import (
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpack_sequence,
)

KINDS = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}
lengths = st.lists(st.integers(1, 5), min_size=1, max_size=4)


def state(result):
    """The state h of what a layer or a cell returns."""
    return result[0] if isinstance(result, tuple) else result


def near(a, b):
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-5, atol=1e-6)


@given(lengths)
@settings(max_examples=20, deadline=None)
def test_packing_and_unpacking_give_the_sequences_back(sizes):
    sequences = [torch.randn(n, 2) for n in sizes]
    packed = pack_sequence(sequences, enforce_sorted=False)
    assert packed.batch_sizes.sum().item() == sum(sizes) == len(packed.data)
    for before, after in zip(sequences, unpack_sequence(packed), strict=True):
        assert torch.equal(before, after)
    padded, found = pad_packed_sequence(packed)
    assert torch.equal(padded, pad_sequence(sequences)) and found.tolist() == sizes


@pytest.mark.parametrize("kind", KINDS)
@given(lengths)
@settings(max_examples=10, deadline=None)
def test_a_packed_sequence_goes_its_way_as_if_it_were_alone(kind, sizes):
    layer = KINDS[kind](2, 3, 2, bidirectional=True)
    sequences = [torch.randn(n, 2) for n in sizes]
    out, hidden = layer(pack_sequence(sequences, enforce_sorted=False))
    for k, (sequence, states) in enumerate(zip(sequences, unpack_sequence(out), strict=True)):
        alone, last = layer(sequence)
        near(states, alone)
        near(state(hidden)[:, k], state(last))


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_is_its_cell_step_by_step(kind):
    layer = KINDS[kind](2, 3)
    cell = getattr(nn, f"{kind}Cell")(2, 3)
    cell.load_state_dict({k[:-3]: v for k, v in layer.state_dict().items()})
    x, now = torch.randn(4, 5, 2), None
    out, _ = layer(x)
    for t in range(4):
        now = cell(x[t], now)
        near(out[t], state(now))


@pytest.mark.parametrize("kind", KINDS)
def test_the_reverse_direction_reads_the_sequence_backwards(kind):
    both = KINDS[kind](2, 3, bidirectional=True)
    back = KINDS[kind](2, 3)
    weights = {k[:-8]: v for k, v in both.state_dict().items() if k.endswith("_reverse")}
    back.load_state_dict(weights)
    x = torch.randn(4, 5, 2)
    near(both(x)[0][..., 3:], back(x.flip(0))[0].flip(0))


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_sequence_may_be_read_in_parts(kind):
    layer = KINDS[kind](2, 3, 2, batch_first=True)
    x = torch.randn(4, 6, 2)
    first, hidden = layer(x[:, :2])
    second, last = layer(x[:, 2:], hidden)
    whole, end = layer(x)
    near(torch.cat([first, second], 1), whole)
    near(state(last), state(end))


@pytest.mark.parametrize("kind", KINDS)
def test_copies_learn_on_their_own(kind):
    layer = KINDS[kind](2, 3)
    x = torch.randn(4, 5, 2)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        near(layer(x)[0], other(x)[0])
        with torch.no_grad():
            other.weight_hh_l0.zero_()
        assert other.all_weights[0][1].sum().item() == 0
        assert not torch.equal(layer(x)[0], other(x)[0])
    layer.flatten_parameters()
    assert layer.double()(x.double())[0].dtype is torch.float64


def test_backward_through_weights_changed_since_raises():
    layer = nn.LSTM(2, 3)
    out, _ = layer(torch.randn(4, 5, 2))
    with torch.no_grad():
        layer.weight_hh_l0.add_(1)
    with pytest.raises(RuntimeError, match=r"lstm_layer: .*modified by an inplace operation"):
        out.sum().backward()


def test_dropout_between_layers_only_while_training():
    layer = nn.GRU(2, 30, 2, dropout=0.5)
    x = torch.randn(3, 1, 2)
    assert not torch.equal(layer(x)[0], layer(x)[0])
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])


def test_errors_name_what_is_wrong():
    with pytest.raises(RuntimeError, match="Expected 3, got 4"):
        nn.RNN(3, 2)(torch.ones(1, 1, 4))
    with pytest.raises(RuntimeError, match="enforce_sorted=False"):
        pack_padded_sequence(torch.ones(3, 2), [1, 3])

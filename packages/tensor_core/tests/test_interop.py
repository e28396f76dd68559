"""Sharing memory, copying, pickling; trees and checkpoints: without torch at hand."""

import copy
import pickle

import numpy as np
import pytest

import tensor_core as torch
from tensor_core.utils import _pytree, checkpoint, dlpack, hooks


def test_memory_goes_both_ways_through_dlpack():
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    t = torch.from_dlpack(a)
    t[0, 0] = 9
    assert a[0, 0] == 9 and np.from_dlpack(t)[0, 0] == 9
    assert dlpack.from_dlpack(dlpack.to_dlpack(t)).data_ptr() == t.data_ptr()
    copied = torch.from_dlpack(a, copy=True)
    copied[0, 0] = 1
    assert a[0, 0] == 9
    with pytest.raises(BufferError, match=r"detach\(\)"):
        torch.ones(1, requires_grad=True).__dlpack__()
    with pytest.raises(AttributeError, match="__dlpack__"):
        torch.from_dlpack([1])


def test_read_only_memory_stays_as_it_is():
    a = np.ones(2)
    a.flags.writeable = False
    t = torch.from_dlpack(a)
    with pytest.raises((ValueError, RuntimeError)):
        t[0] = 3
    assert a.tolist() == [1.0, 1.0]


def test_a_view_of_an_array_ends_where_it_ends():
    big = np.zeros(1000)
    t = torch.from_numpy(big[10:12])
    assert t.untyped_storage().nbytes() == 16 and t.storage_offset() == 0
    t[1] = 4
    assert big[11] == 4


def test_arrays_and_storages_are_shared_on_the_device_they_are_on():
    a = np.zeros(2, np.float32)
    for share in (torch.as_tensor, torch.asarray):
        share(a, dtype=torch.float32, device="cpu").add_(1)
    assert a.tolist() == [2.0, 2.0]
    bits = torch.asarray(torch.from_numpy(a).untyped_storage(), dtype=torch.int32, device="cpu")
    bits[0] = 0
    assert bits.tolist() == [0, 0x40000000] and a.tolist() == [0.0, 2.0]


def test_deep_copies_share_what_the_originals_shared():
    base = torch.arange(4.0)
    both = copy.deepcopy({"a": base, "b": base[2:]})
    both["a"][3] = 9
    assert both["b"].tolist() == [2.0, 9.0] and base[3] == 3


def test_pickles_keep_type_flags_and_strides():
    p = torch.nn.Parameter(torch.ones(2, 3).t(), requires_grad=False)
    again = pickle.loads(pickle.dumps(p))
    assert type(again) is torch.nn.Parameter
    assert again.stride() == (1, 3) and not again.requires_grad


def test_trees():
    tree = {"a": [1, (2,)], "b": None}
    assert _pytree.tree_map(str, tree) == {"a": ["1", ("2",)], "b": "None"}
    with pytest.raises(ValueError, match="2 leaves for a form with 3"):
        _pytree.tree_unflatten([1, 2], _pytree.tree_flatten(tree)[1])


def test_a_checkpoint_repeats_the_random_numbers():
    x = torch.ones(64, requires_grad=True)
    torch.manual_seed(0)
    y = checkpoint.checkpoint(lambda v: torch.nn.functional.dropout(v) * v, x, use_reentrant=False)
    y.sum().backward()
    assert torch.equal(x.grad, 2 * y.detach())
    with pytest.raises(RuntimeError, match="cannot be differentiated"):
        y = checkpoint.checkpoint(torch.sin, x, use_reentrant=False)
        torch.autograd.grad(y.sum(), x, create_graph=True)


def test_handles():
    layer = torch.nn.Identity()
    handle = layer.register_forward_hook(lambda *args: None)
    assert isinstance(handle, hooks.RemovableHandle)

"""Modules: what assignment registers, what walks find, what state and copies hold."""

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import tensor_core as torch
from tensor_core import nn


class Pair(nn.Module):
    """Two layers that share a weight, a buffer in the state and one that is not."""

    def __init__(self):
        super().__init__()
        self.one = nn.Linear(3, 3)
        self.two = nn.Linear(3, 3, bias=False)
        self.two.weight = self.one.weight
        self.register_buffer("seen", torch.zeros(2))
        self.register_buffer("scratch", torch.ones(1), persistent=False)

    def forward(self, x):
        return self.two(self.one(x))


class Forgetful(nn.Module):
    """Assigns before it is initialised."""

    def __init__(self, value):
        self.thing = value


@pytest.mark.parametrize("value", [nn.Parameter(torch.zeros(1)), nn.Identity(), nn.Buffer()])
def test_assigning_before_init_raises(value):
    with pytest.raises(AttributeError, match=r"before Module.__init__\(\) call"):
        Forgetful(value)


def test_assignment_registers_by_kind():
    m = nn.Module()
    m.w = nn.Parameter(torch.zeros(2))
    m.child = nn.Identity()
    m.b = nn.Buffer(torch.ones(1))
    m.number = 3
    assert [n for n, _ in m.named_parameters()] == ["w"]
    assert [n for n, _ in m.named_children()] == ["child"]
    assert [n for n, _ in m.named_buffers()] == ["b"]
    assert m.number == 3 and "number" in m.__dict__ and "w" not in m.__dict__
    assert {"w", "child", "b", "number"} <= set(dir(m))


def test_a_name_has_one_meaning_at_a_time():
    m = nn.Module()
    m.x = 1
    m.x = nn.Parameter(torch.zeros(1))
    assert "x" not in m.__dict__ and "x" in m._parameters
    m.x = None
    assert m.x is None and list(m.parameters()) == []
    m.x = nn.Parameter(torch.ones(1))
    assert list(m.state_dict()) == ["x"]
    del m.x
    m.x = nn.Identity()
    assert isinstance(m.x, nn.Identity) and "x" not in m._parameters


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("weight", torch.zeros(1), "cannot assign 'torch.FloatTensor' as parameter 'weight'"),
        ("child", 5, "cannot assign 'int' as child module 'child'"),
        ("table", "no", "cannot assign 'str' as buffer 'table'"),
    ],
)
def test_assigning_another_kind_to_a_registered_name_raises(name, value, message):
    m = nn.Module()
    m.weight = nn.Parameter(torch.zeros(1))
    m.child = nn.Identity()
    m.register_buffer("table", torch.zeros(1))
    with pytest.raises(TypeError, match=message):
        setattr(m, name, value)


def test_registering_checks_names_and_kinds():
    m = nn.Module()
    m.taken = 1
    with pytest.raises(KeyError, match="already exists"):
        m.register_buffer("taken", torch.zeros(1))
    with pytest.raises(KeyError, match="contain"):
        m.add_module("a.b", nn.Identity())
    with pytest.raises(KeyError, match="empty string"):
        m.register_parameter("", None)
    with pytest.raises(TypeError, match="Parameter or None required"):
        m.register_parameter("p", torch.zeros(1))
    with pytest.raises(TypeError, match="not a Module subclass"):
        m.add_module("m", 3)
    leaf = torch.zeros(1, requires_grad=True)
    with pytest.raises(TypeError, match="Tensor or None required"):
        m.register_buffer("b", 3)
    assert nn.Parameter(leaf * 2).is_leaf


def test_unknown_attribute_names_class_and_attribute():
    with pytest.raises(AttributeError, match="'Pair' object has no attribute 'three'"):
        _ = Pair().three


def test_walks_meet_shared_things_once():
    m = Pair()
    assert [n for n, _ in m.named_parameters()] == ["one.weight", "one.bias"]
    both = [n for n, _ in m.named_parameters(remove_duplicate=False)]
    assert both == ["one.weight", "one.bias", "two.weight"]
    assert [n for n, _ in m.named_buffers(prefix="top")] == ["top.seen", "top.scratch"]
    twice = nn.Sequential(m, m)
    assert len(list(twice.modules())) == 4 and len(list(twice.children())) == 1
    assert [n for n, _ in m.named_parameters(recurse=False)] == []


def test_paths():
    m = Pair()
    assert m.get_submodule("one") is m.one and m.get_submodule("") is m
    assert m.get_parameter("one.bias") is m.one.bias
    assert m.get_buffer("seen") is m.seen
    for get, path in [
        (m.get_submodule, "three"),
        (m.get_submodule, "one.weight"),
        (m.get_parameter, "seen"),
        (m.get_buffer, "one.bias"),
    ]:
        with pytest.raises(AttributeError):
            get(path)
    m.set_submodule("one", nn.Identity())
    assert isinstance(m.one, nn.Identity)


def test_state_dict_names_shares_memory_and_leaves_scratch_out():
    m = Pair()
    state = m.state_dict()
    assert list(state) == ["seen", "one.weight", "one.bias", "two.weight"]
    assert not state["one.weight"].requires_grad
    state["seen"].fill_(7)
    assert m.seen.tolist() == [7, 7]
    assert m.state_dict(keep_vars=True)["one.weight"] is m.one.weight
    assert list(m.one.state_dict(prefix="p.")) == ["p.weight", "p.bias"]


def test_load_copies_in_place_and_casts():
    m, other = Pair(), Pair().double()
    weight = m.one.weight
    assert str(m.load_state_dict(other.state_dict())) == "<All keys matched successfully>"
    assert m.one.weight is weight and weight.dtype is torch.float32
    np.testing.assert_allclose(weight.detach().numpy(), other.one.weight.detach().numpy(), 1e-6)


def test_load_with_assign_takes_the_tensors():
    m = nn.Linear(2, 1)
    m.bias.requires_grad_(False)
    given = {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}
    m.load_state_dict(given, assign=True)
    given["weight"].fill_(5)
    assert m.weight.tolist() == [[5, 5]] and isinstance(m.weight, nn.Parameter)
    assert m.weight.requires_grad and not m.bias.requires_grad


def test_load_tells_all_that_is_wrong_at_once():
    m = Pair()
    state = m.state_dict()
    del state["one.bias"]
    state["three.x"] = torch.zeros(1)
    state["seen"] = torch.zeros(3)
    before = m.seen.tolist()
    with pytest.raises(RuntimeError) as caught:
        m.load_state_dict(state)
    text = str(caught.value)
    assert text.startswith("Error(s) in loading state_dict for Pair:")
    assert 'Missing key(s) in state_dict: "one.bias"' in text
    assert 'Unexpected key(s) in state_dict: "three.x"' in text
    assert "size mismatch for seen: copying a param with shape torch.Size([3])" in text
    assert m.seen.tolist() == before
    del state["seen"]
    missing, unexpected = m.load_state_dict(state, strict=False)
    assert missing == ["seen", "one.bias"]
    assert unexpected == ["three.x"]


def test_load_wants_a_mapping_of_tensors():
    with pytest.raises(TypeError, match="dict-like"):
        nn.Linear(1, 1).load_state_dict([1])
    with pytest.raises(RuntimeError, match='copying the parameter named "weight"'):
        nn.Linear(1, 1, bias=False).load_state_dict({"weight": 3})


def test_extra_state_goes_round():
    class Counting(nn.Module):
        def __init__(self, count=0):
            super().__init__()
            self.count = count

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    m = nn.Sequential(Counting())
    m.load_state_dict(nn.Sequential(Counting(4)).state_dict())
    assert m[0].count == 4
    with pytest.raises(RuntimeError, match="_extra_state"):
        m.load_state_dict(OrderedDict())


def test_state_hooks():
    m, seen = nn.Linear(1, 1), []
    handles = [
        m.register_state_dict_pre_hook(lambda *a: seen.append("pre")),
        m.register_state_dict_post_hook(lambda mod, state, *a: state.update(more=1)),
        m.register_load_state_dict_pre_hook(lambda mod, state, *a: state.pop("more")),
        m.register_load_state_dict_post_hook(lambda mod, keys: keys.missing_keys.clear()),
    ]
    state = m.state_dict()
    assert seen == ["pre"] and state["more"] == 1
    del state["bias"]
    m.load_state_dict(state)
    for handle in handles:
        handle.remove()
    assert "more" not in m.state_dict()


def test_train_and_eval_reach_everything():
    m = nn.Sequential(nn.Sequential(nn.Dropout()))
    assert all(not x.training for x in m.eval().modules())
    assert all(x.training for x in m.train().modules())
    with pytest.raises(ValueError, match="boolean"):
        m.train("yes")


def test_conversions_keep_objects_and_integers():
    m = Pair()
    m.register_buffer("count", torch.tensor(3))
    weight = m.one.weight
    m(torch.ones(1, 3)).sum().backward()
    m.to(torch.float64)
    assert m.one.weight is weight is m.two.weight
    assert weight.dtype is torch.float64 and weight.grad.dtype is torch.float64
    assert m.seen.dtype is torch.float64 and m.count.dtype is torch.int64
    assert m.float().one.bias.dtype is torch.float32 and m.half().seen.dtype is torch.float16
    m.to(torch.ones(1, dtype=torch.float64))
    assert weight.dtype is torch.float64
    assert m.to("cpu") is m and m.cpu() is m
    with pytest.raises(TypeError, match="floating point or complex"):
        m.to(torch.int64)


def test_freezing_and_zero_grad():
    m = nn.Linear(2, 1)
    m(torch.ones(1, 2)).sum().backward()
    grad = m.weight.grad
    m.zero_grad(set_to_none=False)
    assert m.weight.grad is grad and grad.tolist() == [[0, 0]]
    m.zero_grad()
    assert m.weight.grad is None
    m.requires_grad_(False)
    assert not any(p.requires_grad for p in m.parameters())


def test_apply_goes_children_first():
    names = []
    nn.Sequential(nn.Sequential(nn.Tanh()), nn.ReLU()).apply(lambda m: names.append(m._get_name()))
    assert names == ["Tanh", "Sequential", "ReLU", "Sequential"]


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match='missing the required "forward"'):
        nn.Module()(1)
    with pytest.raises(TypeError):
        nn.Module(3)


def test_deepcopy_keeps_ties_and_drops_nothing():
    m = Pair()
    m(torch.ones(1, 3)).sum().backward()
    twin = copy.deepcopy(m)
    assert twin.two.weight is twin.one.weight is not m.one.weight
    with torch.no_grad():
        twin.one.weight.zero_()
    assert m.one.weight.detach().abs().sum().item() > 0
    assert twin.one.weight.grad is None and isinstance(twin.one.weight, nn.Parameter)
    assert list(twin.state_dict()) == list(m.state_dict())


def test_pickle_goes_round():
    m = Pair()
    twin = pickle.loads(pickle.dumps(m))
    x = torch.ones(1, 3)
    assert twin(x).tolist() == m(x).tolist()
    assert isinstance(twin.one.weight, nn.Parameter) and twin.one.weight.requires_grad
    assert twin.two.weight is twin.one.weight


def test_parameter_shares_memory_and_is_a_leaf():
    data = torch.zeros(2)
    p = nn.Parameter(data)
    assert isinstance(p, torch.Tensor) and p.is_leaf and p.requires_grad
    data.fill_(3)
    assert p.tolist() == [3, 3]
    assert repr(p).startswith("Parameter containing:\ntensor([3., 3.]")
    assert not isinstance(p * 2, nn.Parameter)
    with pytest.raises(RuntimeError):
        nn.Parameter(torch.tensor(1))
    assert not nn.Parameter(torch.tensor(1), requires_grad=False).requires_grad
    with pytest.raises(AttributeError, match="must be a Tensor"):
        nn.Parameter([1.0])


def test_repr_nests():
    m = nn.Sequential(OrderedDict(body=nn.Sequential(nn.Linear(2, 3)), act=nn.ReLU()))
    assert repr(m) == (
        "Sequential(\n  (body): Sequential(\n    (0): Linear(in_features=2, out_features=3, "
        "bias=True)\n  )\n  (act): ReLU()\n)"
    )
    assert repr(nn.Module()) == "Module()"

"""Sequential, ModuleList, ModuleDict and their parameter cousins behave as list and dict."""

from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tensor_core as torch
from tensor_core import nn

positions = st.integers(-6, 6)


class Tag(nn.Module):
    """A module one can tell from another."""

    def __init__(self, tag):
        super().__init__()
        self.tag = tag

    def forward(self, x):
        return [*x, self.tag]


def tags(modules):
    return [m.tag for m in modules]


@given(
    st.sampled_from([nn.ModuleList, lambda ms: nn.Sequential(*ms)]),
    st.lists(
        st.one_of(
            st.tuples(st.just("append")),
            st.tuples(st.just("insert"), positions),
            st.tuples(st.just("pop"), positions),
            st.tuples(st.just("set"), positions),
            st.tuples(st.just("cut"), positions, positions),
        ),
        max_size=12,
    ),
)
def test_rows_of_modules_behave_as_lists(make, actions):
    model, row = list("abc"), make([Tag(t) for t in "abc"])
    for number, (what, *args) in enumerate(actions):
        size = len(model)
        if what == "append":
            model.append(number)
            row.append(Tag(number))
        elif what == "insert" and -size <= args[0] <= size:
            model.insert(args[0], number)
            row.insert(args[0], Tag(number))
        elif what == "pop" and -size <= args[0] < size:
            assert row.pop(args[0]).tag == model.pop(args[0])
        elif what == "set" and -size <= args[0] < size:
            model[args[0]] = number
            row[args[0]] = Tag(number)
        elif what == "cut":
            assert tags(row[args[0] : args[1]]) == model[args[0] : args[1]]
            del model[args[0] : args[1]]
            del row[args[0] : args[1]]
        assert tags(row) == model and len(row) == len(model)
        assert list(row._modules) == [str(i) for i in range(len(model))]
        assert all(row[i].tag == model[i] for i in range(-len(model), len(model)))


def test_sequential_calls_in_turn_and_slices_to_its_kind():
    row = nn.Sequential(OrderedDict(a=Tag("a"), b=Tag("b")))
    assert row([]) == ["a", "b"] and row.a is row[0] and row[-1] is row.b
    assert isinstance(row[:1], nn.Sequential) and list(row[:1]._modules) == ["a"]
    assert nn.Sequential(Tag(1)).extend([Tag(2)])([]) == [1, 2]
    assert (row + nn.Sequential(Tag("c")))([]) == ["a", "b", "c"]
    assert (row * 2)([]) == ["a", "b"] * 2
    assert nn.Sequential()(3) == 3


@pytest.mark.parametrize("row", [nn.ModuleList([Tag(1)]), nn.Sequential(Tag(1))])
def test_rows_refuse_positions_outside_and_strangers(row):
    for index in (1, -2):
        with pytest.raises(IndexError, match="out of range"):
            row[index]
    with pytest.raises(TypeError, match="not a Module subclass"):
        row.append(3)


def test_lists_join():
    row = nn.ModuleList([Tag(1)])
    row += [Tag(2)]
    assert tags(row + nn.ModuleList([Tag(3)])) == [1, 2, 3] and len(row) == 2
    with pytest.raises(TypeError, match="iterable"):
        row.extend(3)
    with pytest.raises(NotImplementedError):
        row(1)


def test_list_repr_folds_runs():
    row = nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh(), nn.ReLU()])
    assert repr(row) == "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n  (3): ReLU()\n)"
    assert repr(nn.ModuleList()) == "ModuleList()"


def test_module_dict():
    d = nn.ModuleDict([("a", Tag(1)), ("b", Tag(2))])
    assert list(d) == list(d.keys()) == ["a", "b"] and "a" in d and len(d) == 2
    assert d["a"].tag == 1 and tags(d.values()) == [1, 2]
    d.update({"a": Tag(3)})
    assert d.pop("a").tag == 3 and [k for k, _ in d.items()] == ["b"]
    del d["b"]
    d["c"] = Tag(4)
    d.clear()
    assert len(d) == 0


def test_parameter_list():
    ps = nn.ParameterList([torch.ones(1), nn.Parameter(torch.zeros(2))])
    ps.append(torch.full((3,), 5.0))
    ps += [torch.zeros(())]
    assert all(isinstance(p, nn.Parameter) for p in ps) and len(ps) == 4
    assert [n for n, _ in ps.named_parameters()] == ["0", "1", "2", "3"]
    ps[-1] = torch.ones(4)
    assert ps[3].shape == (4,) and [p.numel() for p in ps[1:3]] == [2, 3]
    with pytest.raises(IndexError):
        ps[4]
    with pytest.raises(RuntimeError, match="should not be called"):
        ps()


def test_parameter_dict():
    ps = nn.ParameterDict({"a": torch.ones(1)})
    ps["b"] = torch.zeros(2)
    assert isinstance(ps["b"], nn.Parameter) and list(ps) == ["a", "b"] and "b" in ps
    assert list(ps.state_dict()) == ["a", "b"] and ps.get("c") is None
    assert ps.setdefault("c", torch.zeros(3)) is ps["c"]
    assert list((ps | {"d": torch.zeros(1)}).keys()) == ["a", "b", "c", "d"]
    assert ps.pop("a").numel() == 1 and ps.popitem()[0] == "c"
    with pytest.raises(AttributeError):
        ps["a"]
    ps.clear()
    assert len(list(ps.parameters())) == 0

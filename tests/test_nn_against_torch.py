"""Containers, names, texts and errors of modules beside torch."""

import pickle

import numpy as np
import pytest
import torch
from nn_pairs import network_of, same, theirs_of, with_grad
from side_by_side import BOTH, array

import tensor_core

CONTAINERS = [
    lambda t: t.nn.ModuleList([t.nn.Linear(2, 2) for _ in range(3)] + [t.nn.ReLU()]),
    lambda t: t.nn.ModuleList(t.nn.Sequential(t.nn.ReLU(), t.nn.Tanh()) for _ in range(2)),
    lambda t: t.nn.ModuleDict({"a": t.nn.Linear(1, 1), "b": t.nn.ModuleList()}),
    lambda t: t.nn.ParameterList([t.ones(2, 3), t.zeros(()), 3]),
    lambda t: t.nn.ParameterDict({"a": t.ones(2), "b": t.zeros(2, 2)}),
    lambda t: t.nn.Sequential(t.nn.Linear(1, 2), t.nn.Linear(2, 1))[1:],
    lambda t: t.nn.Sequential(t.nn.ModuleDict({"x": t.nn.ModuleList([t.nn.ReLU()])})),
    lambda t: t.nn.ReLU6(inplace=True),
    lambda t: t.nn.ELU(inplace=True),
    lambda t: t.nn.LeakyReLU(inplace=True),
    lambda t: t.nn.Module(),
    lambda t: t.nn.Parameter(t.arange(3).float(), requires_grad=False),
    lambda t: t.nn.Parameter(t.ones(2)),
    lambda t: t.nn.Buffer(t.ones(2)),
]


@pytest.mark.parametrize("make", CONTAINERS)
def test_containers_print_alike_and_hold_the_same_names(make):
    theirs, ours = make(torch), make(tensor_core)
    assert repr(ours) == repr(theirs)
    if isinstance(theirs, torch.nn.Module):
        assert list(ours.state_dict()) == list(theirs.state_dict())


def test_tied_weights_names_and_gradients():
    theirs, ours = network_of(torch), network_of(tensor_core)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for walk in ("named_parameters", "named_buffers", "named_modules", "named_children"):
        assert [n for n, _ in getattr(ours, walk)()] == [n for n, _ in getattr(theirs, walk)()]
    x = np.array([[1, 2, 3]])
    for library, model in zip(BOTH, (theirs, ours), strict=True):
        model(library.from_numpy(x)).square().sum().backward()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        same(p.grad, q.grad, 1e-4)


def broken(state, case):
    state = dict(state)
    first = next(iter(state))
    if case == "missing":
        del state[first]
    elif case == "unexpected":
        state["body.9.weight"] = state["body.0.extra"] = state[first]
    elif case == "size":
        state["body.0.weight"] = state["body.0.bias"]
    elif case == "no tensor":
        state["body.0.weight"] = 3
    return state


@pytest.mark.parametrize("cases", [("missing",), ("unexpected",), ("size",), ("missing", "size")])
@pytest.mark.parametrize("strict", [True, False])
def test_load_errors_read_alike(cases, strict):
    texts = []
    for library in BOTH:
        model = network_of(library)
        state = model.state_dict()
        for case in cases:
            state = broken(state, case)
        try:
            texts.append(str(model.load_state_dict(state, strict=strict)))
        except RuntimeError as error:
            texts.append(str(error))
    assert texts[0] == texts[1]


ERRORS = {
    "assign a tensor to a parameter": lambda t: setattr(t.nn.Linear(1, 1), "weight", t.ones(1)),
    "assign a number to a module": lambda t: setattr(t.nn.Sequential(t.nn.ReLU()), "0", 3),
    "unknown attribute": lambda t: t.nn.Linear(1, 1).nothing,
    "dotted name": lambda t: t.nn.Module().add_module("a.b", None),
    "taken name": lambda t: t.nn.Module().register_buffer("forward", None),
    "no forward": lambda t: t.nn.Module()(1),
    "integer dtype": lambda t: t.nn.Linear(1, 1).to(t.int64),
    "index outside": lambda t: t.nn.ModuleList([t.nn.ReLU()])[1],
    "append a number": lambda t: t.nn.ModuleList().append(3),
    "integer parameter": lambda t: t.nn.Parameter(t.tensor([1])),
    "padding outside": lambda t: t.nn.Embedding(3, 2, padding_idx=3),
    "dropout outside": lambda t: t.nn.Dropout(2.0),
    "groups": lambda t: t.nn.GroupNorm(3, 4),
    "batch of one": lambda t: t.nn.BatchNorm1d(2)(t.ones(1, 2)),
    "fan of a vector": lambda t: t.nn.init.xavier_uniform_(t.ones(3)),
    "unknown gain": lambda t: t.nn.init.calculate_gain("nothing"),
    "submodule": lambda t: t.nn.Linear(1, 1).get_submodule("a.b"),
    "submodule of a tensor": lambda t: t.nn.Linear(1, 1).get_submodule("weight"),
    "parameter": lambda t: t.nn.Linear(1, 1).get_parameter("training"),
    "buffer": lambda t: t.nn.Linear(1, 1).get_buffer("weight"),
    "state no dict": lambda t: t.nn.Linear(1, 1).load_state_dict([1]),
    "training": lambda t: t.nn.Linear(1, 1).train(3),
    "no parameters": lambda t: t.optim.SGD([]),
    "a tensor of parameters": lambda t: t.optim.SGD(t.ones(1)),
    "a set of parameters": lambda t: t.optim.SGD([{"params": {t.ones(1)}}]),
    "numbers": lambda t: t.optim.SGD([3]),
    "no leaf": lambda t: t.optim.SGD([t.ones(1, requires_grad=True) * 2]),
    "learning rate": lambda t: t.optim.Adam([t.ones(1)], lr=-1.0),
    "betas": lambda t: t.optim.Adam([t.ones(1)], betas=(2.0, 0.5)),
    "nesterov": lambda t: t.optim.SGD([t.ones(1)], nesterov=True),
    "shared": lambda t: [
        t.optim.SGD([{"params": [p]}, {"params": [p]}]) for p in [t.nn.Parameter(t.ones(1))]
    ],
    "group no dict": lambda t: t.optim.SGD([t.ones(1)]).add_param_group([t.ones(1)]),
    "number of groups": lambda t: t.optim.SGD([t.ones(1)]).load_state_dict(
        {"state": {}, "param_groups": []}
    ),
    "size of groups": lambda t: t.optim.SGD([t.ones(1)]).load_state_dict(
        {"state": {}, "param_groups": [{"params": [0, 1]}]}
    ),
    "milestones": lambda t: t.optim.lr_scheduler.SequentialLR(t.optim.SGD([t.ones(1)]), [], [1, 2]),
    "resuming": lambda t: t.optim.lr_scheduler.StepLR(t.optim.SGD([t.ones(1)]), 2, last_epoch=1),
    "norm not finite": lambda t: t.nn.utils.clip_grad_norm_(
        [with_grad(t, np.array([np.inf], np.float32))], 1.0, error_if_nonfinite=True
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_of_the_same_type(name):
    with pytest.raises(Exception) as theirs:
        ERRORS[name](torch)
    with pytest.raises(theirs.type):
        ERRORS[name](tensor_core)


def test_backward_hooks_see_the_same():
    seen = []
    for library in BOTH:
        library.manual_seed(0)
        model, log = library.nn.Sequential(library.nn.Linear(3, 4), library.nn.Tanh()), []
        for module in model.modules():
            module.register_full_backward_hook(
                lambda mod, gi, go, log=log: log.append(
                    [None if g is None else array(g) for g in (*gi, *go)]
                )
            )
        model(library.ones(2, 3, requires_grad=True)).sum().backward()
        seen.append(log)
    assert len(seen[0]) == len(seen[1]) == 3
    for one, two in zip(*seen, strict=True):
        assert [g is None for g in one] == [g is None for g in two]
        for g, h in zip(one, two, strict=True):
            if g is not None:
                np.testing.assert_allclose(g, h, 1e-6, 1e-7)


def test_a_model_pickled_by_its_own_library_comes_back_whole():
    model = tensor_core.nn.Sequential(tensor_core.nn.Linear(2, 3), tensor_core.nn.ReLU())
    twin = pickle.loads(pickle.dumps(model))
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    theirs.load_state_dict(theirs_of(dict(twin.state_dict())))
    x = np.ones((1, 2), np.float32)
    same(model(tensor_core.from_numpy(x)), theirs(torch.from_numpy(x)))

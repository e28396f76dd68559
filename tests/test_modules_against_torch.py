"""What a module does beside computing, beside torch: states, hooks, attributes, containers."""

import copy
import warnings

import numpy as np
import pytest
import torch
from side_by_side import BOTH, array

import tensor_core


class Numbers:
    """The values of a tensor; equal up to rounding."""

    def __init__(self, tensor):
        self.dtype, self.values = str(tensor.dtype), np.array(array(tensor))

    def __eq__(self, other):
        same = isinstance(other, Numbers) and self.dtype == other.dtype
        same = same and self.values.shape == other.values.shape
        return same and np.allclose(self.values, other.values, 1e-4, 1e-5, equal_nan=True)

    def __repr__(self):
        return f"{self.dtype} {self.values.tolist()}"


def seen(value):
    """Any result as something that compares equal across the libraries."""
    if isinstance(value, torch.Tensor | tensor_core.Tensor):
        return Numbers(value)
    if isinstance(value, dict):
        return {k: seen(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [seen(v) for v in value]
    if isinstance(value, torch.nn.Module | tensor_core.nn.Module):
        return repr(value)
    return value


def both(program):
    """Run a program on both libraries; what it returns, or raises, and warns of."""
    found = []
    for library in BOTH:
        library.manual_seed(5)
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            try:
                result = seen(program(library))
            except Exception as error:
                result = type(error).__name__
        found.append((result, sorted({w.category.__name__ for w in heard})))
    return found


def net(t):
    return t.nn.Sequential(t.nn.Linear(3, 4), t.nn.Tanh(), t.nn.Linear(4, 2))


def logged(t, register, hook=None, calls=1):
    """What a hook on a small network was called with, and the outputs and gradients after."""
    model, log = net(t), []

    def listen(module, *args):
        log.append([type(module).__name__, seen(args)])
        return None if hook is None else hook(t, *args)

    handle = register(model, listen)
    x = t.linspace(-1, 1, 6).reshape(2, 3).requires_grad_()
    for _ in range(calls):
        y = model(x)
        y.square().sum().backward()
    handle.remove()
    before = len(log)
    model(x).sum().backward()
    assert len(log) == before, "called after it was removed"
    return log, y, x.grad, [p.grad for p in model.parameters()]


def each(result):
    return tuple(None if g is None else g * 2 for g in result)


HOOKS = {
    "forward pre": lambda t: logged(t, lambda m, h: m[2].register_forward_pre_hook(h)),
    "forward pre replaces": lambda t: logged(
        t, lambda m, h: m[2].register_forward_pre_hook(h), lambda t, args: args[0] * 2
    ),
    "forward pre with kwargs": lambda t: logged(
        t,
        lambda m, h: m.register_forward_pre_hook(h, with_kwargs=True),
        lambda t, args, kwargs: ((args[0] + 1,), kwargs),
    ),
    "forward pre returns too little": lambda t: logged(
        t,
        lambda m, h: m.register_forward_pre_hook(h, with_kwargs=True),
        lambda t, args, kwargs: args,
    ),
    "forward": lambda t: logged(t, lambda m, h: m[1].register_forward_hook(h), calls=2),
    "forward replaces": lambda t: logged(
        t, lambda m, h: m.register_forward_hook(h), lambda t, args, out: out * 3
    ),
    "forward with kwargs": lambda t: logged(
        t, lambda m, h: m.register_forward_hook(h, with_kwargs=True)
    ),
    "full backward": lambda t: logged(t, lambda m, h: m[0].register_full_backward_hook(h)),
    "full backward replaces": lambda t: logged(
        t, lambda m, h: m[2].register_full_backward_hook(h), lambda t, gi, go: each(gi)
    ),
    "full backward of too many": lambda t: logged(
        t, lambda m, h: m[2].register_full_backward_hook(h), lambda t, gi, go: (*gi, *gi)
    ),
    "full backward pre replaces": lambda t: logged(
        t, lambda m, h: m[2].register_full_backward_pre_hook(h), lambda t, go: each(go)
    ),
    "all modules, forward": lambda t: logged(
        t, lambda m, h: t.nn.modules.module.register_module_forward_hook(h)
    ),
    "all modules, forward pre": lambda t: logged(
        t, lambda m, h: t.nn.modules.module.register_module_forward_pre_hook(h)
    ),
    "all modules, backward": lambda t: logged(
        t, lambda m, h: t.nn.modules.module.register_module_full_backward_hook(h)
    ),
    "all modules, backward pre": lambda t: logged(
        t, lambda m, h: t.nn.modules.module.register_module_full_backward_pre_hook(h)
    ),
}


@pytest.mark.parametrize("name", HOOKS)
def test_hooks(name):
    theirs, ours = both(HOOKS[name])
    assert ours == theirs


class Two:
    """A module of both libraries with two inputs and two outputs, one of them unused."""

    @staticmethod
    def of(t):
        class Pair(t.nn.Module):
            def forward(self, a, b, scale=1):
                return a * b * scale, a + b

        return Pair()


def several_outputs(t):
    module, log = Two.of(t), []
    module.register_full_backward_pre_hook(lambda m, go: log.append(seen(go)))
    module.register_full_backward_hook(lambda m, gi, go: log.append(seen((gi, go))))
    a, b = t.ones(2, requires_grad=True), t.full((2,), 3.0)
    module(a, b, scale=2)[0].sum().backward()
    return log, a.grad


def outputs_in_a_list(t):
    class Listed(t.nn.Module):
        def forward(self, x):
            return [x * 2]

    module, log = Listed(), []
    module.register_full_backward_hook(lambda *a: log.append(1))
    x = t.ones(2, requires_grad=True)
    module(x)[0].sum().backward()
    return log, x.grad


def inputs_without_gradient(t):
    log = []
    for module, x in ((t.nn.Linear(2, 2), t.ones(1, 2)), (t.nn.Embedding(3, 2), t.tensor([1]))):
        module.register_full_backward_hook(lambda m, gi, go: log.append(seen((gi, go))))
        with t.no_grad():
            module(x)
        module(x).sum().backward()
    return log


def in_order(t):
    layer, log = t.nn.Identity(), []
    layer.register_forward_hook(lambda *a: log.append("a"))
    layer.register_forward_hook(lambda *a: log.append("b"), prepend=True)
    t.nn.modules.module.register_module_forward_hook(lambda *a: log.append("all")).remove()
    everywhere = t.nn.modules.module.register_module_forward_hook(lambda *a: log.append("all"))
    layer(1)
    everywhere.remove()
    layer(1)
    return log


def always_called(t):
    class Failing(t.nn.Module):
        def forward(self, x):
            raise ValueError("no")

    layer, log = Failing(), []
    layer.register_forward_hook(lambda m, a, out: log.append(out), always_call=True)
    layer.register_forward_hook(lambda m, a, out: log.append("never"))
    try:
        layer(1)
    except ValueError as error:
        log.append(str(error))
    return log


def both_kinds_of_backward_hook(t):
    layer = t.nn.Linear(1, 1)
    layer.register_backward_hook(lambda *a: None)
    layer.register_full_backward_hook(lambda *a: None)


def registrations(t):
    log, module = [], t.nn.modules.module
    handles = [
        getattr(module, f"register_module_{what}_registration_hook")(
            lambda m, name, value, what=what: log.append((what, type(m).__name__, name))
        )
        for what in ("parameter", "buffer", "module")
    ]
    t.nn.Sequential(t.nn.BatchNorm1d(2))
    for handle in handles:
        handle.remove()
    t.nn.Linear(1, 1)
    return log


def state_hooks(t):
    model, log = net(t), []
    model.register_state_dict_pre_hook(lambda m, prefix, keep: log.append((prefix, keep)))
    model[0].register_state_dict_post_hook(
        lambda m, state, prefix, meta: log.append((list(state), prefix, dict(meta)))
    )
    model[2]._register_state_dict_hook(lambda m, state, prefix, meta: state.pop("2.bias") and None)
    model.register_load_state_dict_pre_hook(
        lambda m, state, prefix, meta, strict, missing, unexpected, errors: log.append(
            (list(state), prefix, dict(meta), strict)
        )
    )
    model.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    state = model.state_dict()
    return log, list(state), repr(model.load_state_dict(state)), log


def post_hook_returns(t):
    model = net(t)
    model.register_state_dict_post_hook(lambda *a: {})
    return model.state_dict()


def load_post_hook_returns(t):
    model = net(t)
    model.register_load_state_dict_post_hook(lambda *a: 3)
    return model.load_state_dict(model.state_dict())


def metadata(t):
    layers = [t.nn.Linear(1, 1), t.nn.BatchNorm1d(2), t.nn.Embedding(2, 2), t.nn.PReLU()]
    model = t.nn.Sequential(*layers, t.nn.Sequential(t.nn.LayerNorm(2)))
    state = model.state_dict()
    return dict(state._metadata), list(state), list(model.state_dict(prefix="a.")._metadata)


def extra_state(t):
    class Counting(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.count = 7

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    model = t.nn.Sequential(Counting(), t.nn.Identity())
    state = model.state_dict()
    state["0._extra_state"] = {"count": 9}
    model.load_state_dict(state)
    keys = model.load_state_dict({"1._extra_state": 1}, strict=False)
    return list(state), model[0].count, keys.missing_keys, keys.unexpected_keys


def older_versions(t):
    """A class that renames keys by the version beside the state."""

    class Renamed(t.nn.Linear):
        _version = 2

        def _load_from_state_dict(self, state, prefix, local_metadata, *rest):
            if local_metadata.get("version", 1) < 2 and prefix + "w" in state:
                state[prefix + "weight"] = state.pop(prefix + "w")
            super()._load_from_state_dict(state, prefix, local_metadata, *rest)

    old = t.nn.Linear(2, 1).state_dict()
    old["w"] = old.pop("weight")
    return repr(Renamed(2, 1).load_state_dict(old)), Renamed(2, 1).state_dict()._metadata


def assigned(t):
    model = t.nn.Linear(2, 1)
    state = {k: v.double() for k, v in model.state_dict().items()}
    model.weight.requires_grad_(False)
    model.load_state_dict(state, assign=True)
    return model.weight, model.weight.requires_grad, type(model.weight).__name__


def scalars_of_old_files(t):
    module = t.nn.Module()
    module.register_buffer("n", t.tensor(1.0))
    return repr(module.load_state_dict({"n": t.tensor([5.0])})), module.n


STATES = [
    several_outputs, outputs_in_a_list, inputs_without_gradient, in_order, always_called,
    both_kinds_of_backward_hook, registrations,
    state_hooks, post_hook_returns, load_post_hook_returns, metadata, extra_state, older_versions,
    assigned, scalars_of_old_files,
]  # fmt: skip


@pytest.mark.parametrize("program", STATES, ids=lambda f: f.__name__)
def test_states_and_calls(program):
    theirs, ours = both(program)
    assert ours == theirs


def before_init(kind):
    def program(t):
        class Early(t.nn.Module):
            def __init__(self):
                made = {
                    "parameter": lambda: t.nn.Parameter(t.ones(1)),
                    "module": lambda: t.nn.Identity(),
                    "buffer": lambda: t.nn.Buffer(t.ones(1)),
                    "number": lambda: 3,
                }
                self.x = made[kind]()

        return Early().x

    return program


def text_of(action):
    """A program that returns the text of its error."""

    def program(t):
        try:
            action(t)
        except Exception as error:
            return type(error).__name__, str(error).replace("tensor_core.nn", "torch.nn")
        return "no error"

    return program


ATTRIBUTES = {
    **{f"{kind} before init": text_of(before_init(kind)) for kind in ("parameter", "module",
                                                                     "buffer", "number")},
    "tensor to parameter": text_of(lambda t: setattr(t.nn.Linear(1, 1), "weight", t.ones(1))),
    "number to module": text_of(lambda t: setattr(t.nn.Sequential(t.nn.ReLU()), "0", 3)),
    "number to buffer": text_of(
        lambda t: setattr(t.nn.BatchNorm1d(1), "running_mean", 3)
    ),
    "keyword": text_of(lambda t: t.nn.Module(a=3)),
    "positional": text_of(lambda t: t.nn.Module(3)),
    "no attribute": text_of(lambda t: t.nn.Linear(1, 1).nothing),
    "no forward": text_of(lambda t: t.nn.Module()(1)),
    "names no string": text_of(lambda t: t.nn.Module().register_parameter(3, None)),
    "module no module": text_of(lambda t: t.nn.Module().add_module("a", 3)),
    "cuda": lambda t: t.nn.Linear(1, 1).cuda(),
    "ipu": lambda t: t.nn.Linear(1, 1).ipu(),
    "deleted": lambda t: delattr(t.nn.Linear(1, 1), "weight"),
    "set_submodule": lambda t: (m := net(t)).set_submodule("1", t.nn.ReLU()) or m,
    "set_submodule strictly": lambda t: net(t).set_submodule("7", t.nn.ReLU(), strict=True),
    "set_submodule to nothing": lambda t: net(t).set_submodule("", t.nn.ReLU()),
    "set_submodule to a number": lambda t: net(t).set_submodule("1", 3),
    "extended init": lambda t: type("A", (t.nn.Module, Kept), {"call_super_init": True})(k=3).kept,
    "named": lambda t: [n for n, _ in net(t).named_parameters(prefix="a", recurse=False)],
    "twice": lambda t: [n for n, _ in t.nn.Sequential(*[t.nn.Identity()] * 2).named_modules(
        remove_duplicate=False)],
    "zeroed": lambda t: zeroed(t),
    "types": lambda t: [
        str(p.dtype) for p in t.nn.BatchNorm1d(1).half().state_dict().values()
    ] + [str(t.nn.Linear(1, 1).bfloat16().weight.dtype)],
    "deep copy": lambda t: copied(t),
    "positional state": lambda t: list(net(t).state_dict({}, "a.")),
    "lazy": lambda t: lazy(t),
    "lazy loaded": lambda t: lazy_loaded(t),
    "lazy shape": lambda t: t.nn.LazyLinear(2).weight.shape,
    "lazy value": lambda t: t.nn.LazyLinear(2).weight + 1,
}  # fmt: skip


class Kept:
    def __init__(self, k):
        self.kept = k


def zeroed(t):
    layer = t.nn.Linear(1, 1)
    layer(t.ones(1, 1)).sum().backward()
    layer.zero_grad(set_to_none=False)
    kept = layer.weight.grad
    layer.zero_grad()
    return kept, layer.weight.grad


def copied(t):
    model = net(t)
    log = []
    model.register_forward_hook(lambda *a: log.append(1))
    twin = copy.deepcopy(model)
    twin(t.ones(1, 3))
    twin[0].weight.data.zero_()
    return log, model[0].weight, twin


def lazy(t):
    layer = t.nn.LazyLinear(2)
    told = repr(layer), repr(layer.weight), layer.has_uninitialized_params()
    twin = copy.deepcopy(layer).double()
    layer(t.ones(1, 3))
    return (
        told,
        layer,
        type(layer).__name__,
        layer.weight,
        twin(t.ones(1, 4).double()).dtype.itemsize,
    )


def lazy_loaded(t):
    layer = t.nn.LazyLinear(2)
    layer.load_state_dict(t.nn.Linear(3, 2).state_dict())
    return layer(t.ones(1, 3)), layer


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes(name):
    theirs, ours = both(ATTRIBUTES[name])
    assert ours == theirs


def test_every_method_is_there():
    """What torch's modules have, ours have, but for names of its own machinery."""
    for name in ("Module", "Sequential", "ModuleList", "ModuleDict", "ParameterList",
                 "ParameterDict"):  # fmt: skip
        theirs, ours = (getattr(t.nn, name) for t in BOTH)
        own = {"_maybe_warn_non_full_backward_hook", "_get_abs_string_index", "_key_to_attr",
               "_get_item_by_idx", "_is_full_backward_hook"}  # fmt: skip
        assert {n for n in dir(theirs) if not hasattr(ours, n)} <= own

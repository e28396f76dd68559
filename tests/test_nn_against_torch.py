"""nn and optim beside PyTorch: same seed, same weights, names, texts, outputs, gradients, steps."""

import itertools
import pickle

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tensor_core

BOTH = (torch, tensor_core)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def array(tensor):
    return tensor.detach().numpy()


def same(ours, theirs, tolerance=1e-5):
    np.testing.assert_allclose(array(ours), array(theirs), tolerance, tolerance)
    assert str(ours.dtype) == str(theirs.dtype)


def ours_of(value):
    """The same structure with every torch tensor turned into one of ours."""
    if isinstance(value, torch.Tensor):
        return tensor_core.from_numpy(value.detach().numpy().copy())
    if isinstance(value, dict):
        return {k: ours_of(v) for k, v in value.items()}
    return [ours_of(v) for v in value] if isinstance(value, list) else value


def theirs_of(value):
    """The same structure with every tensor of ours turned into one of torch."""
    if isinstance(value, tensor_core.Tensor):
        return torch.from_numpy(value.detach().numpy().copy())
    if isinstance(value, dict):
        return {k: theirs_of(v) for k, v in value.items()}
    return [theirs_of(v) for v in value] if isinstance(value, list) else value


# -- layers ----------------------------------------------------------------------------------------

reals, ids = "reals", "ids"  # what a layer is fed
LAYERS = {
    "Linear": (lambda t: t.nn.Linear(7, 5), [(reals, (4, 7))]),
    "Linear 3-d": (lambda t: t.nn.Linear(3, 50, bias=False), [(reals, (2, 4, 3))]),
    "Linear float64": (lambda t: t.nn.Linear(3, 2, dtype=t.float64), [("doubles", (4, 3))]),
    "Bilinear": (lambda t: t.nn.Bilinear(2, 3, 4), [(reals, (5, 2)), (reals, (5, 3))]),
    "Identity": (lambda t: t.nn.Identity(3, a=1), [(reals, (2,))]),
    "Flatten": (lambda t: t.nn.Flatten(1, 2), [(reals, (2, 3, 4, 5))]),
    "Unflatten": (lambda t: t.nn.Unflatten(1, (2, 3)), [(reals, (4, 6))]),
    "Embedding": (lambda t: t.nn.Embedding(9, 4), [(ids, (3, 5))]),
    "Embedding padded": (lambda t: t.nn.Embedding(9, 4, padding_idx=-2), [(ids, (3, 5))]),
    "LayerNorm": (lambda t: t.nn.LayerNorm(6), [(reals, (3, 4, 6))]),
    "LayerNorm 2-d": (lambda t: t.nn.LayerNorm([4, 6], 1e-3, bias=False), [(reals, (3, 4, 6))]),
    "LayerNorm bare": (lambda t: t.nn.LayerNorm(6, elementwise_affine=False), [(reals, (3, 6))]),
    "RMSNorm": (lambda t: t.nn.RMSNorm(6), [(reals, (3, 4, 6))]),
    "RMSNorm eps": (lambda t: t.nn.RMSNorm(6, 1e-2, False), [(reals, (3, 6))]),
    "GroupNorm": (lambda t: t.nn.GroupNorm(2, 4), [(reals, (3, 4, 5, 2))]),
    "GroupNorm bare": (lambda t: t.nn.GroupNorm(2, 4, affine=False), [(reals, (3, 4))]),
    "BatchNorm1d": (lambda t: t.nn.BatchNorm1d(4), [(reals, (6, 4))]),
    "BatchNorm1d 3-d": (lambda t: t.nn.BatchNorm1d(4, momentum=None), [(reals, (6, 4, 3))]),
    "BatchNorm1d bare": (
        lambda t: t.nn.BatchNorm1d(4, affine=False, track_running_stats=False),
        [(reals, (6, 4))],
    ),
    "Dropout": (lambda t: t.nn.Dropout(0.3), [(reals, (20, 30))]),
    "Dropout all": (lambda t: t.nn.Dropout(1.0), [(reals, (3, 4))]),
    "ReLU": (lambda t: t.nn.ReLU(), [(reals, (4, 5))]),
    "ReLU inplace": (
        lambda t: t.nn.Sequential(t.nn.Linear(5, 5), t.nn.ReLU(inplace=True)),
        [(reals, (4, 5))],
    ),
    "ReLU6": (lambda t: t.nn.ReLU6(), [("wide", (4, 5))]),
    "LeakyReLU": (lambda t: t.nn.LeakyReLU(0.2), [(reals, (4, 5))]),
    "PReLU": (lambda t: t.nn.PReLU(5), [(reals, (4, 5, 2))]),
    "PReLU one": (lambda t: t.nn.PReLU(), [(reals, (4,))]),
    "ELU": (lambda t: t.nn.ELU(0.7), [(reals, (4, 5))]),
    "GELU": (lambda t: t.nn.GELU(), [(reals, (4, 5))]),
    "GELU tanh": (lambda t: t.nn.GELU(approximate="tanh"), [(reals, (4, 5))]),
    "GLU": (lambda t: t.nn.GLU(0), [(reals, (4, 5))]),
    "SiLU": (lambda t: t.nn.SiLU(), [("wide", (4, 5))]),
    "Mish": (lambda t: t.nn.Mish(), [(reals, (4, 5))]),
    "Tanh": (lambda t: t.nn.Tanh(), [(reals, (4, 5))]),
    "Sigmoid": (lambda t: t.nn.Sigmoid(), [("wide", (4, 5))]),
    "LogSigmoid": (lambda t: t.nn.LogSigmoid(), [("wide", (4, 5))]),
    "Softsign": (lambda t: t.nn.Softsign(), [(reals, (4, 5))]),
    "Softplus": (lambda t: t.nn.Softplus(2.0, 5.0), [("wide", (4, 5))]),
    "Softmax": (lambda t: t.nn.Softmax(dim=1), [(reals, (4, 5, 2))]),
    "LogSoftmax": (lambda t: t.nn.LogSoftmax(dim=-1), [("wide", (4, 5))]),
    "MSELoss": (lambda t: t.nn.MSELoss(), [(reals, (4, 5)), (reals, (4, 5))]),
    "L1Loss": (lambda t: t.nn.L1Loss(reduction="sum"), [(reals, (4, 5)), (reals, (4, 5))]),
    "SmoothL1Loss": (lambda t: t.nn.SmoothL1Loss(beta=0.5), [(reals, (4, 5)), (reals, (4, 5))]),
    "CrossEntropyLoss": (lambda t: t.nn.CrossEntropyLoss(), [(reals, (6, 9)), (ids, (6,))]),
    "CrossEntropyLoss options": (
        lambda t: t.nn.CrossEntropyLoss(
            weight=t.arange(1, 10).float(), ignore_index=2, label_smoothing=0.1
        ),
        [(reals, (6, 9)), (ids, (6,))],
    ),
    "CrossEntropyLoss 3-d": (
        lambda t: t.nn.CrossEntropyLoss(reduction="none"),
        [(reals, (6, 9, 2)), (ids, (6, 2))],
    ),
    "NLLLoss": (lambda t: t.nn.NLLLoss(ignore_index=1), [(reals, (6, 9)), (ids, (6,))]),
    "BCELoss": (lambda t: t.nn.BCELoss(), [("chances", (4, 5)), ("chances", (4, 5))]),
    "BCEWithLogitsLoss": (
        lambda t: t.nn.BCEWithLogitsLoss(pos_weight=t.tensor([1.0, 2.0, 3.0])),
        [("wide", (4, 3)), ("chances", (4, 3))],
    ),
    "KLDivLoss": (
        lambda t: t.nn.KLDivLoss(reduction="batchmean"),
        [(reals, (4, 5)), ("chances", (4, 5))],
    ),
    "KLDivLoss log": (
        lambda t: t.nn.KLDivLoss(reduction="sum", log_target=True),
        [(reals, (4, 5)), (reals, (4, 5))],
    ),
    "Sequential": (
        lambda t: t.nn.Sequential(t.nn.Linear(7, 20), t.nn.GELU(), t.nn.Linear(20, 3)),
        [(reals, (4, 7))],
    ),
    "deep": (
        lambda t: t.nn.Sequential(
            *[t.nn.Sequential(t.nn.LayerNorm(8), t.nn.Linear(8, 8), t.nn.ReLU()) for _ in range(3)]
        ),
        [(reals, (2, 8))],
    ),
}


def fed(kind, shape, seed):
    rng = np.random.default_rng(seed)
    if kind == ids:
        return rng.integers(0, 9, shape)
    if kind == "chances":
        return rng.uniform(0.05, 0.95, shape).astype(np.float32)
    scale = 10 if kind == "wide" else 1
    return (rng.normal(size=shape) * scale).astype(np.float64 if kind == "doubles" else np.float32)


def made(name):
    """The layer of both libraries, from the same seed."""
    layers = []
    for library in BOTH:
        library.manual_seed(1337)
        layers.append(LAYERS[name][0](library))
    return layers


def called(library, layer, arrays):
    """Outputs and inputs of one call; only what can have a gradient asks for one."""
    inputs = [library.from_numpy(a.copy()) for a in arrays]
    for i, x in enumerate(inputs):
        if i == 0 and x.is_floating_point():
            x.requires_grad_()
    library.manual_seed(7)
    return layer(*inputs), inputs


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    theirs, ours = made(name)
    assert repr(ours) == repr(theirs)
    state, expected = ours.state_dict(), theirs.state_dict()
    assert list(state) == list(expected)
    for key, value in expected.items():
        assert np.array_equal(array(state[key]), array(value)), key
    arrays = [fed(kind, shape, i) for i, (kind, shape) in enumerate(LAYERS[name][1])]
    (y, x), (b, a) = called(torch, theirs, arrays), called(tensor_core, ours, arrays)
    same(b, y)
    assert tuple(b.shape) == tuple(y.shape)
    if y.requires_grad:
        g = np.random.default_rng(9).normal(size=y.shape).astype(array(y).dtype)
        y.backward(torch.from_numpy(np.asarray(g)))
        b.backward(tensor_core.from_numpy(np.asarray(g)))
        for (key, p), (_, q) in zip(
            ours.named_parameters(), theirs.named_parameters(), strict=True
        ):
            assert key and (p.grad is None) == (q.grad is None), key
            same(p.grad, q.grad, 2e-5)
        if x[0].requires_grad:
            same(a[0].grad, x[0].grad, 2e-5)
    for key, value in theirs.state_dict().items():  # running statistics
        same(ours.state_dict()[key], value)
    theirs.eval()
    ours.eval()
    same(called(tensor_core, ours, arrays)[0], called(torch, theirs, arrays)[0])


@pytest.mark.parametrize("name", LAYERS)
def test_states_move_both_ways(name):
    theirs, ours = made(name)
    ours.load_state_dict(ours_of(dict(theirs.state_dict())))
    assert str(theirs.load_state_dict(theirs_of(dict(ours.state_dict())))) == (
        "<All keys matched successfully>"
    )


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


def network(t):
    class Tied(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.table = t.nn.Embedding(9, 4)
            self.body = t.nn.Sequential(t.nn.Linear(4, 4), t.nn.Tanh(), t.nn.LayerNorm(4))
            self.head = t.nn.Linear(4, 9, bias=False)
            self.head.weight = self.table.weight
            self.register_buffer("mask", t.ones(3))
            self.register_buffer("hidden", t.ones(3), persistent=False)

        def forward(self, x):
            return self.head(self.body(self.table(x)))

    return Tied()


def network_of(library):
    library.manual_seed(3)
    return network(library)


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


def with_grad(library, values):
    p = library.nn.Parameter(library.from_numpy(np.zeros_like(values)))
    p.grad = library.from_numpy(values.copy())
    return p


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_of_the_same_type(name):
    with pytest.raises(Exception) as theirs:
        ERRORS[name](torch)
    with pytest.raises(theirs.type):
        ERRORS[name](tensor_core)


# -- initialisation --------------------------------------------------------------------------------

INITS = {
    "uniform_": {"a": -2.0, "b": 0.5},
    "normal_": {"mean": 3.0, "std": 0.5},
    "trunc_normal_": {"std": 0.02},
    "xavier_uniform_": {"gain": 1.5},
    "xavier_normal_": {},
    "kaiming_uniform_": {"a": 0.3, "mode": "fan_out"},
    "kaiming_normal_": {"nonlinearity": "relu"},
}


@pytest.mark.parametrize("name", INITS)
@pytest.mark.parametrize("given_generator", [True, False])
@pytest.mark.parametrize("shape", [(3, 4), (40, 7), (2, 3, 4)])
def test_initialisation_is_the_same_bit_for_bit(name, given_generator, shape):
    filled = []
    for library in BOTH:
        library.manual_seed(42)
        generator = library.Generator().manual_seed(5) if given_generator else None
        w = library.empty(*shape)
        filled.append(array(getattr(library.nn.init, name)(w, **INITS[name], generator=generator)))
    assert np.array_equal(*filled)


@settings(deadline=None, max_examples=40)
@given(
    st.floats(-1, 1), st.floats(0.1, 2), st.floats(-3, 2), st.floats(0.05, 3), st.integers(0, 999)
)
@pytest.mark.filterwarnings("ignore:.*more than 2 std")
@pytest.mark.filterwarnings("ignore:.*mean is more than 2 std")
def test_truncated_normal_draws_alike(mean, std, low, width, seed):
    """Either way of rejection; where a logarithm's last bit decides, both still draw as often."""
    filled = []
    for library in BOTH:
        library.manual_seed(seed)
        w = library.nn.init.trunc_normal_(library.empty(50), mean, std, low, low + width)
        filled.append(array(w))
    assert np.array_equal(*filled)


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (4, 2, 3)])
def test_orthogonal(shape):
    filled = []
    for library in BOTH:
        library.manual_seed(1)
        filled.append(array(library.nn.init.orthogonal_(library.empty(*shape), gain=0.5)))
    np.testing.assert_allclose(*filled, atol=1e-6)


# -- hooks, clipping, vectors ----------------------------------------------------------------------


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


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.lists(st.floats(-1e4, 1e4, width=32), min_size=1, max_size=4), min_size=1, max_size=4
    ),
    st.floats(0.01, 100),
    st.sampled_from([1.0, 2.0, 2.5, float("inf"), 0.0]),
)
def test_clipping(grads, limit, order):
    results = []
    for library in BOTH:
        params = [with_grad(library, np.array(g, np.float32)) for g in grads]
        norm = library.nn.utils.clip_grad_norm_(params, limit, order)
        clipped = [array(p.grad) for p in params]
        library.nn.utils.clip_grad_value_(params, limit / 3)
        results.append([norm.item(), *clipped, *(array(p.grad) for p in params)])
    for theirs, ours in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, 1e-4, 1e-6)


# -- optimizers ------------------------------------------------------------------------------------


def grid(**options):
    return [
        dict(zip(options, values, strict=True)) for values in itertools.product(*options.values())
    ]


off_on = [False, True]
OPTIMIZERS = {
    "SGD": [
        *grid(
            lr=[0.1], momentum=[0, 0.9], dampening=[0, 0.1], weight_decay=[0, 0.1], maximize=off_on
        ),
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    ],
    "Adam": grid(lr=[0.01], weight_decay=[0, 0.1], amsgrad=off_on, maximize=off_on)
    + grid(lr=[0.01], betas=[(0.8, 0.9)], eps=[1e-3], decoupled_weight_decay=off_on),
    "AdamW": grid(lr=[0.01], weight_decay=[0, 0.1], amsgrad=off_on, maximize=off_on)
    + grid(lr=[0.01], fused=off_on, foreach=[None]),
    "Adagrad": grid(
        lr=[0.1], lr_decay=[0, 0.1], weight_decay=[0, 0.1], initial_accumulator_value=[0, 0.1]
    ),
    "RMSprop": grid(lr=[0.01], weight_decay=[0, 0.1], momentum=[0, 0.9], centered=off_on),
    "Adadelta": grid(lr=[1.0], rho=[0.5, 0.9], weight_decay=[0, 0.1], maximize=off_on),
}
SHAPES = [(3, 4), (5,), (), (0, 2), (90, 100), (1, 7)]


class Course:
    """Both libraries' optimizers on the same parameters and the same gradients."""

    def __init__(self, kind, options, dtype):
        rng = np.random.default_rng(0)
        start = [np.asarray(rng.normal(size=shape)).astype(dtype) for shape in SHAPES]
        self.params = {t: [t.nn.Parameter(t.from_numpy(a.copy())) for a in start] for t in BOTH}
        self.optimizers = {t: getattr(t.optim, kind)(self.params[t], **options) for t in BOTH}
        self.rng, self.dtype = rng, dtype

    def run(self, steps):
        for step in range(steps):
            for i, shape in enumerate(SHAPES):
                grad = np.asarray(self.rng.normal(size=shape)).astype(self.dtype)
                for t in BOTH:
                    absent = (step + i) % 6 == 5
                    self.params[t][i].grad = None if absent else t.from_numpy(grad.copy())
            for t in BOTH:
                self.optimizers[t].step()

    def check(self):
        tolerance = 1e-10 if self.dtype is np.float64 else 1e-4
        small = 1e-11 if self.dtype is np.float64 else 1e-5
        for ours, theirs in zip(self.params[tensor_core], self.params[torch], strict=True):
            np.testing.assert_allclose(array(ours), array(theirs), tolerance, small)
        ours, theirs = (self.optimizers[t].state_dict() for t in (tensor_core, torch))
        assert ours["param_groups"] == theirs["param_groups"]
        assert set(ours["state"]) == set(theirs["state"])
        for key, expected in theirs["state"].items():
            assert list(ours["state"][key]) == list(expected)
            for name, value in expected.items():
                got = ours["state"][key][name]
                assert str(got.dtype) == str(value.dtype) and tuple(got.shape) == value.shape
                np.testing.assert_allclose(array(got), array(value), tolerance, small)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_twenty_steps(kind, dtype):
    for options in OPTIMIZERS[kind]:
        course = Course(kind, options, dtype)
        theirs, ours = (repr(course.optimizers[t]) for t in BOTH)
        assert ours == theirs
        course.run(20)
        course.check()


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_optimizer_states_move_both_ways(kind):
    """After five steps the two exchange their states and go on as each other."""
    options = OPTIMIZERS[kind][-1]
    course = Course(kind, options, np.float64)
    course.run(5)
    states = {t: course.optimizers[t].state_dict() for t in BOTH}
    fresh = Course(kind, options, np.float64)
    fresh.params, fresh.rng = course.params, course.rng
    fresh.optimizers = {t: getattr(t.optim, kind)(course.params[t], lr=99.0) for t in BOTH}
    fresh.optimizers[torch].load_state_dict(theirs_of(states[tensor_core]))
    fresh.optimizers[tensor_core].load_state_dict(ours_of(states[torch]))
    fresh.run(5)
    fresh.check()


def test_training_the_same_network_gives_the_same_losses():
    losses = []
    x = np.random.default_rng(0).integers(0, 9, (16, 5))
    for library in BOTH:
        model = network_of(library)
        optimizer = library.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
        schedule = library.optim.lr_scheduler.CosineAnnealingLR(optimizer, 30)
        inputs, targets = library.from_numpy(x[:, :-1]), library.from_numpy(x[:, 1:])
        seen = []
        for _ in range(30):
            optimizer.zero_grad()
            logits = model(inputs)
            loss = library.nn.functional.cross_entropy(logits.reshape(-1, 9), targets.reshape(-1))
            loss.backward()
            library.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            seen.append(loss.item())
        losses.append(seen)
    np.testing.assert_allclose(losses[1], losses[0], 1e-4)
    assert losses[1][-1] < losses[1][0]


# -- schedules -------------------------------------------------------------------------------------

counts, parts = st.integers(1, 9), st.floats(0.05, 1.0)
PARTS = {
    "LambdaLR": st.tuples(st.sampled_from([lambda e: 1 / (e + 1), lambda e: 0.9**e])),
    "StepLR": st.tuples(counts, parts),
    "MultiStepLR": st.tuples(st.lists(counts, max_size=3), parts),
    "ExponentialLR": st.tuples(parts),
    "ConstantLR": st.tuples(parts, counts),
    "LinearLR": st.tuples(parts, parts, counts),
    "PolynomialLR": st.tuples(counts, st.floats(0.5, 3)),
    "CosineAnnealingLR": st.tuples(counts, st.floats(0, 0.1)),
}
one_schedule = st.sampled_from(sorted(PARTS)).flatmap(
    lambda name: st.tuples(st.just(name), PARTS[name])
)


def rates(library, make, epochs=24):
    params = [{"params": [library.zeros(1)], "lr": lr} for lr in (0.7, 0.3)]
    optimizer = library.optim.SGD(params)
    schedule, out = make(library.optim.lr_scheduler, optimizer), []
    for _ in range(epochs):
        out.append([*(g["lr"] for g in optimizer.param_groups), *schedule.get_last_lr()])
        optimizer.step()
        schedule.step()
    state = {k: v for k, v in schedule.state_dict().items() if k != "_schedulers"}
    return out, state


def check_schedule(make):
    (theirs, their_state), (ours, our_state) = (rates(library, make) for library in BOTH)
    assert ours == theirs  # to the last bit
    assert list(our_state) == list(their_state) or set(our_state) == set(their_state)
    assert our_state == their_state


@settings(deadline=None)
@given(one_schedule)
def test_schedule(chosen):
    name, args = chosen
    check_schedule(lambda s, o: getattr(s, name)(o, *args))


@settings(deadline=None)
@given(st.lists(one_schedule, min_size=2, max_size=3), st.lists(counts, min_size=2, max_size=2))
def test_schedules_in_sequence(chosen, lengths):
    ends = list(itertools.accumulate(lengths))[: len(chosen) - 1]
    check_schedule(
        lambda s, o: s.SequentialLR(o, [getattr(s, n)(o, *args) for n, args in chosen], ends)
    )


@settings(deadline=None)
@given(st.lists(one_schedule.filter(lambda c: c[0] != "LambdaLR"), min_size=1, max_size=3))
def test_schedules_all_at_once(chosen):
    check_schedule(lambda s, o: s.ChainedScheduler([getattr(s, n)(o, *args) for n, args in chosen]))


@settings(deadline=None)
@given(counts, st.integers(1, 3), st.floats(0, 0.1))
def test_warm_restarts(first, longer, low):
    check_schedule(lambda s, o: s.CosineAnnealingWarmRestarts(o, first, longer, low))


@settings(deadline=None)
@given(
    st.lists(st.floats(-1, 1), max_size=30),
    st.fixed_dictionaries(
        {
            "mode": st.sampled_from(["min", "max"]),
            "factor": st.floats(0.1, 0.9),
            "patience": st.integers(0, 3),
            "threshold": st.floats(0, 0.2),
            "threshold_mode": st.sampled_from(["rel", "abs"]),
            "cooldown": st.integers(0, 2),
            "min_lr": st.sampled_from([0, 0.01, [0.1, 0.02]]),
        }
    ),
)
def test_plateau(metrics, options):
    results = []
    for library in BOTH:
        params = [{"params": [library.zeros(1)], "lr": lr} for lr in (0.7, 0.3)]
        optimizer = library.optim.SGD(params)
        schedule, got = library.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options), []
        for metric in metrics:
            schedule.step(metric)
            got.append(schedule.get_last_lr())
        results.append((got, schedule.state_dict()))
    assert results[0] == results[1]


def test_a_model_pickled_by_its_own_library_comes_back_whole():
    model = tensor_core.nn.Sequential(tensor_core.nn.Linear(2, 3), tensor_core.nn.ReLU())
    twin = pickle.loads(pickle.dumps(model))
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    theirs.load_state_dict(theirs_of(dict(twin.state_dict())))
    x = np.ones((1, 2), np.float32)
    same(model(tensor_core.from_numpy(x)), theirs(torch.from_numpy(x)))

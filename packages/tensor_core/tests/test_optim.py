"""Optimizers: their formulas element by element, their groups, their state."""

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tensor_core as torch
from tensor_core import optim

# -- the formulas, one number at a time ------------------------------------------------------------


def sgd(p, g, s, lr, momentum=0, dampening=0, weight_decay=0, nesterov=False):
    g = g + weight_decay * p
    if momentum:
        s["v"] = momentum * s["v"] + (1 - dampening) * g if "v" in s else g
        g = g + momentum * s["v"] if nesterov else s["v"]
    return p - lr * g


def adam(p, g, s, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, decoupled=False):
    s["t"] = s.get("t", 0) + 1
    if decoupled:
        p = p * (1 - lr * weight_decay)
    else:
        g = g + weight_decay * p
    s["m"] = betas[0] * s.get("m", 0) + (1 - betas[0]) * g
    s["v"] = betas[1] * s.get("v", 0) + (1 - betas[1]) * g * g
    s["max"] = max(s.get("max", 0), s["v"])
    v = s["max"] if amsgrad else s["v"]
    m_hat, v_hat = s["m"] / (1 - betas[0] ** s["t"]), v / (1 - betas[1] ** s["t"])
    return p - lr * m_hat / (math.sqrt(v_hat) + eps)


def adamw(p, g, s, lr, weight_decay=0.01, **options):
    return adam(p, g, s, lr, weight_decay=weight_decay, decoupled=True, **options)


def adagrad(p, g, s, lr, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10):
    s["t"] = s.get("t", -1) + 1
    g = g + weight_decay * p
    s["sum"] = s.get("sum", initial_accumulator_value) + g * g
    return p - lr / (1 + s["t"] * lr_decay) * g / (math.sqrt(s["sum"]) + eps)


def rmsprop(p, g, s, lr, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False):
    g = g + weight_decay * p
    s["sq"] = alpha * s.get("sq", 0) + (1 - alpha) * g * g
    s["mean"] = alpha * s.get("mean", 0) + (1 - alpha) * g
    scale = s["sq"] - s["mean"] ** 2 if centered else s["sq"]
    s["buf"] = momentum * s.get("buf", 0) + g / (math.sqrt(scale) + eps)
    return p - lr * s["buf"]


def adadelta(p, g, s, lr, rho=0.9, eps=1e-6, weight_decay=0):
    g = g + weight_decay * p
    s["sq"] = rho * s.get("sq", 0) + (1 - rho) * g * g
    step = math.sqrt(s.get("acc", 0) + eps) / math.sqrt(s["sq"] + eps) * g
    s["acc"] = rho * s.get("acc", 0) + (1 - rho) * step * step
    return p - lr * step


rates = st.floats(0.001, 0.5)
decays = st.sampled_from([0, 0.1])
OPTIONS = {
    (optim.SGD, sgd): {
        "momentum": st.sampled_from([0, 0.9]),
        "dampening": st.sampled_from([0, 0.2]),
        "weight_decay": decays,
    },
    (optim.Adam, adam): {
        "betas": st.tuples(st.floats(0, 0.95), st.floats(0.5, 0.999)),
        "weight_decay": decays,
        "amsgrad": st.booleans(),
    },
    (optim.AdamW, adamw): {"weight_decay": decays, "amsgrad": st.booleans()},
    (optim.Adagrad, adagrad): {
        "lr_decay": st.sampled_from([0, 0.3]),
        "weight_decay": decays,
        "initial_accumulator_value": st.sampled_from([0, 0.5]),
    },
    (optim.RMSprop, rmsprop): {
        "alpha": st.floats(0.5, 0.99),
        "weight_decay": decays,
        "momentum": st.sampled_from([0, 0.9]),
        "centered": st.booleans(),
        "eps": st.just(1e-3),  # centred, the first step divides by nearly eps alone
    },
    (optim.Adadelta, adadelta): {"rho": st.floats(0.5, 0.95), "weight_decay": decays},
}


@pytest.mark.parametrize(("kind", "formula"), OPTIONS, ids=lambda x: x.__name__)
@settings(max_examples=25)
@given(data=st.data())
def test_steps_follow_the_formula(kind, formula, data):
    """Small, large, empty and 0-d parameters together; some miss a gradient now and then."""
    options = data.draw(st.fixed_dictionaries(OPTIONS[kind, formula]))
    options["lr"] = data.draw(rates)
    uphill = data.draw(st.booleans())
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    shapes = [(3, 2), (), (0, 4), (100, 90), (5,)]
    params = [torch.tensor(rng.normal(size=s), requires_grad=True) for s in shapes]
    watched = [(p, tuple(0 for _ in p.shape)) for p in params if p.numel()]
    numbers, states = [p[i].item() for p, i in watched], [{} for _ in watched]
    optimizer = kind(params, maximize=uphill, **options)
    for _ in range(6):
        for p in params:
            p.grad = torch.tensor(rng.normal(size=p.shape)) if rng.random() < 0.7 else None
        for k, (p, i) in enumerate(watched):
            if p.grad is not None:
                g = -p.grad[i].item() if uphill else p.grad[i].item()
                numbers[k] = formula(numbers[k], g, states[k], **options)
        optimizer.step()
    np.testing.assert_allclose([p[i].item() for p, i in watched], numbers, 1e-9, 1e-12)


def test_nesterov():
    p = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
    optimizer, x, state = optim.SGD([p], lr=0.1, momentum=0.5, nesterov=True), 1.0, {}
    for g in (1.0, -2.0, 0.5):
        p.grad = torch.tensor([g], dtype=torch.float64)
        x = sgd(x, g, state, 0.1, 0.5, nesterov=True)
        optimizer.step()
    assert p.item() == pytest.approx(x)


# -- what a step touches ---------------------------------------------------------------------------


def leaf(*values):
    p = torch.tensor(list(values), requires_grad=True)
    p.grad = torch.ones_like(p.detach())
    return p


def test_a_step_is_in_place_and_noticed_by_autograd():
    p = leaf(1.0, 2.0)
    memory, loss = p.detach().numpy(), (p * p).sum()
    optim.SGD([p], lr=0.5).step()
    assert memory.tolist() == [0.5, 1.5] and p.is_leaf and p.requires_grad
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_a_parameter_without_gradient_and_its_state_stay():
    p, q = leaf(1.0), leaf(1.0)
    q.grad = None
    optimizer = optim.Adam([p, q], lr=0.1)
    optimizer.step()
    assert q.item() == 1.0 and q not in optimizer.state and p in optimizer.state


def test_gradients_are_not_changed():
    p = leaf(1.0, 2.0)
    for optimizer in (
        optim.SGD([p], weight_decay=0.1, momentum=0.9, maximize=True),
        optim.AdamW([p], weight_decay=0.1, maximize=True),
        optim.Adam([p], weight_decay=0.1, amsgrad=True),
    ):
        optimizer.step()
        assert p.grad.tolist() == [1.0, 1.0]


def test_transposed_parameters_and_gradients():
    big = np.random.default_rng(0).normal(size=(120, 100))
    plain, turned = (torch.tensor(big), torch.tensor(big.T.copy()).T)
    plain.requires_grad_()
    turned.requires_grad_()
    for p, other in ((plain, turned), (turned, plain)):
        p.grad = other.detach().clone().T.contiguous().T
    for p in (plain, turned):
        optimizer = optim.Adam([p], lr=0.1)
        optimizer.step()
        optimizer.step()
    assert np.array_equal(plain.detach().numpy(), turned.detach().numpy())


def test_new_data_and_new_dtype_between_steps():
    p = leaf(1.0, 2.0)
    optimizer = optim.SGD([p], lr=0.5, momentum=0.5)
    optimizer.step()
    p.data = torch.tensor([10.0, 20.0])
    optimizer.step()
    assert p.tolist() == [9.25, 19.25]


def test_parameters_that_share_memory_both_step():
    a = torch.ones(4, requires_grad=True)
    b = torch.nn.Parameter(a.data)
    a.grad, b.grad = torch.ones(4), torch.ones(4)
    optim.SGD([a, b], lr=0.25).step()
    assert a.tolist() == b.tolist() == [0.5] * 4


def test_state_given_by_hand_is_used():
    p = leaf(1.0)
    optimizer = optim.SGD([p], lr=1.0, momentum=0.5)
    optimizer.step()
    optimizer.state[p]["momentum_buffer"] = torch.tensor([10.0])
    p.data.fill_(0.0)
    optimizer.step()
    assert p.item() == -6.0
    optimizer.state.clear()
    p.data.fill_(0.0)
    optimizer.step()
    assert p.item() == -1.0
    adam_ = optim.Adam([p], lr=1.0)
    adam_.step()
    adam_.state[p]["step"].fill_(99.0)
    adam_.step()
    assert adam_.state[p]["step"].item() == 100.0


def test_closure_runs_recorded_and_its_loss_comes_back():
    p = leaf(3.0)
    optimizer = optim.SGD([p], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 9.0
    assert p.item() == pytest.approx(2.4)


def test_zero_grad():
    p = leaf(1.0)
    grad, optimizer = p.grad, optim.SGD([p])
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is grad and grad.item() == 0.0
    optimizer.zero_grad()
    assert p.grad is None


# -- groups ----------------------------------------------------------------------------------------


def test_groups_have_their_own_options():
    p, q = leaf(1.0), leaf(1.0)
    optimizer = optim.SGD([{"params": p, "lr": 0.5}, {"params": [q]}], lr=0.1)
    optimizer.step()
    assert (p.item(), q.item()) == (0.5, pytest.approx(0.9))
    r = leaf(1.0)
    optimizer.add_param_group({"params": [r], "lr": 0.25})
    optimizer.step()
    assert r.item() == 0.75 and optimizer.param_groups[2]["momentum"] == 0


def test_named_parameters():
    layer = torch.nn.Linear(2, 1)
    optimizer = optim.SGD(layer.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    with pytest.raises(ValueError, match="with/without names"):
        optimizer.add_param_group({"params": [leaf(1.0)]})


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ([], ValueError, "empty parameter list"),
        (torch.zeros(1), TypeError, "iterable of Tensors or dicts"),
        ([3], TypeError, "can only optimize Tensors, but one of the params is int"),
        ([{"params": {torch.zeros(1)}}], TypeError, "ordered collections"),
        ([torch.ones(1, requires_grad=True) * 2], ValueError, "non-leaf"),
    ],
)
def test_what_cannot_be_optimized(params, error, message):
    with pytest.raises(error, match=message):
        optim.SGD(params)


def test_groups_must_not_overlap_or_miss_an_option():
    p = leaf(1.0)
    with pytest.raises(ValueError, match="more than one parameter group"):
        optim.SGD([{"params": [p]}, {"params": [p]}])
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optim.SGD([p, p])
    with pytest.raises(TypeError, match="must be a dict"):
        optim.SGD([p]).add_param_group([p])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: optim.SGD(p, lr=-1), "Invalid learning rate: -1"),
        (lambda p: optim.SGD(p, nesterov=True), "Nesterov momentum requires"),
        (lambda p: optim.Adam(p, betas=(0.9, 1.0)), "Invalid beta parameter at index 1: 1.0"),
        (lambda p: optim.Adam(p, eps=-1.0), "Invalid epsilon value"),
        (lambda p: optim.AdamW(p, weight_decay=-1.0), "Invalid weight_decay value"),
        (lambda p: optim.Adadelta(p, rho=2.0), "Invalid rho value"),
        (lambda p: optim.RMSprop(p, alpha=-1.0), "Invalid alpha value"),
        (lambda p: optim.Adagrad(p, lr_decay=-1.0), "Invalid lr_decay value"),
    ],
)
def test_options_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make([leaf(1.0)])


def test_repr():
    text = repr(optim.SGD([leaf(1.0)], lr=0.5))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n")
    assert "    lr: 0.5\n" in text and "params" not in text and text.endswith("\n)")


# -- state -----------------------------------------------------------------------------------------


def run(optimizer, params, steps, seed):
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        for p in params:
            p.grad = torch.tensor(rng.normal(size=p.shape).astype(np.float32))
        optimizer.step()
    return [p.tolist() for p in params]


MAKERS = [
    lambda p: optim.SGD(p, momentum=0.9, lr=0.1),
    lambda p: optim.AdamW(p, amsgrad=True),
    lambda p: optim.Adam(p),
    lambda p: optim.Adagrad(p),
    lambda p: optim.RMSprop(p, momentum=0.5, centered=True),
    lambda p: optim.Adadelta(p),
]


def several():
    shapes = [(2, 3), (90, 100), (4,)]
    return [torch.full(s, 0.5).requires_grad_() for s in shapes]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    "carry", [lambda s: s, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))]
)
def test_a_state_carried_over_goes_on_as_if_nothing_happened(make, carry):
    ours, theirs = several(), several()
    first, second = make(ours), make(theirs)
    run(first, ours, 3, seed=0)
    run(second, theirs, 1, seed=5)
    for p, q in zip(ours, theirs, strict=True):
        q.data = p.data.clone()
    saved = carry(first.state_dict())
    second.load_state_dict(saved)
    assert second.state_dict()["param_groups"] == first.state_dict()["param_groups"]
    assert run(first, ours, 3, seed=1) == run(second, theirs, 3, seed=1)


@pytest.mark.parametrize("make", MAKERS)
def test_a_copied_optimizer_steps_by_itself(make):
    layer = torch.nn.Linear(3, 2)
    optimizer = make(layer.parameters())
    run(optimizer, list(layer.parameters()), 2, seed=0)
    twin_layer, twin = copy.deepcopy((layer, optimizer))
    expected = run(optimizer, list(layer.parameters()), 2, seed=1)
    assert run(twin, list(twin_layer.parameters()), 2, seed=1) == expected
    assert all(
        p is q for p, q in zip(twin.param_groups[0]["params"], twin_layer.parameters(), strict=True)
    )


def test_loading_checks_the_groups():
    one, two = optim.SGD([leaf(1.0)]), optim.SGD([leaf(1.0), leaf(2.0)])
    with pytest.raises(ValueError, match="doesn't match the size"):
        one.load_state_dict(two.state_dict())
    two.add_param_group({"params": [leaf(3.0)]})
    with pytest.raises(ValueError, match="different number of parameter groups"):
        one.load_state_dict(two.state_dict())


def test_loading_copies_and_casts():
    p, q = leaf(1.0), torch.ones(1, dtype=torch.float64, requires_grad=True)
    first, second = optim.Adam([p]), optim.Adam([q])
    first.step()
    saved = first.state_dict()
    second.load_state_dict(saved)
    loaded = second.state_dict()["state"][0]
    assert loaded["exp_avg"].dtype is torch.float64 and loaded["step"].dtype is torch.float32
    before = saved["state"][0]["exp_avg"].tolist()
    q.grad = torch.ones(1, dtype=torch.float64)
    second.step()
    assert saved["state"][0]["exp_avg"].tolist() == before


def test_hooks():
    p, seen = leaf(1.0), []
    optimizer = optim.SGD([p])
    handle = optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append("pre"))
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append("post"))
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("save"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "extra": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, state: seen.append(state["extra"]))
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
    optimizer.step()
    handle.remove()
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    assert seen == ["pre", "post", "post", "save", 1, "loaded"]


def test_an_optimizer_of_ones_own():
    class Signs(optim.Optimizer):
        def __init__(self, params, lr=1.0):
            super().__init__(params, {"lr": lr})

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.add_(p.grad.sign(), alpha=-group["lr"])
                    self.state[p]["count"] = self.state[p].get("count", 0) + 1

    p = leaf(1.0)
    optimizer = Signs([p], lr=0.25)
    optimizer.step()
    other = Signs([leaf(1.0)])
    other.load_state_dict(optimizer.state_dict())
    assert p.item() == 0.75 and next(iter(other.state.values())) == {"count": 1}
    assert other.param_groups[0]["lr"] == 0.25


# -- closures, matrices, averages ------------------------------------------------------------------


def rosenbrock(search, steps, **options):
    """What is left of Rosenbrock's banana after some steps of LBFGS."""
    p = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    optimizer = optim.LBFGS([p], line_search_fn=search, **options)

    def closure():
        optimizer.zero_grad()
        loss = (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
    return closure().item(), optimizer.state[p]


def test_lbfgs_finds_the_end_of_the_valley():
    found, state = rosenbrock("strong_wolfe", 3)
    assert found < 1e-8 and len(state["old_dirs"]) == len(state["ro"]) <= 100
    slow, _ = rosenbrock(None, 3, lr=1e-3)
    assert slow < 24.2  # it started at 24.2, and small fixed steps go down too


def test_lbfgs_keeps_no_more_than_its_history_and_its_calls():
    found, state = rosenbrock("strong_wolfe", 1, max_iter=50, max_eval=200, history_size=4)
    assert found < 1e-8 and len(state["old_stps"]) == 4
    _, state = rosenbrock("strong_wolfe", 1, max_iter=50, max_eval=3)
    assert state["func_evals"] <= 4


@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.Adamax(p, lr=0.1),
        lambda p: optim.NAdam(p, lr=0.1),
        lambda p: optim.RAdam(p, lr=0.2),
        lambda p: optim.ASGD(p, lr=0.1),
        lambda p: optim.Rprop(p, lr=0.1),
        lambda p: optim.Adafactor(p, lr=0.2),
    ],
)
def test_the_other_optimizers_go_downhill_and_go_on_from_their_states(make):
    def step(optimizer, p, times):
        for _ in range(times):
            optimizer.zero_grad()
            ((p - 2) ** 2).sum().backward()
            optimizer.step()
        return p.tolist()

    p, q = (torch.full((3, 2), 1.0).requires_grad_() for _ in range(2))
    optimizer, other = make([p]), make([q])
    step(optimizer, p, 20)
    assert ((p - 2) ** 2).sum().item() < 5.0
    q.data = p.data.clone()
    other.load_state_dict(pickle.loads(pickle.dumps(optimizer.state_dict())))
    assert step(optimizer, p, 5) == step(other, q, 5)


def test_a_step_one_can_differentiate_through():
    """dw'/dlr of w' = w - lr * g is -g; of Adam's first step, minus the gradient's sign."""
    for kind, expected in ((optim.SGD, -3.0), (optim.Adam, -1.0)):
        lr = torch.tensor(0.5, requires_grad=True)
        w = torch.ones(1, requires_grad=True).clone()
        w.grad = torch.full((1,), 3.0)
        kind([w], lr=lr, differentiable=True).step()
        (slope,) = torch.autograd.grad(w.sum(), lr)
        assert slope.item() == pytest.approx(expected, rel=1e-5)


def test_sparse_adam_refuses_dense_gradients():
    with pytest.raises(RuntimeError, match="consider Adam"):
        optim.SparseAdam([leaf(1.0)]).step()
    assert optim.SparseAdam([torch.ones(1, requires_grad=True)]).step(lambda: 3.0) == 3.0


def test_averaged_weights():
    model = torch.nn.Linear(1, 1, bias=False)
    mean = optim.swa_utils.AveragedModel(model)
    ema = optim.swa_utils.AveragedModel(
        model, multi_avg_fn=optim.swa_utils.get_ema_multi_avg_fn(0.5)
    )
    for value in (1.0, 2.0, 6.0):
        model.weight.data.fill_(value)
        mean.update_parameters(model)
        ema.update_parameters(model)
    assert mean.module.weight.item() == pytest.approx(3.0) and mean.n_averaged.item() == 3
    assert ema.module.weight.item() == pytest.approx(0.5 * (0.5 * 1 + 0.5 * 2) + 0.5 * 6)
    assert "module.weight" in mean.state_dict() and "n_averaged" in mean.state_dict()

"""Optimizers beside torch that want more than a gradient a step: closures, matrices, graphs."""

import importlib
from functools import partial

import numpy as np
import pytest
import torch
from side_by_side import BOTH, array, error_of

import tensor_core


def part(library, name):
    """A module of a library's optimizers."""
    return importlib.import_module(f"{library.__name__}.optim.{name}")


def fit(library, steps=5, between=None, lr_tensor=False, **options):
    """Losses, numbers of calls and weights of a small fit by LBFGS, and the optimizer."""
    rng = np.random.default_rng(0)
    x, y = (library.from_numpy(rng.normal(size=(20, n))) for n in (3, 2))
    start = [rng.normal(size=shape) for shape in [(3, 2), (2,), (4,)]]
    w, b, unused = (library.from_numpy(a).requires_grad_() for a in start)
    if lr_tensor:
        options["lr"] = library.tensor(options["lr"])
    make = lambda: library.optim.LBFGS([w, b, unused], **options)  # noqa: E731
    optimizer, losses, calls = make(), [], [0]

    def closure():
        calls[0] += 1
        optimizer.zero_grad()
        loss = ((library.tanh(x @ w + b) - y) ** 2).mean() + (w**4).sum() / 100
        loss.backward()
        return loss

    for step in range(steps):
        losses.append(optimizer.step(closure).item())
        if between is not None and step == 1:
            state = between(optimizer.state_dict())
            optimizer = make()
            optimizer.load_state_dict(state)
    return [*losses, calls[0], *array(w).ravel(), *array(b), *array(unused)], optimizer


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.5, "max_iter": 4},
        {"lr": 0.3, "max_iter": 7, "history_size": 3},
        {"max_iter": 10, "max_eval": 5},
        {"max_eval": 1},
        {"lr": 0.7, "lr_tensor": True},
        {"lr": 3.0, "max_iter": 3},
        {"lr": 0.01, "max_iter": 3, "tolerance_change": 1e-3},
        {"tolerance_grad": 1e-1},
    ],
)
def test_lbfgs(options, search):
    (theirs, other), (ours, own) = (fit(t, line_search_fn=search, **options) for t in BOTH)
    np.testing.assert_allclose(ours, theirs, 1e-6, 1e-9)
    (theirs,), (ours,) = (o.state_dict()["state"].values() for o in (other, own))
    assert list(ours) == list(theirs)
    for name, value in theirs.items():
        assert type(ours[name]).__name__ == type(value).__name__, name
    assert (ours["n_iter"], ours["func_evals"]) == (theirs["n_iter"], theirs["func_evals"])


def test_lbfgs_goes_on_from_a_saved_state(tmp_path):
    """Each library saves in the middle, the other reads the file and goes on."""

    def through(writer, reader):
        def carry(state):
            writer.save(state, tmp_path / "state.pt")
            return reader.load(tmp_path / "state.pt")

        return carry

    straight, _ = fit(torch, line_search_fn="strong_wolfe")
    ours, _ = fit(
        tensor_core,
        line_search_fn="strong_wolfe",
        between=through(tensor_core, tensor_core),
    )
    np.testing.assert_allclose(ours, straight, 1e-6, 1e-9)
    theirs, _ = fit(torch, line_search_fn="strong_wolfe", between=through(torch, torch))
    np.testing.assert_allclose(theirs, straight, 1e-6, 1e-9)
    for writer, reader in (BOTH, BOTH[::-1]):
        _, optimizer = fit(writer, steps=2, line_search_fn="strong_wolfe")
        writer.save(optimizer.state_dict(), tmp_path / "state.pt")
        state = reader.load(tmp_path / "state.pt")["state"][0]
        for name, value in optimizer.state_dict()["state"][0].items():
            found, expected = (
                [v for v in (x if isinstance(x, list) else [x]) if v is not None]
                for x in (state[name], value)
            )
            for a, b in zip(found, expected, strict=True):
                np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"nesterov": False, "momentum": 0.5},
        {"adjust_lr_fn": "match_rms_adamw", "weight_decay": 0.0},
        {"ns_steps": 3, "ns_coefficients": (3.0, -4.0, 1.5), "eps": 1e-3},
    ],
)
def test_muon(options):
    """Orthogonal to bfloat16's precision, so that is how close the two come."""
    shapes, results = [(4, 4), (3, 8), (9, 2)], []
    for t in BOTH:
        rng = np.random.default_rng(0)
        params = [t.from_numpy(rng.normal(size=s).astype(np.float32)) for s in shapes]
        params = [t.nn.Parameter(p) for p in params]
        optimizer = t.optim.Muon(params, lr=0.1, **options)
        for _ in range(10):
            for p in params:
                p.grad = t.from_numpy(rng.normal(size=tuple(p.shape)).astype(np.float32))
            optimizer.step()
        buffers = [array(s["momentum_buffer"]) for s in optimizer.state_dict()["state"].values()]
        results.append((repr(optimizer), [array(p) for p in params], buffers))
    theirs, ours = results
    assert ours[0] == theirs[0]
    for a, b in zip(ours[1], theirs[1], strict=True):
        np.testing.assert_allclose(a, b, atol=0.02)
    for a, b in zip(ours[2], theirs[2], strict=True):
        np.testing.assert_allclose(a, b, 1e-5, 1e-6)


RECORDED = {
    "SGD": {"lr": 0.1, "weight_decay": 0.1},
    "SGD nesterov": {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True},
    "Adam": {"lr": 0.1, "weight_decay": 0.1},
    "AdamW": {"lr": 0.1},
    "Adagrad": {"lr": 0.1},
    "RMSprop": {"lr": 0.1, "momentum": 0.5, "centered": True},
    "Adadelta": {"lr": 0.1},
    "Adamax": {"lr": 0.1},
    "NAdam": {"lr": 0.1},
    "RAdam": {"lr": 0.1},
    "ASGD": {"lr": 0.1},
    "Rprop": {"lr": 0.1},
}


@pytest.mark.parametrize("kind", RECORDED)
def test_derivatives_through_a_step(kind):
    results = []
    for t in BOTH:
        rng = np.random.default_rng(1)
        start, scale = (t.from_numpy(rng.normal(size=4)).requires_grad_() for _ in range(2))
        loss = (scale * start**2).sum()
        (grad,) = t.autograd.grad(loss, start, create_graph=True)
        weights = start.clone()
        weights.grad = grad
        options = {**RECORDED[kind], "differentiable": True}
        optimizer = getattr(t.optim, kind.split()[0])([weights], **options)
        optimizer.step()
        after = (weights**3).sum()
        results.append([array(weights), *map(array, t.autograd.grad(after, [start, scale]))])
    for theirs, ours in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, 1e-5, 1e-6)  # torch counts in float32


KINDS = ["SGD", "Adam", "AdamW", "Adagrad", "RMSprop", "Adadelta", "Adamax", "NAdam", "RAdam",
         "ASGD", "Rprop"]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_complex_parameters_step_as_pairs(kind):
    results = []
    for t in BOTH:
        rng = np.random.default_rng(2)
        draw = lambda: rng.normal(size=5) + 1j * rng.normal(size=5)  # noqa: E731, B023
        p = t.from_numpy(draw()).requires_grad_()
        optimizer = getattr(t.optim, kind)([p], lr=0.1)
        for _ in range(4):
            p.grad = t.from_numpy(draw())
            optimizer.step()
        results.append(array(p))
    np.testing.assert_allclose(results[1], results[0], 1e-9, 1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_a_rate_in_a_tensor(kind):
    results = []
    for t in BOTH:
        p = t.ones(3, dtype=t.float64, requires_grad=True)
        optimizer = getattr(t.optim, kind)([p], lr=t.tensor(0.5))
        for _ in range(3):
            p.grad = t.linspace(-1, 1, 3, dtype=t.float64)
            optimizer.step()
            optimizer.param_groups[0]["lr"] = t.tensor([0.25])
        results.append(array(p))
    np.testing.assert_allclose(results[1], results[0], 1e-6, 1e-7)


@pytest.mark.parametrize("kind", [*KINDS, "Adafactor"])
@pytest.mark.parametrize(("writer", "reader"), [BOTH, BOTH[::-1]])
def test_states_in_files_read_by_the_other(kind, writer, reader, tmp_path):
    """A file of one library's state goes on in the other with the same numbers."""
    weights = np.random.default_rng(3).normal(size=(4, 3)).astype(np.float32)
    grads = np.random.default_rng(4).normal(size=(6, 4, 3)).astype(np.float32)

    def run(t, values, numbers, state=None):
        p = t.nn.Parameter(t.from_numpy(values.copy()))
        optimizer = getattr(t.optim, kind)([p], lr=0.01)
        if state is not None:
            optimizer.load_state_dict(t.load(state))
        for grad in numbers:
            p.grad = t.from_numpy(grad.copy())
            optimizer.step()
        return array(p), optimizer

    half, optimizer = run(writer, weights, grads[:3])
    writer.save(optimizer.state_dict(), tmp_path / "state.pt")
    ours, _ = run(reader, half, grads[3:], tmp_path / "state.pt")
    expected, _ = run(torch, weights, grads)
    np.testing.assert_allclose(ours, expected, 1e-4, 1e-6)


WRONG = {
    "rate of two elements": lambda t, p: t.optim.Adam(p, lr=t.tensor([0.1, 0.2])),
    "LBFGS groups": lambda t, p: t.optim.LBFGS([{"params": p}, {"params": [t.ones(1)]}]),
    "LBFGS rate": lambda t, p: t.optim.LBFGS(p, lr=-1),
    "LBFGS search": lambda t, p: stepped(t, p, t.optim.LBFGS(p, line_search_fn="armijo")),
    "Rprop etas": lambda t, p: t.optim.Rprop(p, etas=(1.5, 2.0)),
    "NAdam decay": lambda t, p: t.optim.NAdam(p, momentum_decay=-1),
    "Adafactor d": lambda t, p: t.optim.Adafactor(p, d=0.5),
    "Muon vector": lambda t, p: t.optim.Muon(p),
    "Muon rate": lambda t, p: t.optim.Muon([t.ones(2, 2)], adjust_lr_fn="other"),
    "SparseAdam zero rate": lambda t, p: t.optim.SparseAdam(p, lr=0.0),
    "SparseAdam dense": lambda t, p: t.optim.SparseAdam(graded(t, p)).step(),
    "one group for all": lambda t, p: t.optim.SGD(p[0]),
    "nothing": lambda t, p: t.optim.SGD([], lr=0.1),
    "no dict": lambda t, p: t.optim.SGD(p).add_param_group(p),
    "twice": lambda t, p: t.optim.SGD([{"params": p}, {"params": p}]),
    "some names": lambda t, p: t.optim.SGD([("a", p[0]), t.ones(1)]),
    "set": lambda t, p: t.optim.SGD([{"params": set(p)}]),
    "averaged both ways": lambda t, p: t.optim.swa_utils.AveragedModel(
        t.nn.Linear(1, 1), avg_fn=max, multi_avg_fn=max
    ),
    "decay": lambda t, p: t.optim.swa_utils.get_ema_avg_fn(1.5),
    "no required option": lambda t, p: t.optim.Optimizer(
        p, {"lr": part(t, "optimizer").required}
    ),
    "unknown option": lambda t, p: t.optim.SGD(p, rate=1),
    "plateau verbose": lambda t, p: t.optim.lr_scheduler.ReduceLROnPlateau(
        t.optim.SGD(p), verbose=True
    ),
    "one cycle without length": lambda t, p: t.optim.lr_scheduler.OneCycleLR(
        t.optim.Adam(p), max_lr=1
    ),
    "cycle without momentum": lambda t, p: t.optim.lr_scheduler.CyclicLR(
        t.optim.Adagrad(p), 0.1, 1
    ),
    "multiplying by no function": lambda t, p: t.optim.lr_scheduler.MultiplicativeLR(
        t.optim.SGD(p), 0.5
    ),
}  # fmt: skip


def graded(t, params):
    for p in params:
        p.grad = t.ones(3)
    return params


def stepped(t, params, optimizer):
    return optimizer.step(lambda: (graded(t, params), t.ones(()))[1])


@pytest.mark.parametrize("what", WRONG)
def test_what_is_refused(what):
    raised = [error_of(partial(WRONG[what], t, [t.ones(3, requires_grad=True)])) for t in BOTH]
    assert raised[0] is not None and raised[0].__name__ == raised[1].__name__


@pytest.mark.parametrize("how", ["mean", "ema", "ema of each", "mean of each"])
@pytest.mark.parametrize("use_buffers", [False, True])
def test_averaged_model(how, use_buffers):
    results = []
    for t in BOTH:
        u = t.optim.swa_utils
        options = {
            "mean": {},
            "ema": {"multi_avg_fn": u.get_ema_multi_avg_fn(0.9)},
            "ema of each": {"avg_fn": u.get_ema_avg_fn(0.9)},
            "mean of each": {"avg_fn": u.get_swa_avg_fn()},
        }[how]
        rng = np.random.default_rng(5)
        model = t.nn.Sequential(t.nn.Linear(3, 4), t.nn.BatchNorm1d(4)).double()
        averaged = u.AveragedModel(model, use_buffers=use_buffers, **options)
        for _ in range(4):
            with t.no_grad():
                for p in model.parameters():
                    p.copy_(t.from_numpy(rng.normal(size=tuple(p.shape))))
            x = t.from_numpy(rng.normal(size=(8, 3)))
            model(x)
            averaged.update_parameters(model)
        u.update_bn([(x + i, None) for i in range(3)], averaged)
        averaged.eval()
        state = averaged.state_dict()
        results.append(([array(v) for v in state.values()], list(state), array(averaged(x))))
    theirs, ours = results
    assert ours[1] == theirs[1]
    for a, b in zip([*ours[0], ours[2]], [*theirs[0], theirs[2]], strict=True):
        np.testing.assert_allclose(a, b, 1e-9, 1e-12)


def test_hooks_see_what_torch_shows_them():
    results = []
    for t in BOTH:
        seen = []
        p = t.ones(1, requires_grad=True)
        p.grad = t.ones(1)
        note = lambda name: lambda o, a, k: seen.append((name, len(a), a[0] is o, k))  # noqa: E731, B023
        every = part(t, "optimizer").register_optimizer_step_pre_hook(note("every"))
        after = part(t, "optimizer").register_optimizer_step_post_hook(note("after every"))
        optimizer = t.optim.SGD([p], lr=0.5)
        optimizer.register_step_pre_hook(note("before"))
        optimizer.register_step_post_hook(note("after"))
        optimizer.step()
        optimizer.step(closure=None)
        every.remove()
        after.remove()
        optimizer.step(lambda: 1.0)
        results.append(seen)
    assert [x[:3] for x in results[0]] == [x[:3] for x in results[1]]


def test_a_group_added_stays_the_callers_dict():
    for t in BOTH:
        group = {"params": t.ones(1, requires_grad=True)}
        optimizer = t.optim.SGD([group], lr=0.5)
        group["lr"] = 0.25
        assert optimizer.param_groups[0] is group and group["momentum"] == 0
        assert optimizer.state_dict()["param_groups"][0]["lr"] == 0.25


def test_modules_are_where_torch_has_them():
    for name in ["adadelta", "adagrad", "adam", "adamax", "adamw", "asgd", "lbfgs", "nadam",
                 "radam", "rmsprop", "rprop", "sgd", "sparse_adam", "swa_utils"]:  # fmt: skip
        ours, theirs = (part(t, name) for t in (tensor_core, torch))
        classes = [n for n in theirs.__all__ if n[0].isupper()]
        assert classes and all(hasattr(ours, n) for n in classes), name
    public = {n for n in torch.optim.__all__ if n[0].isupper()}
    assert public <= set(tensor_core.optim.__all__)
    assert set(torch.optim.lr_scheduler.__all__) <= set(tensor_core.optim.lr_scheduler.__all__)

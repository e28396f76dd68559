"""Optimizers and clipping beside torch: the same steps, states, losses."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nn_pairs import network_of, ours_of, theirs_of, with_grad
from side_by_side import BOTH, array

import tensor_core


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
    "Adamax": grid(lr=[0.01], weight_decay=[0, 0.1], maximize=off_on),
    "NAdam": grid(lr=[0.01], weight_decay=[0, 0.1], decoupled_weight_decay=off_on)
    + grid(lr=[0.01], momentum_decay=[0, 0.1], maximize=off_on),
    "RAdam": grid(lr=[0.01], weight_decay=[0, 0.1], decoupled_weight_decay=off_on)
    + grid(lr=[0.01], betas=[(0.8, 0.5), (0.8, 0.9)], maximize=off_on),
    "ASGD": grid(lr=[0.1], lambd=[0, 0.1], t0=[5, 1e6], weight_decay=[0, 0.1], maximize=off_on),
    "Rprop": grid(lr=[0.01], etas=[(0.5, 1.2), (0.3, 2.0)], maximize=off_on)
    + grid(lr=[0.1], step_sizes=[(0.05, 0.2)]),
    "Adafactor": grid(lr=[0.1], weight_decay=[0, 0.1], d=[1.0, 3.0], maximize=off_on)
    + grid(lr=[0.1], eps=[(1e-8, 1e-2)], beta2_decay=[-0.5]),
}
SHAPES = [(3, 4), (5,), (), (0, 2), (90, 100), (1, 7)]


NOT_EMPTY = [shape for shape in SHAPES if 0 not in shape]


class Course:
    """Both libraries' optimizers on the same parameters and the same gradients."""

    def __init__(self, kind, options, dtype):
        rng = np.random.default_rng(0)
        # Adafactor divides by the number of elements
        self.shapes = NOT_EMPTY if kind == "Adafactor" else SHAPES
        start = [np.asarray(rng.normal(size=shape)).astype(dtype) for shape in self.shapes]
        self.params = {t: [t.nn.Parameter(t.from_numpy(a.copy())) for a in start] for t in BOTH}
        self.optimizers = {t: getattr(t.optim, kind)(self.params[t], **options) for t in BOTH}
        self.rng, self.dtype = rng, dtype

    def run(self, steps):
        for step in range(steps):
            for i, shape in enumerate(self.shapes):
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

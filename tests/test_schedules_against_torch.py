"""Learning-rate schedules beside torch: the same rates to the last bit, the same states."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from side_by_side import BOTH

counts, parts = st.integers(1, 9), st.floats(0.05, 1.0)
PARTS = {
    "LambdaLR": st.tuples(st.sampled_from([lambda e: 1 / (e + 1), lambda e: 0.9**e])),
    "MultiplicativeLR": st.tuples(st.sampled_from([lambda e: 0.9, lambda e: 1 / (e + 1)])),
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


def cycle_rates(library, kind, make, epochs=40):
    """Rates, momenta and state of a schedule that changes both."""
    params = [{"params": [library.zeros(1)], "lr": lr} for lr in (0.7, 0.3)]
    options = {"momentum": 0.9} if kind == "SGD" else {}
    optimizer = getattr(library.optim, kind)(params, **options)
    schedule, out = make(library, optimizer), []
    for _ in range(epochs):
        name = "momentum" if kind == "SGD" else "betas"
        out.append([(g["lr"], g[name]) for g in optimizer.param_groups])
        out.append(schedule.get_last_lr())
        optimizer.step()
        schedule.step()
    groups = optimizer.state_dict()["param_groups"]
    return out, schedule.state_dict(), groups


def check_cycles(kind, make):
    theirs, ours = (cycle_rates(library, kind, make) for library in BOTH)
    assert ours == theirs  # to the last bit


up_down = st.sampled_from(["SGD", "AdamW"])


@settings(deadline=None, max_examples=50)
@given(
    up_down,
    st.fixed_dictionaries(
        {
            "base_lr": st.sampled_from([0.1, [0.1, 0.2]]),
            "max_lr": st.sampled_from([1.0, [0.5, 2.0]]),
            "step_size_up": counts,
            "step_size_down": st.none() | counts,
            "mode": st.sampled_from(["triangular", "triangular2", "exp_range"]),
            "gamma": parts,
            "scale_fn": st.sampled_from([None, None, lambda x: 0.5**x]),
            "scale_mode": st.sampled_from(["cycle", "iterations"]),
            "cycle_momentum": st.booleans(),
        }
    ),
)
def test_cyclic(kind, options):
    check_cycles(kind, lambda t, o: t.optim.lr_scheduler.CyclicLR(o, **options))


@settings(deadline=None, max_examples=50)
@given(
    up_down,
    st.fixed_dictionaries(
        {
            "max_lr": st.sampled_from([1.0, [0.5, 2.0]]),
            "pct_start": st.floats(0.2, 0.45),
            "anneal_strategy": st.sampled_from(["cos", "linear"]),
            "cycle_momentum": st.booleans(),
            "div_factor": st.floats(1, 50),
            "three_phase": st.booleans(),
        }
    ),
    st.sampled_from([{"total_steps": 41}, {"epochs": 5, "steps_per_epoch": 9}]),
)
def test_one_cycle(kind, options, length):
    check_cycles(kind, lambda t, o: t.optim.lr_scheduler.OneCycleLR(o, **options, **length))


@settings(deadline=None)
@given(st.sampled_from([0.05, [0.05, 0.5]]), st.integers(0, 9), st.sampled_from(["cos", "linear"]))
def test_swa_rates(end, epochs, how):
    check_cycles("SGD", lambda t, o: t.optim.swa_utils.SWALR(o, end, epochs, how))


def test_a_schedule_of_ones_own_and_its_state():
    results = []
    for t in BOTH:

        class Root(t.optim.lr_scheduler.LRScheduler):
            def get_lr(self):
                return [base / (1 + self.last_epoch) ** 0.5 for base in self.base_lrs]

        class Old(t.optim.lr_scheduler._LRScheduler):
            def __init__(self, optimizer, power, last_epoch=-1):
                self.power = power
                super().__init__(optimizer, last_epoch)

            def get_lr(self):
                return [base * self.power**self.last_epoch for base in self.base_lrs]

        out = []
        for make in (Root, lambda o: Old(o, 0.5)):
            optimizer = t.optim.SGD([t.zeros(1)], lr=1.0)
            schedule = make(optimizer)
            for _ in range(5):
                optimizer.step()
                schedule.step()
            again = make(t.optim.SGD([t.zeros(1)], lr=1.0))
            again.load_state_dict(schedule.state_dict())
            again.optimizer.step()
            again.step()
            out.append((schedule.state_dict(), again.get_last_lr()))
        results.append(out)
    assert results[0] == results[1]

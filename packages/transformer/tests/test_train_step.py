"""One optimizer step: whole batch or pieces, one worker or several, clipped or not."""

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transformer import build_model
from transformer._engine import nn, torch
from transformer.train import NonFiniteLoss, Stepper, Team, TrainConfig, choose_workers
from transformer.train.optimizer import make_optimizer

VOCABULARY = 11


def make(dropout: float = 0.0, **config: Any) -> tuple[Any, Any]:
    torch.manual_seed(5)
    sizes = {"n_layer": 2, "n_head": 2, "n_embd": 8, "block_size": 6, "dropout": dropout}
    model = build_model("gpt", vocab_size=VOCABULARY, **sizes)
    return model, make_optimizer(model, TrainConfig(**config))


def batch(rows: int, seed: int = 0) -> tuple[Any, Any]:
    draws = np.random.default_rng(seed).integers(0, VOCABULARY, (2, rows, 6))
    return torch.from_numpy(draws[0]), torch.from_numpy(draws[1])


def weights(model: Any) -> dict[str, np.ndarray]:
    return {name: p.detach().numpy().copy() for name, p in model.named_parameters()}


def train(
    rows: int = 6, steps: int = 3, dropout: float = 0.0, masked: Any = None, **how: Any
) -> tuple[Any, Any]:
    """Return the weights after some steps, and what each step returned.

    Of row r only the last ``masked[r]`` targets count, if ``masked`` is given.
    """
    model, optimizer = make(dropout, lr=1e-2)
    told = []
    with Stepper(model, optimizer, **how) as stepper:
        for seed in range(steps):
            x, y = batch(rows, seed)
            for row, kept in enumerate(masked or ()):
                y[row, : 6 - kept] = -100
            told.append(stepper.step(x, y))
    return weights(model), told


def assert_close(a: Any, b: Any) -> None:
    np.testing.assert_allclose(a[1], b[1], rtol=1e-4)
    for name in a[0]:
        # AdamW divides by the gradient's size: where that is near 0, rounding shows.
        np.testing.assert_allclose(a[0][name], b[0][name], rtol=1e-3, atol=2e-4, err_msg=name)


@pytest.mark.parametrize("how", [{"accumulate": 3}, {"accumulate": 2, "workers": 2}])
def test_a_mixture_of_experts_learns_the_same_in_pieces(how: Any) -> None:
    told = []
    for pieces in ({}, how):
        torch.manual_seed(5)
        sizes = {"n_layer": 2, "n_head": 2, "n_embd": 8, "block_size": 6, "n_expert": 4}
        model = build_model("llama", vocab_size=VOCABULARY, aux_loss_coef=1.0, **sizes).double()
        x, y = batch(5)
        y[0], y[2, :4] = -100, -100  # sequences do not all count alike
        with Stepper(model, make_optimizer(model, TrainConfig()), **pieces) as stepper:
            told.append([*stepper.step(x, y), weights(model)["layers.0.mlp.gate.weight"].sum()])
    assert told[0] == pytest.approx(told[1], rel=1e-9)


def test_a_step_is_forward_backward_clip_and_update() -> None:
    model, optimizer = make(lr=1e-2)
    x, y = batch(4)
    _, loss = model(x, y)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), 0.1)
    optimizer.step()
    wanted, told = weights(model), (loss.item(), float(norm))

    got, (first,) = train(rows=4, steps=1, grad_clip=0.1)
    assert first == pytest.approx(told, rel=1e-6)
    for name in wanted:
        np.testing.assert_allclose(got[name], wanted[name], rtol=1e-6, atol=1e-8)


@settings(max_examples=8, deadline=None)
@given(rows=st.integers(1, 7), accumulate=st.integers(2, 7))
def test_accumulation_equals_the_large_batch(rows: int, accumulate: int) -> None:
    assert_close(train(rows, accumulate=accumulate), train(rows))


@pytest.mark.parametrize(("rows", "workers"), [(6, 2), (5, 2), (7, 3)])
def test_several_workers_equal_one(rows: int, workers: int) -> None:
    assert_close(train(rows, workers=workers), train(rows))


def test_workers_and_pieces_together_equal_one() -> None:
    assert_close(train(7, workers=2, accumulate=3), train(7))


@settings(max_examples=8, deadline=None)
@given(
    masked=st.lists(st.integers(0, 6), min_size=2, max_size=6).filter(any),
    accumulate=st.integers(1, 3),
    workers=st.integers(1, 2),
)
def test_unevenly_masked_targets_count_alike_in_every_piece(
    masked: list[int], accumulate: int, workers: int
) -> None:
    rows = len(masked)
    pieces = train(rows, masked=masked, accumulate=accumulate, workers=workers)
    assert_close(pieces, train(rows, masked=masked))


def test_masked_targets_change_neither_loss_nor_gradient() -> None:
    """The loss over the counted targets is their mean, worked out one by one."""
    model, _ = make()
    x, y = batch(3)
    y[0, :5] = y[1] = -100
    with torch.no_grad():
        logits, _ = model(x)
        each = (
            torch.logsumexp(logits, dim=-1) - logits.gather(-1, y.clamp(min=0)[..., None])[..., 0]
        )
    counted = y.numpy() != -100
    told = train(3, steps=1, masked=[1, 0, 6], accumulate=3)[1][0]
    assert counted.sum() == 7
    assert told[0] == pytest.approx(each.numpy()[counted].mean(), rel=1e-5)


def test_a_batch_in_which_nothing_counts_changes_nothing() -> None:
    got, told = train(2, steps=2, masked=[0, 0], accumulate=2, workers=2)
    assert told == [(0.0, 0.0)] * 2
    before = weights(make()[0])
    assert all((got[name] == before[name]).all() for name in got)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_is_the_same_bit_for_bit_every_time(workers: int) -> None:
    once, again = (train(dropout=0.2, workers=workers) for _ in range(2))
    assert once[1] == again[1]
    assert all((once[0][name] == again[0][name]).all() for name in once[0])


def test_workers_and_steps_draw_different_dropout() -> None:
    model, optimizer = make(dropout=0.5, lr=1e-9)
    x, y = batch(1)
    twice = torch.cat([x, x]), torch.cat([y, y])
    with Stepper(model, optimizer, workers=2) as stepper:
        slices: dict[int, float] = {}
        gradients = stepper._gradients

        def noted(*of_slice: Any) -> Any:
            result = gradients(*of_slice)
            slices[threading.get_ident()] = result[0]
            return result

        stepper._gradients = noted  # type: ignore[method-assign]
        first = stepper.step(*twice)[0]
        one, other = slices.values()
        assert one != other
        assert stepper.step(*twice)[0] != first


def test_the_norm_is_told_before_clipping_and_the_gradient_is_clipped() -> None:
    model, _ = make()
    descent = torch.optim.SGD(model.parameters(), lr=1.0)  # the update is the gradient
    before = weights(model)
    with Stepper(model, descent, grad_clip=1e-3) as stepper:
        _, norm = stepper.step(*batch(4))
    moved = np.concatenate([(weights(model)[n] - before[n]).ravel() for n in before])
    assert norm > 0.1
    assert np.linalg.norm(moved) == pytest.approx(1e-3, rel=1e-2)


def test_zero_never_clips() -> None:
    model, _ = make()
    descent = torch.optim.SGD(model.parameters(), lr=1.0)
    before = weights(model)
    with Stepper(model, descent, grad_clip=0) as stepper:
        _, norm = stepper.step(*batch(4))
    moved = np.concatenate([(weights(model)[n] - before[n]).ravel() for n in before])
    assert np.linalg.norm(moved) == pytest.approx(norm, rel=1e-4)


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_updates_nothing(poison: float) -> None:
    model, optimizer = make(lr=1e-2)
    with torch.no_grad():
        model.ln_f.weight[0] = poison
    before = weights(model)
    with Stepper(model, optimizer) as stepper, pytest.raises(NonFiniteLoss) as caught:
        stepper.step(*batch(4))
    assert "nan" in str(caught.value) and "0.01" in str(caught.value)
    for name, value in weights(model).items():
        np.testing.assert_array_equal(value, before[name])


def test_matrices_decay_and_vectors_do_not() -> None:
    model, optimizer = make(weight_decay=0.3)
    decay = {
        id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]
    }
    assert len(decay) == len(list(model.parameters()))
    for p in model.parameters():
        assert decay[id(p)] == (0.3 if p.dim() >= 2 else 0.0)


def test_a_team_runs_side_by_side_and_answers_in_order() -> None:
    meeting = threading.Barrier(3)  # passed only when all three are there at once

    def job(member: int) -> tuple[int, int]:
        meeting.wait(timeout=30)
        return member, threading.get_ident()

    with Team(3) as team:
        for _ in range(3):
            members, threads = zip(*team.run(job), strict=True)
            assert members == (0, 1, 2)
            assert len(set(threads)) == 3
            assert threads[0] == threading.get_ident()


def test_a_members_error_reaches_the_caller_and_the_team_goes_on() -> None:
    def job(member: int) -> int:
        if member:
            raise ValueError(f"member {member}")
        return 7

    with Team(3) as team:
        with pytest.raises(ValueError, match="member 1"):
            team.run(job)
        assert team.run(lambda member: member) == [0, 1, 2]


def test_each_operation_keeps_to_one_core_while_a_team_runs() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with Team(2) as team:
            assert team.run(lambda member: torch.get_num_threads()) == [1, 1]
            assert torch.get_num_threads() == 2
            with pytest.raises(ZeroDivisionError):
                team.run(lambda member: 1 // member)
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_auto_takes_one_worker_for_little_work_and_no_more_than_sequences() -> None:
    assert choose_workers("auto", parameters=100, batch_size=8, block_size=8) == 1
    assert choose_workers("auto", parameters=10**9, batch_size=1, block_size=999) == 1
    with pytest.raises(ValueError, match=r"workers=3 .*\(2\)"):
        choose_workers(3, parameters=100, batch_size=2, block_size=8)

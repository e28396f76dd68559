"""Optimizers beside their formulas, written out in plain NumPy; and which parameter gets which."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from transformer import TrainConfig, build_model
from transformer._engine import nn, torch
from transformer.train.optimizer import OPTIMIZERS, make_optimizer
from transformer.train.optimizers import Lion, Muon, orthogonal

LR, DECAY, STEPS = 0.05, 0.2, 6
GRADIENTS = [np.random.default_rng(step).normal(size=(6, 4)) for step in range(STEPS)]
START = np.random.default_rng(99).normal(size=(6, 4))


def lion(p: Any, g: Any, memory: dict[str, Any], step: int) -> Any:
    """Chen et al. 2023, algorithm 2."""
    m = memory.get("m", 0.0)
    memory["m"] = 0.99 * m + 0.01 * g
    return p - LR * (np.sign(0.9 * m + 0.1 * g) + DECAY * p)


def adam(p: Any, g: Any, memory: dict[str, Any], step: int) -> Any:
    """Kingma and Ba 2015, algorithm 1, with weight decay added to the gradient."""
    g = g + DECAY * p
    return p - LR * adam_direction(g, memory, step)


def adamw(p: Any, g: Any, memory: dict[str, Any], step: int) -> Any:
    """Loshchilov and Hutter 2019, algorithm 2."""
    return p * (1 - LR * DECAY) - LR * adam_direction(g, memory, step)


def adam_direction(g: Any, memory: dict[str, Any], step: int) -> Any:
    memory["m"] = 0.9 * memory.get("m", 0.0) + 0.1 * g
    memory["v"] = 0.99 * memory.get("v", 0.0) + 0.01 * g * g
    m, v = memory["m"] / (1 - 0.9**step), memory["v"] / (1 - 0.99**step)
    return m / (np.sqrt(v) + 1e-8)


def nesterov(p: Any, g: Any, memory: dict[str, Any], step: int) -> Any:
    """Sutskever et al. 2013, section 2, in the form in which the gradient is taken at p."""
    g = g + DECAY * p
    memory["v"] = v = 0.9 * memory.get("v", 0.0) + g
    return p - LR * (g + 0.9 * v)


def muon(p: Any, g: Any, memory: dict[str, Any], step: int) -> Any:
    """Jordan et al. 2024, with the scale of Liu et al. 2025, equation 4; powers by the SVD."""
    memory["m"] = m = 0.9 * memory.get("m", 0.0) + g
    u, s, vh = np.linalg.svd(0.9 * m + g, full_matrices=False)
    s = s / np.linalg.norm(s)
    for _ in range(5):  # an odd polynomial of a matrix is that of its singular values
        s = 3.4445 * s - 4.775 * s**3 + 2.0315 * s**5
    return p * (1 - LR * DECAY) - LR * 0.2 * np.sqrt(6) * (u * s) @ vh


FORMULAS: dict[str, Callable[..., Any]] = {
    "sgd": nesterov,
    "adam": adam,
    "adamw": adamw,
    "lion": lion,
    "muon": muon,
}


class Plain(nn.Module):
    """One matrix between hidden states, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(START))


def config(name: str) -> TrainConfig:
    return TrainConfig(optimizer=name, lr=LR, weight_decay=DECAY, betas=(0.9, 0.99), momentum=0.9)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_follow_the_formula(name: str) -> None:
    model = Plain()
    optimizer = make_optimizer(model, config(name))
    expected, memory = START.copy(), {}
    for step, g in enumerate(GRADIENTS, 1):
        model.weight.grad = torch.tensor(g)
        optimizer.step()
        expected = FORMULAS[name](expected, g, memory, step)
        np.testing.assert_allclose(model.weight.detach().numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_state_saved_and_loaded_goes_on_to_the_last_bit(name: str) -> None:
    torch.manual_seed(1)
    unbroken, resumed = (build_model("gpt", vocab_size=7, n_layer=1, n_embd=8, n_head=2)
                         for _ in range(2))  # fmt: skip
    resumed.load_state_dict(unbroken.state_dict())
    first, second = make_optimizer(unbroken, config(name)), make_optimizer(resumed, config(name))

    def step(model: Any, optimizer: Any, seed: int) -> None:
        rng = np.random.default_rng(seed)
        for p in model.parameters():
            p.grad = torch.tensor(rng.normal(size=tuple(p.shape)).astype(np.float32))
        optimizer.step()

    for seed in range(3):
        step(unbroken, first, seed)
        step(resumed, second, seed)
    third = make_optimizer(resumed, config(name))
    third.load_state_dict(second.state_dict())
    for seed in range(3, 6):
        step(unbroken, first, seed)
        step(resumed, third, seed)
    for p, q in zip(unbroken.parameters(), resumed.parameters(), strict=True):
        assert p.detach().numpy().tobytes() == q.detach().numpy().tobytes()


def names_in(model: Any, optimizer: Any, **having: Any) -> set[str]:
    name_of = {id(p): name for name, p in model.named_parameters()}
    return {
        name_of[id(p)]
        for group in optimizer.param_groups
        if all(group[key] == value for key, value in having.items())
        for p in group["params"]
    }


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_matrices_decay_and_vectors_do_not(name: str) -> None:
    model = build_model("gpt", vocab_size=7, n_layer=1, n_embd=8, n_head=2)
    optimizer = make_optimizer(model, config(name))
    decays, not_ = (names_in(model, optimizer, weight_decay=d) for d in (DECAY, 0.0))
    assert decays == {"wte.weight", "wpe.weight"} | {
        f"h.0.{part}.weight" for part in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    }
    assert not_ == {n for n, p in model.named_parameters() if p.dim() == 1}
    optimizer = make_optimizer(model, config(name), decay_embeddings=False)
    assert decays - names_in(model, optimizer, weight_decay=DECAY) == {"wte.weight", "wpe.weight"}


@pytest.mark.parametrize(
    ("model", "settings", "hidden"),
    [
        ("gpt", {"n_layer": 1, "n_head": 1, "n_embd": 7},  # as wide as there are tokens
         {"h.0.attn.c_attn", "h.0.attn.c_proj", "h.0.mlp.c_fc", "h.0.mlp.c_proj"}),
        ("ngram", {"context": 2, "n_hidden": 5}, {"H"}),
        ("bigram", {}, set()),
    ],
)  # fmt: skip
def test_muon_takes_the_matrices_between_hidden_states(
    model: str, settings: Any, hidden: set[str]
) -> None:
    built = build_model(model, vocab_size=7, **settings)
    optimizer = make_optimizer(built, config("muon"))
    assert names_in(built, optimizer, muon=True) == {f"{name}.weight" for name in hidden}
    assert names_in(built, optimizer) == {name for name, _ in built.named_parameters()}


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (2, 4, 6)])
def test_orthogonal_keeps_the_directions_alone(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(3).normal(size=shape) * 50
    y = orthogonal(torch.tensor(x)).numpy()
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    inner = u.mT @ y @ vh.mT
    s = np.diagonal(inner, axis1=-2, axis2=-1)
    assert (s > 0.6).all() and (s < 1.3).all()
    np.testing.assert_allclose(inner, s[..., None] * np.eye(s.shape[-1]), atol=1e-9)
    assert not orthogonal(torch.zeros(*shape)).numpy().any()


def test_a_large_matrix_moves_as_small_ones_do(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = []
    for piece in (1 << 16, 5):
        monkeypatch.setattr("transformer.train.optimizers.lion._PIECE", piece)
        matrices = [torch.tensor(START), torch.tensor(START).T]  # one of them not in rows
        for p, g in zip(matrices, (GRADIENTS[0], GRADIENTS[0].T), strict=True):
            p.requires_grad_()
            p.grad = torch.tensor(g)
        Lion(matrices, lr=LR, weight_decay=DECAY).step()
        moved += [matrices[0].detach().numpy(), matrices[1].detach().numpy().T]
    assert all((each == moved[0]).all() for each in moved)
    assert (moved[0] != START).any()


def test_lion_does_not_move_what_has_no_gradient() -> None:
    p = torch.ones(3, requires_grad=True)
    p.grad = torch.tensor([0.0, 1e-25, -1e-25])
    Lion([p], lr=0.25).step()
    assert p.tolist() == [1.0, 0.75, 1.25]


def test_what_cannot_be_is_refused() -> None:
    vector = torch.ones(3, requires_grad=True)
    with pytest.raises(ValueError, match=r"shape \(3,\) is no matrix"):
        Muon([vector])
    with pytest.raises(ValueError, match="lr is -1"):
        Lion([vector], lr=-1)
    with pytest.raises(ValueError, match="scale is 'big'"):
        Muon([{"params": [vector], "muon": False}], scale="big")
    model = nn.Linear(2, 2).requires_grad_(False)
    with pytest.raises(ValueError, match="no parameter of the model is trainable"):
        make_optimizer(model, config("adamw"))

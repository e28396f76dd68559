"""LoRA: what is trained, what stays, and that merging changes nothing but the bookkeeping."""

import mmap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from transformer import TrainConfig, build_model, load
from transformer._engine import nn, torch
from transformer.cli import main
from transformer.io.adapter import load_adapter
from transformer.layers.lora import LoRALinear, add_lora, load_lora_state, lora_state, merge_lora
from transformer.train.optimizer import make_optimizer

SIZES = {"vocab_size": 11, "block_size": 8, "n_layer": 2, "n_head": 2, "n_embd": 8}
IDS = torch.tensor([[1, 2, 3, 4, 5], [5, 4, 3, 2, 1]])


def built(name: str) -> Any:
    torch.manual_seed(0)
    return build_model(name, **SIZES)


def weights(model: Any) -> dict[str, bytes]:
    return {name: t.numpy().tobytes() for name, t in model.state_dict().items()}


def train(model: Any, steps: int = 3) -> list[float]:
    optimizer = make_optimizer(model, TrainConfig(lr=0.05, weight_decay=0.0))
    losses = []
    for _ in range(steps):
        loss = model(IDS[:, :-1], IDS[:, 1:])[1]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize(
    ("name", "targets", "layers"),
    [
        ("gpt", (), ["attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"]),
        ("gpt", r"h\..*c_attn", ["attn.c_attn"]),
        ("llama", ("q_proj", "v_proj"), ["self_attn.q_proj", "self_attn.v_proj"]),
        ("llama", ("mlp.down_proj",), ["mlp.down_proj"]),
    ],
)
def test_only_the_adapters_learn_and_merging_keeps_the_scores(
    name: str, targets: Any, layers: list[str]
) -> None:
    model = built(name)
    plain, before = model(IDS)[0].detach().numpy(), weights(model)
    names = add_lora(model, rank=2, alpha=6, targets=targets)
    stack = "h" if name == "gpt" else "layers"
    assert names == [f"{stack}.{i}.{layer}" for i in range(2) for layer in layers]
    assert (model(IDS)[0].detach().numpy() == plain).all(), "begins as the model it was"
    losses = train(model)
    assert losses[-1] < losses[0]
    after = weights(model)
    assert {key for key in before if after[key] != before[key]} == set()
    learned = model(IDS)[0].detach().numpy()
    trained = {f"{layer}.weight" for layer in names}
    assert merge_lora(model) is model
    assert weights(model).keys() == before.keys()
    assert {key for key in before if weights(model)[key] != before[key]} == trained
    np.testing.assert_allclose(model(IDS)[0].detach().numpy(), learned, rtol=1e-4, atol=1e-5)
    assert not any(isinstance(m, LoRALinear) for m in model.modules())
    assert all(p.requires_grad for p in model.parameters())


def test_the_layer_is_its_formula() -> None:
    plain = nn.Linear(6, 5)
    layer = LoRALinear(plain, rank=3, alpha=12)
    rng = np.random.default_rng(0)
    with torch.no_grad():
        layer.lora_B.copy_(torch.tensor(rng.normal(size=(5, 3)).astype(np.float32)))
    x = rng.normal(size=(2, 4, 6)).astype(np.float32)
    W, b, A, B = (
        t.detach().numpy() for t in (plain.weight, plain.bias, layer.lora_A, layer.lora_B)
    )
    expected = x @ W.T + b + 4 * (x @ A.T @ B.T)
    np.testing.assert_allclose(layer(torch.tensor(x)).detach().numpy(), expected, rtol=1e-5)
    assert abs(A).max() <= 1 / np.sqrt(6), "kaiming's bound"
    merged = layer.merged()
    np.testing.assert_allclose(merged.weight.detach().numpy(), W + 4 * B @ A, rtol=1e-6)


def test_dropout_falls_on_the_correction_in_training_only() -> None:
    layer = LoRALinear(nn.Linear(50, 4), rank=2, dropout=0.5)
    x = torch.ones(1, 50)
    torch.manual_seed(0)
    assert (layer(x).detach().numpy() == layer(x).detach().numpy()).all(), "B is zero"
    with torch.no_grad():
        layer.lora_B.fill_(1.0)
    assert (layer(x).detach().numpy() != layer(x).detach().numpy()).any()
    layer.eval()
    assert (layer(x).detach().numpy() == layer(x).detach().numpy()).all()


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_read_only_mapped_weights_are_trained_around_and_never_written(tmp_path: Path) -> None:
    model = built("llama")
    path = tmp_path / "weights"
    path.write_bytes(b"".join(p.detach().numpy().tobytes() for p in model.parameters()))
    whole = path.read_bytes()
    with open(path, "rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    offset = 0
    for p in model.parameters():
        array = np.frombuffer(mapped, np.float32, p.numel(), offset).reshape(tuple(p.shape))
        offset += array.nbytes
        p.data = torch.from_numpy(array)
    assert not model.norm.weight.detach().numpy().flags.writeable
    add_lora(model, rank=2)
    losses = train(model, 5)
    learned = model(IDS)[0].detach().numpy()
    merge_lora(model)
    np.testing.assert_allclose(model(IDS)[0].detach().numpy(), learned, rtol=1e-4, atol=1e-5)
    assert losses[-1] < losses[0] and path.read_bytes() == whole


def test_adapters_alone_can_be_saved_and_put_back() -> None:
    model, other = built("gpt"), built("gpt")
    add_lora(model, rank=2)
    train(model)
    add_lora(other, rank=2)
    load_lora_state(other, lora_state(model))
    assert weights(other) == weights(model)
    state = dict(lora_state(model))
    state["h.0.attn.c_attn.lora_A"] = torch.zeros(1, 8)
    with pytest.raises(ValueError, match=r"c_attn.lora_A is \(1, 8\), the model's \(2, 8\)"):
        load_lora_state(other, state)
    del state["h.0.attn.c_attn.lora_A"]
    with pytest.raises(ValueError, match=r"what was saved has no h\.0\.attn\.c_attn\.lora_A"):
        load_lora_state(other, state)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets": ["q_proj"]}, r"no linear layer matches .*q_proj.*; there are c_attn, c_proj"),
        ({"targets": ["lm_head"]}, "lm_head shares its weight with wte"),
        ({"rank": 0}, "rank 0 is not from 1 to 8"),
        ({"rank": 9}, "rank 9 is not from 1 to 8"),
        ({"dropout": 1.0}, "dropout is 1"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_the_model_as_it_was(
    change: dict[str, Any], message: str
) -> None:
    model = built("gpt")
    with pytest.raises(ValueError, match=message):
        add_lora(model, **change)
    assert all(p.requires_grad for p in model.parameters())
    add_lora(model, rank=1)
    with pytest.raises(ValueError, match="has LoRA adapters already"):
        add_lora(model)


def test_the_adapters_of_a_run_are_written_alone_and_read_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text").write_text("two and two are four. " * 40)
    base, tuned, alone = (str(tmp_path / name) for name in ("base", "tuned", "alone"))
    few = ["--steps", "8", "--eval-batches", "1", "-q"]
    small = ["--n-layer", "1", "--n-head", "1", "--n-embd", "8", "--block-size", "8"]
    text = str(tmp_path / "text")
    assert main(["train", "--text", text, "--out", base, "--sample", "0", *small, *few]) == 0
    learn = ["--data", text, "--lr", "0.05", "--lora-rank", "2", "--lora-targets", "c_fc"]
    assert main(["finetune", base, "--out", tuned, *learn, *few]) == 0
    assert main(["convert", tuned, "--to", "peft", "--out", alone]) == 0
    model, (expected, _) = load(base)[0], load(tuned)
    before = model(IDS)[0].detach().numpy()
    assert load_adapter(model, alone) == ["h.0.mlp.c_fc"]
    scores = model(IDS)[0].detach().numpy()
    np.testing.assert_allclose(scores, expected(IDS)[0].detach().numpy(), rtol=1e-4, atol=1e-5)
    assert abs(scores - before).max() > 1e-3
    capsys.readouterr()
    assert main(["convert", base, "--to", "peft", "--out", str(tmp_path / "none")]) == 1
    assert "base has no LoRA adapters" in capsys.readouterr().err

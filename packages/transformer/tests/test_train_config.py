"""Settings: what may be said, what may not, and that JSON carries them unharmed."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transformer.train.config import TrainConfig, check_changes


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("steps", 2.5),
        ("steps", True),
        ("batch_size", -1),
        ("block_size", "8"),
        ("accumulate", 0),
        ("lr", 0),
        ("lr", float("nan")),
        ("lr", float("inf")),
        ("min_lr", -1e-3),
        ("warmup_steps", -1),
        ("schedule", "steps"),
        ("weight_decay", -0.1),
        ("betas", (0.9, 1.0)),
        ("betas", (0.9,)),
        ("betas", 0.9),
        ("grad_clip", -1),
        ("optimizer", "sgdm"),
        ("decay_fraction", 0),
        ("momentum", 1.0),
        ("nesterov", 1),
        ("label_smoothing", 1.0),
        ("ema", 1.0),
        ("patience", 0),
        ("tokenizer", ""),
        ("vocab_size", 1),
        ("lora_rank", -1),
        ("lora_targets", "q_proj"),
        ("val_fraction", 0),
        ("val_fraction", 1),
        ("eval_every", 0),
        ("eval_batches", 0),
        ("seed", -1),
        ("seed", 2**63),
        ("workers", 0),
        ("workers", "many"),
        ("text", ""),
        ("out", ""),
        ("model_settings", [1]),
        ("model_settings", {"name": "gpt"}),
    ],
)
def test_a_value_that_cannot_be_is_named(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be .*, not ") as caught:
        TrainConfig(**{name: value})
    assert "\n" not in str(caught.value)


def test_more_pieces_than_sequences_are_refused() -> None:
    with pytest.raises(ValueError, match=r"accumulate=5 .*batch_size=4"):
        TrainConfig(batch_size=4, accumulate=5)


def test_every_setting_has_a_rule() -> None:
    for field in fields(TrainConfig):
        with pytest.raises((ValueError, TypeError)):
            TrainConfig(**{field.name: object()})


def test_an_unknown_setting_is_told_the_nearest() -> None:
    with pytest.raises(ValueError, match="unknown setting warmup: did you mean warmup_steps"):
        TrainConfig.from_dict({"warmup": 3})
    with pytest.raises(ValueError, match="unknown setting zzz: there are text, data, tokenizer"):
        TrainConfig.from_dict({"zzz": 3})


@given(
    steps=st.integers(1, 10**9),
    lr=st.floats(1e-12, 1e3),
    min_lr=st.none() | st.floats(0, 1e3),
    betas=st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)),
    seed=st.integers(0, 2**63 - 1),
    text=st.text(min_size=1),
    workers=st.just("auto") | st.integers(1, 64),
    model_settings=st.dictionaries(
        st.text().filter(lambda n: n != "name"), st.integers() | st.booleans() | st.text()
    ),
)
def test_json_carries_every_value(**settings: Any) -> None:
    config = TrainConfig(**settings)
    assert TrainConfig.from_json(config.to_json()) == config


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    toml, as_json = tmp_path / "a.toml", tmp_path / "a.json"
    toml.write_text(
        'steps = 7\nlr = 1e-2\nbetas = [0.9, 0.95]\noptimizer = "muon"\n'
        '[model]\nname = "ngram"\ncontext = 3\n'
    )
    config = TrainConfig.from_file(toml)
    assert (config.steps, config.betas, config.optimizer) == (7, (0.9, 0.95), "muon")
    assert (config.model, config.model_settings) == ("ngram", {"context": 3})
    as_json.write_text(config.to_json())
    assert json.loads(as_json.read_text())["model"] == {"name": "ngram", "context": 3}
    assert TrainConfig.from_file(as_json) == config


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stepz = 3", r"a\.toml: unknown setting stepz: did you mean steps\?"),
        ("steps = \nlr = 1", r"a\.toml: .*line 1"),
        ("[optimizer]\nname = 'muon'", r"a\.toml: optimizer must be adamw, .* or muon, not"),
        ("lora_rank = 4", r"a\.toml: lora_rank=4 needs init"),
    ],
)
def test_a_wrong_toml_file_is_named_with_what_is_wrong(
    text: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ValueError, match=told):
        TrainConfig.from_file(tmp_path / "a.toml")


def test_a_file_of_settings_is_named_when_it_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"steps": 7}))
    assert TrainConfig.from_file(path).steps == 7
    for wrong in ("{", "[1]", '{"steps": 0}'):
        path.write_text(wrong)
        with pytest.raises(ValueError, match=r"settings\.json: "):
            TrainConfig.from_file(path)


def test_a_resumed_run_may_change_its_length_but_not_its_model() -> None:
    check_changes(["steps", "workers", "lr"])
    for name in ("model", "model_settings", "block_size", "batch_size", "seed", "val_fraction"):
        with pytest.raises(ValueError, match=f"keeps its {name}:"):
            check_changes([name])

"""LoRA adapters in the format of peft, beside Hugging Face models corrected by hand."""

import json

import numpy as np
import pytest
import torch as reference
import transformers
from safetensors.torch import load_file, save_file

from transformer import CharTokenizer, load
from transformer._engine import torch
from transformer.io import TensorFileError
from transformer.io.adapter import load_adapter, save_adapter
from transformer.layers.lora import merge_lora

IDS = [[1, 2, 3, 4, 5]]
RANK, ALPHA = 3, 6
KINDS = {
    "llama": (
        transformers.LlamaForCausalLM,
        transformers.LlamaConfig(
            vocab_size=20,
            hidden_size=16,
            intermediate_size=24,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=32,
        ),
        ["q_proj", "down_proj"],
    ),
    "gpt2": (
        transformers.GPT2LMHeadModel,
        transformers.GPT2Config(vocab_size=20, n_positions=32, n_embd=16, n_layer=2, n_head=2),
        ["c_attn", "c_fc"],
    ),
}


@pytest.fixture(params=KINDS)
def corrected(request, tmp_path):
    """A model's folder, an adapter's folder as peft writes it, and the scores of both together."""
    kind, config, targets = KINDS[request.param]
    reference.manual_seed(0)
    model = kind(config).eval()
    model.save_pretrained(tmp_path / "model")
    tensors = {}
    for name, layer in model.named_modules():
        if name.rpartition(".")[-1] in targets:
            n_in, n_out = (
                layer.weight.shape if kind is KINDS["gpt2"][0] else layer.weight.shape[::-1]
            )
            A, B = reference.randn(RANK, n_in), reference.randn(n_out, RANK)
            tensors[f"base_model.model.{name}.lora_A.weight"] = A
            tensors[f"base_model.model.{name}.lora_B.weight"] = B
            change = ALPHA / RANK * B @ A
            layer.weight.data += change.T if kind is KINDS["gpt2"][0] else change
    folder = tmp_path / "adapter"
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    settings = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": RANK, "lora_alpha": ALPHA}
    settings |= {"target_modules": targets, "bias": "none", "lora_dropout": 0.0, "rank_pattern": {}}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return tmp_path / "model", folder, model(reference.tensor(IDS)).logits.detach().numpy()


def scores(model):
    return model(torch.tensor(IDS))[0].detach().numpy()


def loaded(folder):
    return load(folder, tokenizer=CharTokenizer("abcdefghijklmnopqrst"))[0]


def test_adapters_of_peft_correct_as_they_should_and_are_written_back(corrected, tmp_path):
    folder, adapter, expected = corrected
    model = loaded(folder)
    names = load_adapter(model, adapter)
    assert len(names) == 4
    np.testing.assert_allclose(scores(model), expected, atol=2e-6)
    save_adapter(model, tmp_path / "back", base="somewhere")
    back = load_file(tmp_path / "back" / "adapter_model.safetensors")
    given = load_file(adapter / "adapter_model.safetensors")
    assert back.keys() == given.keys()
    assert all((back[name] == given[name]).all() for name in given)
    settings = json.loads((tmp_path / "back" / "adapter_config.json").read_text())
    assert (settings["peft_type"], settings["r"], settings["lora_alpha"]) == ("LORA", RANK, ALPHA)
    modules = {name.removeprefix("base_model.model.").rpartition(".lora_")[0] for name in given}
    assert set(settings["target_modules"]) == modules
    assert settings["fan_in_fan_out"] == any("c_attn" in name for name in modules)
    merge_lora(model)
    np.testing.assert_allclose(scores(model), expected, atol=2e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"use_dora": True}, "use_dora=True, which cannot be read"),
        ({"peft_type": "IA3"}, "adapters of kind IA3"),
        ({"r": None}, "is .*, the model wants"),
        ({"r": 2}, r"is \(3, \d+\), the model wants \(2, \d+\)"),
    ],
)
def test_what_cannot_be_read_is_refused_and_changes_nothing(corrected, change, message):
    folder, adapter, _ = corrected
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    model = loaded(folder)
    before = scores(model)
    with pytest.raises((TensorFileError, ValueError), match=message):
        load_adapter(model, adapter)
    assert (scores(model) == before).all()
    assert all(p.requires_grad for p in model.parameters())


def test_adapters_of_another_model_are_refused(corrected, tmp_path):
    _, adapter, _ = corrected
    from transformer import build_model

    model = build_model("gpt", vocab_size=20, n_layer=1, n_embd=8, n_head=1)
    with pytest.raises(ValueError, match=r"has no linear layer|the model wants"):
        load_adapter(model, adapter)
    with pytest.raises(ValueError, match="has no LoRA adapters"):
        save_adapter(model, tmp_path)

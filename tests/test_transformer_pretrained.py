"""Models of every format beside the programs they come from: transformers, torch, gguf."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import save_file

import transformer
from transformer import BPETokenizer, build_model, load, save_pretrained
from transformer.io.gguf_export import save_gguf
from transformer.io.pt import save_pt

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

IDS = np.random.default_rng(0).integers(0, 300, (2, 30))
LLAMA = {"vocab_size": 300, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
         "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64,
         "bos_token_id": 0, "eos_token_id": 1}  # fmt: skip
LLAMA3 = {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 16}  # fmt: skip
CASES = {
    "llama": (transformers.LlamaConfig, {}),
    "llama-tied-linear": (transformers.LlamaConfig, {
        "tie_word_embeddings": True, "head_dim": 16,
        "rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}}),
    "llama3-biased": (transformers.LlamaConfig, {
        "attention_bias": True, "mlp_bias": True, "rope_parameters": LLAMA3}),
    "mistral": (transformers.MistralConfig, {"sliding_window": 8}),
    "mistral-whole": (transformers.MistralConfig, {"sliding_window": None, "head_dim": 6}),
    "qwen2": (transformers.Qwen2Config, {"tie_word_embeddings": True}),
    "qwen2-window": (transformers.Qwen2Config, {
        "use_sliding_window": True, "sliding_window": 8, "max_window_layers": 0}),
    "qwen3": (transformers.Qwen3Config, {"head_dim": 16}),
    "qwen3-biased": (transformers.Qwen3Config, {"head_dim": 8, "attention_bias": True}),
    "mixtral": (transformers.MixtralConfig, {"num_local_experts": 4}),
    "gpt2": (transformers.GPT2Config, None),
    "gpt2-exact": (transformers.GPT2Config, {"activation_function": "gelu"}),
    "gpt2-untied": (transformers.GPT2Config, {"tie_word_embeddings": False}),
}  # fmt: skip
GPT2 = {"vocab_size": 300, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 1024,
        "bos_token_id": 0, "eos_token_id": 1}  # fmt: skip


def theirs(name: str) -> torch.nn.Module:
    """A model of transformers whose every weight, norms and biases too, is random."""
    config, changes = CASES[name]
    sizes = GPT2 if config is transformers.GPT2Config else LLAMA
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config(**{**sizes, **(changes or {})}))
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(std=0.2)
    return model.eval()


def their_logits(model: torch.nn.Module) -> np.ndarray:
    with torch.no_grad():
        return model(torch.tensor(IDS)).logits.float().numpy()


def our_logits(model) -> np.ndarray:
    engine = transformer.torch
    with engine.no_grad():
        return model(engine.from_numpy(IDS))[0].numpy()


@pytest.mark.parametrize("name", CASES)
def test_a_folder_of_transformers_gives_its_logits_and_goes_back(tmp_path: Path, name: str):
    original = theirs(name)
    original.save_pretrained(tmp_path / "theirs", max_shard_size="20KB")
    want = their_logits(original)
    model, _ = load(tmp_path / "theirs", tokenizer=False)
    np.testing.assert_allclose(our_logits(model), want, atol=1e-5)
    save_pretrained(model, None, tmp_path / "ours", max_shard_size=20_000)
    back = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "ours").eval()
    # Without a window, a Mistral is a Llama.
    kind = transformers.LlamaForCausalLM if name == "mistral-whole" else type(original)
    assert type(back) is kind
    np.testing.assert_allclose(their_logits(back), want, atol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_halves_are_widened_exactly_and_written_as_torch_rounds(tmp_path: Path, dtype: str):
    original = theirs("llama")
    weights = {n: p.clone() for n, p in original.state_dict().items()}
    kind = getattr(torch, dtype)
    original.to(kind).save_pretrained(tmp_path / "theirs")
    model, _ = load(tmp_path / "theirs", tokenizer=False)
    auto = transformers.AutoModelForCausalLM
    want = auto.from_pretrained(tmp_path / "theirs", dtype=torch.float32).eval()
    np.testing.assert_allclose(our_logits(model), their_logits(want), atol=1e-5)
    theirs("llama").save_pretrained(tmp_path / "whole")
    whole, _ = load(tmp_path / "whole", tokenizer=False)
    short = {"bfloat16": "bf16", "float16": "f16"}[dtype]
    save_pretrained(whole, None, tmp_path / "ours", dtype=short)
    back = auto.from_pretrained(tmp_path / "ours")
    assert back.dtype == kind
    for n, p in back.state_dict().items():
        assert torch.equal(p, weights[n].to(kind)), n


def test_an_old_folder_of_pickled_weights_is_read(tmp_path: Path) -> None:
    original = theirs("gpt2")
    original.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    table = {n.removeprefix("transformer."): p for n, p in original.state_dict().items()}
    table["h.0.attn.bias"] = torch.ones(1, 1, 1024, 1024).tril()  # the mask, as old files have it
    torch.save(table, tmp_path / "pytorch_model.bin")
    model, _ = load(tmp_path, tokenizer=False)
    np.testing.assert_allclose(our_logits(model), their_logits(original), atol=1e-5)


@pytest.mark.parametrize("name", ["llama", "llama-tied-linear", "mistral-whole", "qwen2", "gpt2"])
@pytest.mark.parametrize("dtype", ["f32", "q8_0"])
def test_a_gguf_file_of_ours_is_read_by_transformers(tmp_path: Path, name: str, dtype: str) -> None:
    if name == "llama-tied-linear":  # its GGUF reader knows no rope scaling
        CASES[name][1]["rope_parameters"]["factor"] = 1.0
    original = theirs(name)
    original.save_pretrained(tmp_path)
    model, _ = load(tmp_path, tokenizer=False)
    tokenizer = BPETokenizer.train("to be or not to be " * 20, 262)
    save_gguf(model, tokenizer, tmp_path / "m.gguf", dtype=dtype)
    model, _ = load(tmp_path / "m.gguf")
    back = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="m.gguf").eval()
    np.testing.assert_allclose(their_logits(back), our_logits(model), atol=2e-5)
    if dtype == "f32":
        np.testing.assert_allclose(our_logits(model), their_logits(original), atol=1e-5)


def test_the_tokenizer_of_a_folder_is_that_of_transformers(tmp_path: Path) -> None:
    tokenizer = BPETokenizer.train(
        "to be, or not to be: that is the question. " * 30, 290, special_tokens=["<|end|>"]
    )
    model = build_model("llama", vocab_size=300, n_layer=1)
    save_pretrained(model, tokenizer, tmp_path)
    same = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for text in ("to be", "Größe 東京 🙂\n\n  x", "<|end|>to"):
        assert tokenizer.encode(text) == same.encode(text, add_special_tokens=False)
        assert load(tmp_path)[1].encode(text) == tokenizer.encode(text)


# --- torch's own files ----------------------------------------------------------------------------


@pytest.mark.parametrize("old", [False, True])
def test_a_checkpoint_that_torch_saved_is_read(tmp_path: Path, old: bool) -> None:
    model = build_model("gpt", vocab_size=300, block_size=64, n_layer=1, n_head=2, n_embd=16)
    table = {f"_orig_mod.transformer.{n}": torch.tensor(p.detach().numpy())
             for n, p in model.named_parameters()}  # fmt: skip
    arguments = {"n_layer": 1, "n_head": 2, "n_embd": 16, "block_size": 64, "bias": True,
                 "vocab_size": 300, "dropout": 0.0, "gelu": "tanh"}  # fmt: skip
    torch.save({"model": table, "model_args": arguments, "best_val_loss": torch.tensor(1.0)},
               tmp_path / "ckpt.pt", _use_new_zipfile_serialization=not old)  # fmt: skip
    back, _ = load(tmp_path / "ckpt.pt", tokenizer=False)
    np.testing.assert_array_equal(our_logits(back), our_logits(model.eval()))


def test_torch_reads_the_checkpoint_we_write(tmp_path: Path) -> None:
    model = build_model("gpt", vocab_size=300, n_layer=1, n_head=2, n_embd=16, gelu="none")
    save_pt(model, transformer.CharTokenizer("ab"), tmp_path / "ckpt.pt")
    values = torch.load(tmp_path / "ckpt.pt", weights_only=True)
    assert values["model_args"] == {
        "n_layer": 1, "n_head": 2, "n_embd": 16, "block_size": 64, "bias": True,
        "vocab_size": 300, "dropout": 0.0,
    }  # fmt: skip
    tied = values["model"]["lm_head.weight"], values["model"]["transformer.wte.weight"]
    assert tied[0].data_ptr() == tied[1].data_ptr()
    for name, p in model.state_dict().items():
        full = name if name == "lm_head.weight" else f"transformer.{name}"
        np.testing.assert_array_equal(values["model"][full].numpy(), p.numpy())


# --- the other engine -----------------------------------------------------------------------------

PROGRAM = """
import sys, warnings
warnings.simplefilter("error")
import numpy as np, transformer
from transformer.io.gguf_export import save_gguf
folder, out = sys.argv[1:]
model, _ = transformer.load(folder, tokenizer=False)
assert transformer.engine_name() == "torch"
torch, before = transformer.torch, open(folder + "/model.safetensors", "rb").read()
ids = torch.from_numpy(np.load(folder + "/ids.npy"))
with torch.no_grad():
    np.save(out + "/logits.npy", model(ids)[0].numpy())
transformer.save_pretrained(model, None, out)
save_gguf(model, None, out + "/m.gguf", dtype="f16")
model(ids, ids)[1].backward()
torch.optim.AdamW(model.parameters(), lr=0.1).step()  # mapped weights learn
assert open(folder + "/model.safetensors", "rb").read() == before
with torch.no_grad():
    assert not np.allclose(model(ids)[0].numpy(), np.load(out + "/logits.npy"), atol=0.01)
"""


@pytest.mark.parametrize("name", ["gpt2", "qwen3"])
def test_on_torch_it_is_the_same(tmp_path: Path, name: str) -> None:
    original = theirs(name)
    original.save_pretrained(tmp_path)
    np.save(tmp_path / "ids.npy", IDS)
    out = tmp_path / "out"
    out.mkdir()
    environment = {**os.environ, "GRADINE_ENGINE": "torch", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), str(out)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    want = their_logits(original)
    np.testing.assert_allclose(np.load(out / "logits.npy"), want, atol=1e-5)
    np.testing.assert_allclose(our_logits(load(out, tokenizer=False)[0]), want, atol=1e-5)
    config = json.loads((out / "config.json").read_text())
    assert config["architectures"] == [type(original).__name__]


def test_a_folder_whose_files_torch_wrote_out_of_order(tmp_path: Path) -> None:
    """Safetensors written tensor by tensor in another order, with one width mixed in."""
    original = theirs("llama")
    original.save_pretrained(tmp_path)
    table = dict(reversed(list(original.state_dict().items())))
    table["model.norm.weight"] = table["model.norm.weight"].double()
    save_file(table, tmp_path / "model.safetensors")
    model, _ = load(tmp_path, tokenizer=False)
    np.testing.assert_allclose(our_logits(model), their_logits(original), atol=1e-5)

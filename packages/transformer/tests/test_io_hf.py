"""Hugging Face folders: what their config.json means, and what their weights become."""

import json
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from transformer import BPETokenizer, CharTokenizer, build_model, load, save_pretrained, torch
from transformer.io import read_tensors, write_tensors
from transformer.io.hf import describe_hf
from transformer.io.hf_config import from_hf
from transformer.io.hf_settings import to_hf
from transformer.io.safetensors import TensorFileError
from transformer.io.stored import to_bfloat16
from transformer.tokenizers import ByteTokenizer
from transformer.tokenizers.sentencepiece import SentencePieceTokenizer

TINY = {"vocab_size": 300, "block_size": 16, "n_layer": 2, "n_head": 4, "n_embd": 16}
LLAMA = {"architectures": ["LlamaForCausalLM"], "vocab_size": 300, "hidden_size": 16,
         "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
         "rms_norm_eps": 1e-5}  # fmt: skip
GPT2 = {"architectures": ["GPT2LMHeadModel"], "vocab_size": 300, "n_embd": 16, "n_layer": 2,
        "n_head": 4, "n_positions": 16}  # fmt: skip


def model_of(kind: str, **settings):
    torch.manual_seed(0)
    model = build_model(kind, **TINY, **settings)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape) * 0.3)
    return model.eval()


def logits(model):
    with torch.no_grad():
        return model(torch.arange(12).reshape(1, 12))[0].numpy()


MODELS = {
    "gpt": ("gpt", {}),
    "gpt-no-bias": ("gpt", {"bias": False}),
    "gpt-exact": ("gpt", {"gelu": "none"}),
    "gpt-untied": ("gpt", {"tie_embeddings": False}),
    "llama": ("llama", {"n_kv_head": 2, "n_hidden": 24}),
    "llama-untied": ("llama", {"tie_embeddings": False, "head_dim": 6}),
    "mistral": ("llama", {"window": 4}),
    "qwen2": ("llama", {"attention_bias": True, "window": 4}),
    "qwen3": ("llama", {"qk_norm": True}),
    "mixtral": ("llama", {"n_expert": 3}),
    "biased": ("llama", {"attention_bias": True, "output_bias": True, "mlp_bias": True}),
    "stretched": ("llama", {"rope_theta": 5e5, "rope_scaling": {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8}}),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back(tmp_path: Path, name: str) -> None:
    kind, settings = MODELS[name]
    model = model_of(kind, **settings)
    save_pretrained(model, None, tmp_path, max_shard_size=5000)
    assert len(list(tmp_path.glob("model-*-of-*.safetensors"))) > 1
    back, _ = load(tmp_path, tokenizer=False)
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(back.state_dict()[key].numpy(), value.numpy(), err_msg=key)
    # Not to the bit: a matrix that lies the other way is multiplied in another order.
    np.testing.assert_allclose(logits(back), logits(model), atol=2e-6)


@pytest.mark.parametrize(("dtype", "kind"), [("f16", np.float16), ("bf16", ml_dtypes.bfloat16)])
def test_a_folder_of_half_the_size(tmp_path: Path, dtype: str, kind: type) -> None:
    model = model_of("llama")
    save_pretrained(model, None, tmp_path, dtype=dtype)
    assert read_tensors(tmp_path / "model.safetensors")[0]["model.norm.weight"].dtype == kind
    back, _ = load(tmp_path, tokenizer=False)
    for name, value in model.state_dict().items():
        expected = value.numpy().astype(kind).astype(np.float32)
        np.testing.assert_array_equal(back.state_dict()[name].numpy(), expected)


@given(hnp.arrays(np.uint32, 40), st.booleans())
def test_bfloat16_is_rounded_as_elsewhere(bits: np.ndarray, tie: bool) -> None:
    values = (bits & 0xFFFF8000 if tie else bits).view(np.float32)
    expected = values.astype(ml_dtypes.bfloat16)
    got = to_bfloat16(values).view(ml_dtypes.bfloat16)
    np.testing.assert_array_equal(got.astype(np.float32), expected.astype(np.float32))


def test_float32_weights_are_mapped_and_transposed_in_place(tmp_path: Path) -> None:
    model = model_of("gpt")
    save_pretrained(model, None, tmp_path)
    found = describe_hf(tmp_path)
    assert found.memory == 0
    stored = found.tensors["h.0.attn.c_attn.weight"]
    values = stored.read()
    assert values.shape == stored.shape == (48, 16)
    assert values.base is not None and values.T.flags["C_CONTIGUOUS"]  # a view, the other way
    np.testing.assert_array_equal(values, model.h[0].attn.c_attn.weight.detach().numpy())
    assert read_tensors(tmp_path / "model.safetensors")[0][
        "transformer.h.0.attn.c_attn.weight"
    ].shape == (16, 48)


def test_mapped_weights_learn_and_the_file_stays(tmp_path: Path) -> None:
    save_pretrained(model_of("gpt"), None, tmp_path)
    before = (tmp_path / "model.safetensors").read_bytes()
    model, _ = load(tmp_path, tokenizer=False)
    copy = build_model("gpt", **TINY)
    copy.load_state_dict(model.state_dict())
    x = torch.arange(12).reshape(2, 6)
    for learner in (model, copy):
        optimizer = torch.optim.AdamW(learner.parameters(), lr=0.05)
        for _ in range(2):
            optimizer.zero_grad()
            learner(x, x)[1].backward()
            optimizer.step()
    np.testing.assert_allclose(logits(model), logits(copy.eval()), atol=1e-6)
    assert (tmp_path / "model.safetensors").read_bytes() == before


def test_an_unaligned_file_is_read_too(tmp_path: Path) -> None:
    model = model_of("llama")
    save_pretrained(model, None, tmp_path)
    path = tmp_path / "model.safetensors"
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little") + 1
    path.write_bytes(
        length.to_bytes(8, "little") + data[8 : 7 + length] + b" " + data[7 + length :]
    )
    assert describe_hf(tmp_path).memory > 0
    np.testing.assert_array_equal(logits(load(tmp_path, tokenizer=False)[0]), logits(model))


# --- config.json ---------------------------------------------------------------------------------


def test_old_and_new_ways_of_writing_the_rotary_base() -> None:
    old = from_hf({**LLAMA, "rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 2}})[2]
    new = from_hf({**LLAMA, "rope_parameters": {
        "rope_theta": 5e5, "rope_type": "linear", "factor": 2}})[2]  # fmt: skip
    assert old == new
    assert old["rope_theta"] == 5e5 and old["rope_scaling"] == {"rope_type": "linear", "factor": 2}
    plain = from_hf({**LLAMA, "rope_parameters": {"rope_theta": 1e4, "rope_type": "default"}})[2]
    assert plain["rope_scaling"] is None


@pytest.mark.parametrize(("changes", "expected"), [
    ({"architectures": ["MistralForCausalLM"]}, {"window": 4096, "n_kv_head": 8}),
    ({"architectures": ["MistralForCausalLM"], "sliding_window": None}, {"window": None}),
    ({"sliding_window": 9}, {"window": None}),  # a Llama looks at no such key
    ({"architectures": ["Qwen2ForCausalLM"], "sliding_window": 9},
     {"window": None, "attention_bias": True}),
    ({"architectures": ["Qwen3ForCausalLM"], "sliding_window": 9, "use_sliding_window": True,
      "max_window_layers": 0}, {"window": 9, "qk_norm": True, "head_dim": 128}),
    ({"architectures": None, "model_type": "qwen3"}, {"qk_norm": True}),
    ({"attention_bias": True}, {"attention_bias": True, "output_bias": True}),
    ({**GPT2, "n_positions": 8, "max_position_embeddings": 16}, {"block_size": 16}),
])  # fmt: skip
def test_what_an_architecture_makes_of_its_settings(changes: dict, expected: dict) -> None:
    settings = from_hf({**LLAMA, **changes})[2]
    assert {key: settings[key] for key in expected} == expected


@pytest.mark.parametrize(("config", "message"), [
    ({**LLAMA, "architectures": ["GemmaForCausalLM"]}, "architecture GemmaForCausalLM is not kn"),
    ({**LLAMA, "hidden_act": "gelu"}, "hidden_act to 'gelu'; only 'silu' or 'swish'"),
    ({**LLAMA, "rope_scaling": {"rope_type": "yarn", "factor": 2}}, "kind yarn is not computed"),
    ({**LLAMA, "partial_rotary_factor": 0.5}, "partial_rotary_factor to 0.5"),
    ({**LLAMA, "quantization_config": {"bits": 4}}, "quantization_config"),
    ({**LLAMA, "architectures": ["Qwen2ForCausalLM"], "use_sliding_window": True,
      "max_window_layers": 1}, "mix full_attention and sliding_attention"),
    ({k: v for k, v in LLAMA.items() if k != "hidden_size"}, "has no 'hidden_size'"),
    ({**GPT2, "activation_function": "relu"}, "activation_function to 'relu'"),
    ({**GPT2, "scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx"),
    ({**GPT2, "n_inner": 17}, "n_inner is 17"),
    ({**GPT2, "layer_norm_epsilon": 1e-6}, "layer_norm_epsilon to 1e-06; only 1e-05"),
])  # fmt: skip
def test_what_would_change_the_numbers_is_refused_by_name(tmp_path, config, message) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match=message) as caught:
        load(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", MODELS)
def test_settings_survive_the_words_of_transformers(name: str) -> None:
    kind, settings = MODELS[name]
    model = build_model(kind, **TINY, **settings)
    _, back, config = from_hf(json.loads(json.dumps(to_hf(model))))
    again = build_model(back, **config)
    assert to_hf(again) == to_hf(model)


# --- what a folder may lack ----------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_pretrained(model_of("llama"), None, tmp_path)
    return tmp_path


def change_weights(folder: Path, change) -> None:
    arrays, _ = read_tensors(folder / "model.safetensors")
    write_tensors(folder / "model.safetensors", change(arrays))


@pytest.mark.parametrize(("change", "message"), [
    (lambda a: {k: v for k, v in a.items() if "k_proj" not in k},
     "needs tensors that are not in the file: layers.0.self_attn.k_proj.weight, layers.1"),
    (lambda a: {**a, "model.extra": a["model.norm.weight"]}, "no place .*: model.extra"),
    (lambda a: {**a, "model.norm.weight": np.ones(3, np.float32)},
     r"norm.weight of shape \(16,\), but model.norm.weight has \(3,\)"),
    (lambda a: {**a, "lm_head.weight": a["model.embed_tokens.weight"] + 1}, "one table for both"),
    (lambda a: {**a, "model.norm.weight": np.ones(16, np.int64)}, "of type I64; weights of F32"),
])  # fmt: skip
def test_tensors_that_do_not_fit_are_named(folder: Path, change, message: str) -> None:
    change_weights(folder, change)
    with pytest.raises(ValueError, match=message):
        load(folder, tokenizer=False)


def test_tables_that_are_computed_and_tables_said_twice_are_left_out(folder: Path) -> None:
    before = logits(load(folder, tokenizer=False)[0])
    change_weights(folder, lambda a: {
        **a, "lm_head.weight": a["model.embed_tokens.weight"],
        "model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(2, np.float32),
    })  # fmt: skip
    np.testing.assert_array_equal(logits(load(folder, tokenizer=False)[0]), before)


def test_files_that_are_not_there_are_named(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    index = {"weight_map": {"model.norm.weight": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(FileNotFoundError, match=r"lacks model-00001-of-00002\."):
        load(folder, tokenizer=False)
    index["weight_map"]["model.norm.weight"] = "../elsewhere.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(TensorFileError, match="not a file of this folder"):
        load(folder, tokenizer=False)
    (folder / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"config.json: is not JSON"):
        load(folder)


@pytest.mark.parametrize("kind", ["mixtral", "qwen3"])
def test_settings_of_the_wrong_kind_are_refused_at_once(tmp_path: Path, kind: str) -> None:
    save_pretrained(build_model("llama", **TINY, **MODELS[kind][1]), None, tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    keys = ("architectures", "vocab_size", "num_hidden_layers", "num_key_value_heads", "head_dim",
            "intermediate_size", "rope_parameters", "rope_scaling", "rms_norm_eps")  # fmt: skip
    wrong = ("x", -1, 10**9, 10**30, 1.5, float("nan"), [[[]]], {"a": 1}, True)
    refused = 0
    for texts in [json.dumps({**config, key: value}) for key in keys for value in wrong]:
        path.write_text(texts)
        try:
            load(tmp_path, tokenizer=False)  # an odd epsilon can be computed with
        except ValueError as error:
            assert str(tmp_path) in str(error) and "\n" not in str(error)
            refused += 1
    assert refused > 60
    path.write_text("[" * 9999)
    with pytest.raises(ValueError, match=r"config\.json: is not JSON"):
        load(tmp_path, tokenizer=False)


def test_a_folder_written_over_holds_nothing_of_the_old(tmp_path: Path) -> None:
    save_pretrained(model_of("llama"), CharTokenizer("abc"), tmp_path, max_shard_size=5000)
    (tmp_path / "notes.txt").write_text("mine")
    trained = BPETokenizer.train("to be or not to be " * 9, 262)
    gpt = model_of("gpt")
    save_pretrained(gpt, trained, tmp_path)
    model, tokenizer = load(tmp_path)
    np.testing.assert_allclose(logits(model), logits(gpt), atol=1e-5)
    assert type(tokenizer) is BPETokenizer
    save_pretrained(model_of("llama"), CharTokenizer("abc"), tmp_path, max_shard_size=5000)
    model, tokenizer = load(tmp_path)
    np.testing.assert_allclose(logits(model), logits(model_of("llama")), atol=1e-5)
    assert tokenizer == CharTokenizer("abc")
    names = {path.name for path in tmp_path.iterdir() if "-of-" not in path.name}
    assert names == {"config.json", "generation_config.json", "gradine_tokenizer.json",
                     "model.safetensors.index.json", "notes.txt"}  # fmt: skip


def test_numbers_too_large_for_halves_are_refused_and_the_old_folder_stays(tmp_path: Path) -> None:
    model = model_of("llama")
    save_pretrained(model, None, tmp_path)
    before = logits(load(tmp_path, tokenizer=False)[0])
    with torch.no_grad():
        model.norm.weight[0] = 1e5
    with pytest.raises(ValueError, match=r"model.norm.weight holds numbers beyond 65504"):
        save_pretrained(model, None, tmp_path, dtype="f16")
    np.testing.assert_array_equal(logits(load(tmp_path, tokenizer=False)[0]), before)
    with pytest.raises(ValueError, match="beyond 65504"):
        save_pretrained(model, None, tmp_path / "new", dtype="f16")
    assert not (tmp_path / "new").exists()


def test_a_file_cut_short_is_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(TensorFileError, match="cut short"):
        load(folder, tokenizer=False)


# --- tokenizers ----------------------------------------------------------------------------------


def test_tokenizers_travel_along(tmp_path: Path) -> None:
    model = model_of("llama")
    trained = BPETokenizer.train("to be or not to be " * 9, 262, special_tokens=["<|end|>"])
    pieces = SentencePieceTokenizer(
        [("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3), ("\u2581",), ("a",), ("b",), ("ab", -1)],
        bos_id=1, eos_id=2, chat_template="{{ messages[0].content }}",
    )  # fmt: skip
    for tokenizer in (trained, CharTokenizer("abcdefg"), ByteTokenizer(), pieces):
        folder = tmp_path / type(tokenizer).__name__
        save_pretrained(model, tokenizer, folder)
        back = load(folder)[1]
        assert type(back) is type(tokenizer)
        assert back.encode("ab" * 3) == tokenizer.encode("ab" * 3)
        assert back.chat_template == tokenizer.chat_template
    with pytest.raises(ValueError, match="the tokenizer has 301 ids, the model only 300"):
        save_pretrained(model, CharTokenizer(map(chr, range(301))), tmp_path / "none")
    assert not (tmp_path / "none").exists()

"""``gradine info`` of models' files; of runs, see test_cli.py."""

import json
from pathlib import Path

import pytest

from transformer import BPETokenizer, build_model, save_pretrained, torch
from transformer.cli import main
from transformer.io.gguf_export import save_gguf

SIZES = {"vocab_size": 262, "block_size": 16, "n_layer": 1, "n_head": 2, "n_embd": 32}
TOKENIZER = BPETokenizer.train("to be or not " * 9, 262, special_tokens=["<|end|>"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_pretrained(build_model("llama", **SIZES, qk_norm=True), TOKENIZER, tmp_path / "model")
    return tmp_path / "model"


def test_a_folder_for_programs(folder: Path, capsys) -> None:
    assert main(["info", str(folder), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    model = build_model("llama", **SIZES, qk_norm=True)
    assert facts["path"] == str(folder)
    assert (facts["format"], facts["architecture"]) == ("Hugging Face folder", "Qwen3ForCausalLM")
    assert facts["parameters"] == model.num_parameters()
    assert facts["memory_bytes"] == facts["of_it_mapped_bytes"] == 4 * model.num_parameters()
    assert facts["context"] == 16 and facts["model_config"]["qk_norm"] is True
    assert facts["tokenizer"]["type"] == "bpe" and facts["tokenizer"]["vocab_size"] == 262
    by_name = {t["name"]: t for t in facts["tensors"]}
    assert by_name["norm.weight"] == {
        "name": "norm.weight", "stored_as": "model.norm.weight", "shape": [32], "dtype": "F32",
    }  # fmt: skip


def test_a_file_for_people(tmp_path: Path, capsys) -> None:
    save_gguf(build_model("llama", **SIZES), None, tmp_path / "m.gguf", dtype="q8_0")
    assert main(["info", str(tmp_path / "m.gguf")]) == 0
    printed = capsys.readouterr().out
    assert "Q8_0 8, F32 3" in printed and "GGUF" in printed and "kB" in printed
    assert "lm_head" not in printed and "norm.weight" not in printed
    assert main(["info", str(tmp_path / "m.gguf"), "--tensors"]) == 0
    assert "layers.0.mlp.down_proj.weight" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "message"), [
    ("smollm", "did you mean smollm2?"),
    ("{folder}/config.json", "not a model that can be read here"),
])  # fmt: skip
def test_what_is_no_model_is_one_line(folder: Path, capsys, name: str, message: str) -> None:
    assert main(["info", name.format(folder=folder)]) == 1
    printed = capsys.readouterr().err
    assert message in printed and printed.count("\n") == 1

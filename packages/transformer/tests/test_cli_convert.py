"""``gradine convert``, as a person types it."""

from pathlib import Path

import numpy as np
import pytest

from transformer import CharTokenizer, build_model, load, save_pretrained, torch
from transformer.cli import main
from transformer.io.shards import read_stored
from transformer.tokenizers.sentencepiece import SentencePieceTokenizer

SIZES = {"vocab_size": 4, "block_size": 16, "n_layer": 1, "n_head": 2, "n_embd": 32}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_pretrained(build_model("llama", **SIZES), CharTokenizer("abcd"), tmp_path / "source")
    return tmp_path / "source"


def test_a_folder_becomes_another(folder: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    assert main(["convert", str(folder), "--to", "hf", "--dtype", "bf16", "--out", str(out)]) == 0
    assert {t.dtype for t in read_stored(out / "model.safetensors").values()} == {"BF16"}
    assert load(out)[1] == CharTokenizer("abcd")
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith(f"{out}: ") and "kB" in printed.err


def test_a_model_without_its_tokenizer_says_which_option_gives_it(tmp_path: Path, capsys) -> None:
    torch.manual_seed(0)
    model = build_model("llama", **{**SIZES, "vocab_size": 300})
    from transformer.io.llama2c import save_llama2c

    save_llama2c(model, None, tmp_path / "m.bin")
    arguments = ["convert", str(tmp_path / "m.bin"), "--to", "hf", "--out", str(tmp_path / "out")]
    assert main(arguments) == 1
    assert "--tokenizer FILE" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("arguments", "code", "message"), [
    (["--to", "pt"], 2, "Missing option '--out'"),
    (["--to", "onnx", "--out", "x"], 2, "'onnx' is not one of"),
    (["--to", "hf", "--out", "{source}"], 2, "is there already: choose another --out"),
    (["--to", "hf", "--dtype", "q8_0", "--out", "x"], 2, "f32, f16, bf16, not q8_0"),
    (["--to", "pt", "--out", "{source}/none/x.pt"], 1, "there is no folder"),
    (["--to", "pt", "--out", "{source}/x.pt"], 1, "a nanoGPT checkpoint holds a gpt, not a llama"),
    (["--to", "llama2c", "--out", "{source}/x.bin"], 1, "not a CharTokenizer"),
])  # fmt: skip
def test_misuse_is_one_line(folder: Path, capsys, arguments, code, message) -> None:
    filled = [a.format(source=folder) for a in arguments]
    assert main(["convert", str(folder), *filled]) == code
    printed = capsys.readouterr().err
    assert message in printed and printed.count("\n") == 1
    assert not Path("x").exists()


def test_a_tokenizer_beside_the_output_is_not_lost(folder: Path, tmp_path: Path, capsys) -> None:
    from transformer.tokenizers.llama2c import load_llama2c_tokenizer

    pieces = [("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3)]
    pieces += [(f"<0x{byte:02X}>", 0, 6) for byte in range(256)]
    tokenizer = SentencePieceTokenizer(pieces, bos_id=1, eos_id=2)
    save_pretrained(build_model("llama", **{**SIZES, "vocab_size": 259}), tokenizer, folder)
    (tmp_path / "tokenizer.bin").write_bytes(b"of another model")
    arguments = ["convert", str(folder), "--to", "llama2c", "--out", str(tmp_path / "m.bin")]
    assert main(arguments) == 2
    assert "tokenizer.bin is there already" in capsys.readouterr().err
    assert (tmp_path / "tokenizer.bin").read_bytes() == b"of another model"
    assert main([*arguments, "--overwrite"]) == 0
    assert load_llama2c_tokenizer(tmp_path / "tokenizer.bin").vocab_size == 259


def test_an_output_is_replaced_when_asked(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.gguf"
    out.write_bytes(b"old")
    model, _ = load(folder)
    from transformer.io.hf import save_pretrained as save

    save(model, None, tmp_path / "bare")
    common = ["--to", "llama2c", "--out", str(out), "--tokenizer", str(folder)]
    assert main(["convert", str(tmp_path / "bare"), *common]) == 2
    assert out.read_bytes() == b"old"
    np.testing.assert_array_equal(  # a folder that was given is not changed
        load(tmp_path / "bare", tokenizer=False)[0].norm.weight.detach().numpy(),
        model.norm.weight.detach().numpy(),
    )

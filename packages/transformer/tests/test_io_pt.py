"""nanoGPT's checkpoints and other files of torch's, without torch."""

import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

import tensor_core
from transformer import CharTokenizer, build_model, load, torch
from transformer.io.pt import describe_pt, read_pt, save_pt, stored_tensors
from transformer.io.safetensors import TensorFileError

SIZES = {"vocab_size": 5, "block_size": 8, "n_layer": 2, "n_head": 2, "n_embd": 8}


def gpt(**settings):
    torch.manual_seed(0)
    return build_model("gpt", **SIZES, gelu="none", **settings).eval()


def logits(model):
    with torch.no_grad():
        return model(torch.tensor([[0, 1, 2, 3, 4, 0]]))[0].numpy()


def nanogpt_file(path: Path, model, prefix: str = "", **changes) -> Path:
    """What nanoGPT's train.py saves, tied tables under both names."""
    table = {
        prefix + (n if n == "lm_head.weight" else f"transformer.{n}"): tensor_core.tensor(v.numpy())
        for n, v in model.state_dict().items()
    }
    arguments = {**SIZES, "bias": model.config.bias, "dropout": 0.0}
    values = {
        "model": table,
        "optimizer": {"state": {}, "param_groups": []},
        "model_args": arguments,
        "iter_num": 5,
        "best_val_loss": tensor_core.tensor(1.5),
        "config": {"dataset": "shakespeare_char"},
    }
    tensor_core.save({**values, **changes}, path)
    return path


@pytest.mark.parametrize("prefix", ["", "_orig_mod.", "module.", "module._orig_mod."])
@pytest.mark.parametrize("bias", [True, False])
def test_a_checkpoint_of_nanogpt_is_read(tmp_path: Path, prefix: str, bias: bool) -> None:
    model = gpt(bias=bias)
    back, tokenizer = load(nanogpt_file(tmp_path / "ckpt.pt", model, prefix), tokenizer=False)
    np.testing.assert_array_equal(logits(back), logits(model))
    assert tokenizer is None
    assert back.config == model.config


def test_a_checkpoint_keeps_its_tokenizer(tmp_path: Path) -> None:
    model = gpt()
    save_pt(model, CharTokenizer("abcde"), tmp_path / "ckpt.pt")
    back, tokenizer = load(tmp_path / "ckpt.pt")
    assert tokenizer == CharTokenizer("abcde")
    np.testing.assert_array_equal(logits(back), logits(model))


def test_a_tokenizer_is_asked_for(tmp_path: Path) -> None:
    path = nanogpt_file(tmp_path / "ckpt.pt", gpt())
    with pytest.raises(FileNotFoundError, match="holds no tokenizer, and beside it"):
        load(path)
    assert load(path, tokenizer=CharTokenizer("abcde"))[1].vocab_size == 5


def test_the_characters_of_nanogpt_are_found_beside_it(tmp_path: Path) -> None:
    path = nanogpt_file(tmp_path / "ckpt.pt", gpt())
    itos = dict(enumerate("\nabcd"))
    meta = {"vocab_size": 5, "itos": itos, "stoi": {c: i for i, c in itos.items()}}
    (tmp_path / "meta.pkl").write_bytes(pickle.dumps(meta))
    assert load(path)[1].encode("bad\n") == [2, 1, 4, 0]
    (tmp_path / "meta.pkl").rename(tmp_path / "other.pkl")
    assert load(path, tokenizer=tmp_path / "other.pkl")[1].encode("bad\n") == [2, 1, 4, 0]


def test_the_approximate_gelu_survives(tmp_path: Path) -> None:
    model = build_model("gpt", **SIZES)
    save_pt(model, None, tmp_path / "ckpt.pt")
    assert load(tmp_path / "ckpt.pt", tokenizer=False)[0].config.gelu == "tanh"
    assert read_pt(tmp_path / "ckpt.pt")["model_args"]["gelu"] == "tanh"


def test_weights_are_mapped_and_learn_without_touching_the_file(tmp_path: Path) -> None:
    path = nanogpt_file(tmp_path / "ckpt.pt", gpt())
    before = path.read_bytes()
    assert describe_pt(path).memory == 0
    model, _ = load(path, tokenizer=False)
    first = logits(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(torch.tensor([[0, 1]]), torch.tensor([[1, 2]]))[1].backward()
    optimizer.step()
    assert abs(logits(model) - first).max() > 0.01
    assert path.read_bytes() == before


class Harmful:
    def __reduce__(self):
        return os.system, ("touch harmed",)


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_in_a_file_is_run(tmp_path: Path, monkeypatch, zipped: bool) -> None:
    monkeypatch.chdir(tmp_path)
    data = pickle.dumps({"model": Harmful(), "model_args": SIZES}, protocol=2)
    if zipped:
        with zipfile.ZipFile("ckpt.pt", "w") as archive:
            archive.writestr("ckpt/data.pkl", data)
    else:
        Path("ckpt.pt").write_bytes(data)
    with pytest.raises(TensorFileError, match=r"ckpt.pt: not a file of weights alone, or damaged"):
        load("ckpt.pt")
    assert not Path("harmed").exists()


def test_other_files_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "ckpt.pt"
    tensor_core.save({"weight": tensor_core.ones(2)}, path)
    with pytest.raises(ValueError, match="keys model and model_args; it holds weight"):
        load(path)
    tensor_core.save([1, 2], path)
    with pytest.raises(ValueError, match="it holds no table"):
        load(path)
    nanogpt_file(path, gpt(), model_args={"n_layer": 1})
    with pytest.raises(ValueError, match="model_args lacks n_head, n_embd, block_size, vocab_size"):
        load(path)
    path.write_bytes(nanogpt_file(path, gpt()).read_bytes()[:-200])
    with pytest.raises(TensorFileError, match="damaged"):
        load(path)
    with pytest.raises(ValueError, match="not a bigram"):
        save_pt(build_model("bigram", vocab_size=3), None, path)


def test_two_tables_where_one_is_computed_are_refused(tmp_path: Path) -> None:
    model = gpt()
    path = nanogpt_file(tmp_path / "ckpt.pt", model)
    values = tensor_core.load(path)
    values["model"]["lm_head.weight"] = values["model"]["lm_head.weight"] + 1
    tensor_core.save(values, path)
    with pytest.raises(ValueError, match=r"lm_head.weight differs from transformer.wte.weight"):
        load(path)


def test_halves_are_widened_when_read(tmp_path: Path) -> None:
    values = {"model": {"a": tensor_core.ones(2, 3, dtype=tensor_core.float16) / 3}}
    tensor_core.save(values, tmp_path / "half.pt")
    stored = stored_tensors(read_pt(tmp_path / "half.pt"))["a"]
    assert (stored.dtype, stored.shape, stored.memory) == ("float16", (2, 3), 24)
    assert stored.read().dtype == np.float32
    np.testing.assert_array_equal(stored.read(), np.full((2, 3), np.float16(1 / 3), np.float32))

"""Which file is what, which name is whose, and what loading costs."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import transformer
from transformer import CharTokenizer, build_model, convert, load, save_pretrained, torch
from transformer.io import names
from transformer.io.assemble import assemble, undrawn
from transformer.io.convert import DTYPES
from transformer.io.gguf import describe_gguf
from transformer.io.gguf_export import save_gguf
from transformer.io.load import kind_of
from transformer.io.names import find_model
from transformer.io.pt import save_pt
from transformer.train import memory

TINY = {"vocab_size": 4, "block_size": 16, "n_layer": 1, "n_head": 2, "n_embd": 32}
TOKENIZER = CharTokenizer("abcd")


def tiny(kind: str = "llama", **settings):
    torch.manual_seed(0)
    return build_model(kind, **TINY, **settings).eval()


def logits(model):
    with torch.no_grad():
        return model(torch.tensor([[0, 1, 2, 3]]))[0].float().numpy()


def test_a_format_is_known_by_contents_not_by_name(tmp_path: Path) -> None:
    model = tiny()
    save_gguf(model, None, tmp_path / "a.bin")
    save_pt(tiny("gpt"), None, tmp_path / "b.ckpt")
    save_pretrained(model, None, tmp_path / "c")
    convert(tmp_path / "c", "llama2c", tmp_path / "d.dat", tokenizer=False)
    kinds = [
        kind_of(tmp_path / n) for n in ("a.bin", "b.ckpt", "c", "c/model.safetensors", "d.dat")
    ]
    assert kinds == ["gguf", "pt", "hf", "hf", "llama2c"]
    for name in ("a.bin", "c", "c/model.safetensors", "d.dat"):
        found = load(tmp_path / name, tokenizer=False)[0]
        np.testing.assert_array_equal(logits(found), logits(model))
    (tmp_path / "notes.txt").write_text("not a model")
    with pytest.raises(ValueError, match=r"notes.txt: not a model that can be read here"):
        load(tmp_path / "notes.txt")
    with pytest.raises(FileNotFoundError, match=r"holds no last.safetensors or best.*config.json"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["smollm", "SmolLM-2", "smol-lm2"])
def test_a_name_nearly_right_gets_the_right_one(name: str) -> None:
    with pytest.raises(FileNotFoundError, match="did you mean smollm2\\?"):
        load(name)


def test_other_names_get_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"hf download Qwen/Qwen3-0.6B --local-dir Qwen3"):
        load("Qwen/Qwen3-0.6B")
    (tmp_path / "model.gguf").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"did you mean model.gguf\?"):
        load("modle.gguf")
    with pytest.raises(FileNotFoundError, match=r"a model's file or folder, or a name \(smollm2\)"):
        load("nothing-like-it")


def test_a_packaged_model_is_found_without_running_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = names.Packaged("a_model_package", "Tiny*.gguf", "pip install a-model-package")
    monkeypatch.setitem(names.PACKAGED, "tiny", packaged)
    with pytest.raises(FileNotFoundError, match="tiny is not installed: pip install a-model-pack"):
        load("tiny")
    (tmp_path / "a_model_package").mkdir()
    (tmp_path / "a_model_package" / "__init__.py").write_text("raise RuntimeError('it ran')")
    save_gguf(tiny(), None, tmp_path / "a_model_package" / "Tiny-1.gguf")
    monkeypatch.syspath_prepend(tmp_path)
    assert find_model("tiny").name == find_model("Tiny").name == "Tiny-1.gguf"
    assert load("tiny", tokenizer=False)[0].config.n_layer == 1


def test_nothing_is_drawn_and_the_next_model_is(tmp_path: Path) -> None:
    save_gguf(tiny(), None, tmp_path / "m.gguf")
    torch.manual_seed(3)
    load(tmp_path / "m.gguf", tokenizer=False)
    after = torch.rand(2)
    torch.manual_seed(3)
    np.testing.assert_array_equal(torch.rand(2).numpy(), after.numpy())
    np.testing.assert_array_equal(logits(tiny()), logits(tiny()))
    assert logits(tiny()).std() > 0


def test_other_threads_draw_meanwhile() -> None:
    drawn = []

    def elsewhere() -> None:
        drawn.append(torch.nn.init.ones_(torch.zeros(3)))

    with undrawn():
        kept = torch.nn.init.ones_(torch.zeros(3))
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert drawn[0].tolist() == [1, 1, 1] and kept.tolist() == [0, 0, 0]
    assert torch.nn.init.ones_(torch.zeros(1)).tolist() == [1]


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16"])
def test_another_precision_is_asked_for(tmp_path: Path, dtype: str) -> None:
    model = tiny()
    save_gguf(model, None, tmp_path / "m.gguf")
    found, _ = load(tmp_path / "m.gguf", dtype=dtype, tokenizer=False)
    assert {p.dtype for p in found.parameters()} == {getattr(torch, dtype)}
    np.testing.assert_allclose(logits(found), logits(model), atol=0.01)
    with pytest.raises(ValueError, match="dtype is one of float32, float64"):
        load(tmp_path / "m.gguf", dtype="int8", tokenizer=False)


def test_too_little_memory_is_told_before_any_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_gguf(tiny(), None, tmp_path / "half.gguf", dtype="f16")
    found = describe_gguf(tmp_path / "half.gguf")
    assert found.memory == 4 * sum(t.size for t in found.tensors.values() if len(t.shape) > 1)
    monkeypatch.setattr(memory, "available_bytes", lambda: 1000)
    with pytest.raises(MemoryError, match=r"loading .*half.gguf needs about .* 1 kB are free"):
        assemble(found)


def test_loading_takes_one_copy_of_the_weights(tmp_path: Path) -> None:
    """In a process of its own, which says by how much it grew: 31 MB of weights, kept as F16."""
    big = {"vocab_size": 12500, "block_size": 16, "n_layer": 1, "n_head": 8, "n_embd": 512}
    save_gguf(build_model("llama", **big, n_hidden=64), None, tmp_path / "m.gguf", dtype="f16")
    program = (
        "import sys, transformer\n"
        "from transformer.io.assemble import assemble\n"
        "from transformer.io.gguf import describe_gguf\n"
        "def status(key):\n"
        "    table = dict(line.split(':') for line in open('/proc/self/status'))\n"
        "    return 1024 * int(table[key].split()[0])\n"
        "found = describe_gguf(sys.argv[1]); before = status('VmRSS')\n"
        "model = assemble(found)\n"
        "print((status('VmHWM') - before) / (4 * model.num_parameters()))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "m.gguf")],
        capture_output=True, text=True, check=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    copies = float(ran.stdout)
    assert 0.9 < copies < 1.6  # the pieces in between take some megabytes, whatever the model


def test_tokenizers_are_own_given_or_none(tmp_path: Path) -> None:
    save_pretrained(tiny(), TOKENIZER, tmp_path)
    assert load(tmp_path)[1] == TOKENIZER
    other = CharTokenizer("wxyz")
    assert load(tmp_path, tokenizer=other)[1] == other
    assert load(tmp_path, tokenizer=False)[1] is None
    with pytest.raises(ValueError, match="the tokenizer has 5 ids, the model 4"):
        load(tmp_path, tokenizer=CharTokenizer("abcde"))


def test_a_run_is_loaded_converted_and_refused_like_any_other(tmp_path: Path) -> None:
    settings = transformer.TrainConfig(
        model="gpt", out=str(tmp_path / "run"), steps=2, eval_every=2, eval_batches=1,
        block_size=8, model_settings={"n_layer": 1, "n_head": 2, "n_embd": 8},
    )  # fmt: skip
    text = "to be or not to be, that is the question. " * 40
    transformer.Trainer.from_config(settings, text).run()
    model, tokenizer = load(tmp_path / "run")
    assert tokenizer.decode(tokenizer.encode("to be")) == "to be"
    by_file, _ = load(tmp_path / "run" / "best.safetensors")
    with torch.no_grad():
        ids = torch.tensor([tokenizer.encode("not to")])
        want = model(ids)[0].numpy()
        np.testing.assert_array_equal(by_file(ids)[0].numpy(), want)
        for target, name in (("hf", "folder"), ("pt", "m.pt")):
            convert(tmp_path / "run", target, tmp_path / name)
            back, own = load(tmp_path / name)
            assert own == tokenizer
            np.testing.assert_allclose(back(ids)[0].numpy(), want, atol=1e-5)


def test_conversions_that_cannot_be_are_refused(tmp_path: Path) -> None:
    save_gguf(tiny(), None, tmp_path / "m.gguf")
    with pytest.raises(ValueError, match="no format 'onnx'; there are hf, gguf, pt, llama2c"):
        convert(tmp_path / "m.gguf", "onnx", tmp_path / "out")
    for target, kinds in DTYPES.items():
        if "q8_0" not in kinds:
            with pytest.raises(ValueError, match=f"{target} is written as f32"):
                convert(tmp_path / "m.gguf", target, tmp_path / "out", dtype="q8_0")
    with pytest.raises(ValueError, match="is the source itself"):
        convert(tmp_path / "m.gguf", "gguf", tmp_path / "m.gguf")


def test_links_to_nothing_and_pipes_are_told(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere.gguf")
    with pytest.raises(FileNotFoundError, match=r"a link to nowhere\.gguf, which is not there"):
        load(tmp_path / "link")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe: neither a file nor a folder"):
        load(tmp_path / "pipe")


def test_an_unknown_precision_of_a_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "last.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match=r"dtype is one of float32.*, not 'float31'"):
        load(tmp_path, dtype="float31")

"""llama2.c's files: written here by hand, and computed as its program computes them."""

import struct
from pathlib import Path

import numpy as np
import pytest

from transformer import build_model, load, torch
from transformer.io.llama2c import describe_llama2c, looks_like_llama2c, save_llama2c
from transformer.io.safetensors import TensorFileError

DIM, HIDDEN, LAYERS, HEADS, KV_HEADS, VOCAB, LENGTH = 16, 24, 2, 4, 2, 300, 20
HEAD = DIM // HEADS
KV = HEAD * KV_HEADS


def weights(seed: int = 0, tied: bool = True) -> dict[str, np.ndarray]:
    """The tensors of a file, in its order."""
    rng = np.random.default_rng(seed)
    shapes = {
        "embedding": (VOCAB, DIM), "norm1": (LAYERS, DIM), "wq": (LAYERS, DIM, DIM),
        "wk": (LAYERS, KV, DIM), "wv": (LAYERS, KV, DIM), "wo": (LAYERS, DIM, DIM),
        "norm2": (LAYERS, DIM), "w1": (LAYERS, HIDDEN, DIM), "w2": (LAYERS, DIM, HIDDEN),
        "w3": (LAYERS, HIDDEN, DIM), "norm": (DIM,), "angles": (2, LENGTH, HEAD // 2),
        **({} if tied else {"scores": (VOCAB, DIM)}),
    }  # fmt: skip
    return {n: rng.normal(size=s).astype(np.float32) * 0.4 for n, s in shapes.items()}


def write(path: Path, w: dict[str, np.ndarray]) -> Path:
    vocab = -VOCAB if "scores" in w else VOCAB
    head = struct.pack("<7i", DIM, HIDDEN, LAYERS, HEADS, KV_HEADS, vocab, LENGTH)
    path.write_bytes(head + b"".join(a.tobytes() for a in w.values()))
    return path


def rms(x: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return x / np.sqrt(np.mean(x * x) + 1e-5) * scale


def turned(x: np.ndarray, position: int) -> np.ndarray:
    """Neighbouring pairs of every head turned by the position's angles, as in the paper."""
    x = x.reshape(-1, HEAD // 2, 2)
    angle = position * 10000.0 ** -(np.arange(0, HEAD, 2) / HEAD)
    a, b = x[..., 0], x[..., 1]
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([a * c - b * s, a * s + b * c], axis=-1).reshape(-1, HEAD)


def reference(w: dict[str, np.ndarray], ids: list[int]) -> np.ndarray:
    """Logits of every position, one token and one head at a time."""
    w = {name: a.astype(np.float64) for name, a in w.items()}
    keys: list[list[np.ndarray]] = [[] for _ in range(LAYERS)]
    values: list[list[np.ndarray]] = [[] for _ in range(LAYERS)]
    rows = []
    for position, token in enumerate(ids):
        x = w["embedding"][token]
        for i in range(LAYERS):
            h = rms(x, w["norm1"][i])
            q = turned(w["wq"][i] @ h, position)
            keys[i].append(turned(w["wk"][i] @ h, position))
            values[i].append((w["wv"][i] @ h).reshape(KV_HEADS, HEAD))
            heads = []
            for n in range(HEADS):
                group = n // (HEADS // KV_HEADS)
                scores = np.array([q[n] @ k[group] for k in keys[i]]) / np.sqrt(HEAD)
                p = np.exp(scores - scores.max())
                heads.append((p / p.sum()) @ np.array([v[group] for v in values[i]]))
            x = x + w["wo"][i] @ np.concatenate(heads)
            h = rms(x, w["norm2"][i])
            gate = w["w1"][i] @ h
            x = x + w["w2"][i] @ (gate / (1 + np.exp(-gate)) * (w["w3"][i] @ h))
        rows.append(w.get("scores", w["embedding"]) @ rms(x, w["norm"]))
    return np.array(rows)


@pytest.mark.parametrize("tied", [True, False])
def test_a_file_computes_what_llama2c_computes(tmp_path: Path, tied: bool) -> None:
    w = weights(tied=tied)
    model, _ = load(write(tmp_path / "m.bin", w), tokenizer=False)
    ids = [1, 5, 299, 5, 0, 17, 42]
    with torch.no_grad():
        got = model(torch.tensor([ids]))[0][0].numpy()
    np.testing.assert_allclose(got, reference(w, ids), atol=2e-6)
    assert model.config.tie_embeddings is tied


@pytest.mark.parametrize("tied", [True, False])
def test_what_is_written_is_the_same_file(tmp_path: Path, tied: bool) -> None:
    w = weights(tied=tied)
    angle = np.outer(np.arange(LENGTH), 10000.0 ** -(np.arange(0, HEAD, 2) / HEAD))
    w["angles"] = np.stack([np.cos(angle), np.sin(angle)]).astype(np.float32)
    path = write(tmp_path / "m.bin", w)
    model, _ = load(path, tokenizer=False)
    save_llama2c(model, None, tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == path.read_bytes()


def tokenizer_file(path: Path, extra: int = VOCAB - 259) -> Path:
    pieces = [b"<unk>", b"\n<s>\n", b"\n</s>\n", *(f"<0x{b:02X}>".encode() for b in range(256))]
    pieces += [b" ", *(bytes([97 + i % 26, 97 + i // 26]) for i in range(extra - 1))]
    body = b"".join(struct.pack("<fi", -i, len(p)) + p for i, p in enumerate(pieces))
    path.write_bytes(struct.pack("<i", max(map(len, pieces))) + body)
    return path


@pytest.mark.parametrize("name", ["tokenizer.bin", "tok300.bin"])
def test_the_tokenizer_beside_it_is_found(tmp_path: Path, name: str) -> None:
    tokenizer_file(tmp_path / name)
    model, tokenizer = load(write(tmp_path / "m.bin", weights()))
    assert tokenizer.vocab_size == model.config.vocab_size == VOCAB
    assert tokenizer.decode(tokenizer.encode("to be")) == "to be"


def test_a_tokenizer_is_given_asked_for_and_held_against_the_model(tmp_path: Path) -> None:
    path = write(tmp_path / "m.bin", weights())
    with pytest.raises(FileNotFoundError, match=r"tokenizer.bin or tok300.bin: pass its tokenizer"):
        load(path)
    given = tokenizer_file(tmp_path / "elsewhere")
    assert load(path, tokenizer=given)[1].vocab_size == VOCAB
    with pytest.raises(ValueError, match="tokenizer has 310 ids, the model 300"):
        load(path, tokenizer=tokenizer_file(tmp_path / "larger", VOCAB - 249))


def test_a_tokenizer_is_written_beside_the_model(tmp_path: Path) -> None:
    original = tokenizer_file(tmp_path / "tok300.bin")
    model, tokenizer = load(write(tmp_path / "m.bin", weights()))
    (tmp_path / "out").mkdir()
    save_llama2c(model, tokenizer, tmp_path / "out" / "m.bin")
    assert (tmp_path / "out" / "tokenizer.bin").read_bytes() == original.read_bytes()


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "m.bin", weights())
    assert looks_like_llama2c(path)
    for data in (path.read_bytes()[:-1], path.read_bytes() + b"\0"):
        path.write_bytes(data)
        assert not looks_like_llama2c(path)
        with pytest.raises(TensorFileError, match=r"sizes \(16, 24, .* make \d+ bytes"):
            describe_llama2c(path)
    for data in (b"\1", struct.pack("<7i", 0, 1, 1, 1, 1, 1, 1), b"x" * 100):
        path.write_bytes(data)
        with pytest.raises(TensorFileError, match=r"m.bin: not a llama2.c model"):
            describe_llama2c(path)


@pytest.mark.parametrize(("settings", "message"), [
    ({"rope_theta": 5e5}, r"computes rope_theta 10000.0, this model has 500000.0"),
    ({"qk_norm": True}, "qk_norm False"),
    ({"head_dim": 16}, "width_of_head 8"),
    ({"n_expert": 2}, "n_expert 0"),
    ({"norm_eps": 1e-6}, "norm_eps 1e-05"),
])  # fmt: skip
def test_models_that_llama2c_does_not_compute_are_refused(tmp_path, settings, message) -> None:
    sizes = {"vocab_size": 10, "n_layer": 1, "n_head": 2, "n_embd": 16}
    with pytest.raises(ValueError, match=message):
        save_llama2c(build_model("llama", **sizes, **settings), None, tmp_path / "m.bin")
    with pytest.raises(ValueError, match="not a gpt"):
        save_llama2c(build_model("gpt", **sizes), None, tmp_path / "m.bin")
    assert not list(tmp_path.iterdir())

"""GGUF files: the container beside the ``gguf`` package, and models through it and back."""

import struct
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transformer import BPETokenizer, build_model, load, torch
from transformer.io.gguf import describe_gguf, llama3_factors
from transformer.io.gguf_export import save_gguf
from transformer.io.gguf_file import TENSOR_TYPES, read_gguf
from transformer.io.gguf_write import Writable, write_gguf
from transformer.io.halves import to_halves, to_pairs
from transformer.io.safetensors import TensorFileError

TINY = {"vocab_size": 40, "block_size": 32, "n_layer": 2, "n_head": 4, "n_embd": 32}
LLAMAS = {
    "llama": {"n_kv_head": 2, "n_hidden": 64},
    "llama-untied": {"tie_embeddings": False, "head_dim": 16},
    "llama3": {"head_dim": 64, "rope_theta": 5e5, "rope_scaling": {
        "rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192}},
    "llama3-short": {"rope_scaling": {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 2.0,
        "original_max_position_embeddings": 16}},
    "linear": {"rope_scaling": {"rope_type": "linear", "factor": 2.0}},
    "window": {"window": 8},
    "qwen2": {"attention_bias": True},
    "qwen3": {"qk_norm": True, "head_dim": 8, "n_kv_head": 1},
    "mixtral": {"n_expert": 3, "n_expert_active": 2, "n_hidden": 32},
}  # fmt: skip


def model_of(name: str):
    torch.manual_seed(0)
    gpts = {"gpt2": {}, "gpt2-untied": {"tie_embeddings": False}}
    model = build_model("gpt", **TINY, **gpts[name]) if name in gpts else None
    model = model or build_model("llama", **TINY, **LLAMAS[name])
    with torch.no_grad():
        for p in model.parameters():  # norms and biases too: a mix-up must show
            p.copy_(torch.randn(p.shape) * 0.3)
    return model.eval()


def logits(model):
    ids = torch.arange(20).reshape(1, 20)
    with torch.no_grad():
        return model(ids)[0].numpy()


# --- the container, beside the gguf package -------------------------------------------------------


def written_by_gguf(path: Path, tensors: dict, alignment: int = 32) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_custom_alignment(alignment)
    writer.add_string("text", "größer\n")
    writer.add_array("words", ["a", "", "€"])
    writer.add_array("numbers", [3, -4])
    writer.add_float64("wide", 0.1)
    writer.add_int8("small", -7)
    writer.add_uint64("large", 2**60)
    writer.add_bool("yes", True)
    for name, (array, kind) in tensors.items():
        writer.add_tensor(name, array, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_metadata_written_by_gguf_is_read(tmp_path: Path) -> None:
    written_by_gguf(tmp_path / "m.gguf", {})
    metadata, tensors = read_gguf(tmp_path / "m.gguf")
    assert metadata == {
        "general.architecture": "llama", "general.alignment": 32, "text": "größer\n",
        "words": ["a", "", "€"], "numbers": [3, -4], "wide": 0.1, "small": -7, "large": 2**60,
        "yes": True,
    }  # fmt: skip
    assert tensors == {}


@pytest.mark.parametrize("kind", [
    "F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K",
    "Q6_K", "IQ4_NL", "IQ4_XS", "TQ1_0",
])  # fmt: skip
def test_every_kind_of_tensor_is_read_as_gguf_reads_it(tmp_path: Path, kind: str) -> None:
    number = gguf.GGMLQuantizationType[kind]
    block, block_bytes = gguf.GGML_QUANT_SIZES[number]
    rng = np.random.default_rng(0)
    packed = rng.integers(0, 120, size=(5, 512 // block * block_bytes), dtype=np.uint8)
    tensors = {"first": (np.ones(3, np.float32), None), "packed": (packed, number)}
    written_by_gguf(tmp_path / "m.gguf", tensors, alignment=64)
    stored = read_gguf(tmp_path / "m.gguf")[1]["packed"]
    assert (stored.dtype, stored.shape, stored.nbytes) == (kind, (5, 512), packed.nbytes)
    expected = gguf.quants.dequantize(packed, number)
    np.testing.assert_array_equal(stored.read(), expected)
    assert stored.read().dtype == np.float32


def test_the_table_of_kinds_is_that_of_gguf() -> None:
    for number, (name, block, block_bytes) in TENSOR_TYPES.items():
        assert gguf.GGMLQuantizationType(number).name == name
        assert gguf.GGML_QUANT_SIZES[number] == (block, block_bytes)


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16", "Q8_0"])
def test_what_is_written_gguf_reads(tmp_path: Path, dtype: str) -> None:
    values = np.random.default_rng(1).normal(size=(7, 64)).astype(np.float32)
    tensors = [
        Writable("a", (3,), "F32", lambda: np.arange(3, dtype=np.float32)),
        Writable("b", values.shape, dtype, lambda: values),
        Writable("c", values.T.shape, "F32", lambda: values.T),  # laid out the other way
    ]
    metadata = {"general.architecture": "llama", "n": 5, "low": -5, "x": 0.5, "s": "ü",
                "ids": [1, 2], "tokens": ["a", "b"], "yes": False, "big": 2**40}  # fmt: skip
    write_gguf(tmp_path / "m.gguf", metadata, tensors)
    reader = gguf.GGUFReader(tmp_path / "m.gguf")
    fields = {k: f.contents() for k, f in reader.fields.items() if not k.startswith("GGUF.")}
    assert fields == metadata
    kinds = {k: [t.name for t in f.types] for k, f in reader.fields.items()}
    assert kinds["n"] == ["UINT32"] and kinds["low"] == ["INT32"]
    assert kinds["ids"] == ["ARRAY", "INT32"]
    by_name = {t.name: t for t in reader.tensors}
    expected = gguf.quants.quantize(values, gguf.GGMLQuantizationType[dtype])
    assert np.asarray(by_name["b"].data).tobytes() == expected.tobytes()
    np.testing.assert_array_equal(by_name["c"].data, values.T)
    assert all(t.data_offset % 32 == 0 for t in reader.tensors)


def test_metadata_of_no_type_is_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"GGUF metadata odd=.* has no type"):
        write_gguf(tmp_path / "m.gguf", {"odd": {"a": 1}}, [])


# --- damage ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    save_gguf(model_of("llama"), None, path)
    return path.read_bytes()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_file_cut_short_is_refused(tmp_path_factory, tiny_file: bytes, data) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.gguf"
    path.write_bytes(tiny_file[: data.draw(st.integers(0, len(tiny_file) - 1))])
    with pytest.raises(TensorFileError, match=r"cut\.gguf"):
        read_gguf(path)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_damaged_front_is_read_or_refused_in_one_sentence(
    tmp_path_factory, tiny_file: bytes, data
) -> None:
    damaged = bytearray(tiny_file)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, 3000))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.gguf"
    path.write_bytes(damaged)
    try:
        describe_gguf(path)
    except ValueError as error:
        assert "damaged.gguf" in str(error)


def test_an_array_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1)
    key = struct.pack("<Q", 1) + b"k"
    for inner in (4, 8, 9):
        (tmp_path / "m.gguf").write_bytes(head + key + struct.pack("<IIQ", 9, inner, 2**62))
        with pytest.raises(TensorFileError, match="damaged"):
            read_gguf(tmp_path / "m.gguf")


def test_other_files_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"PK\x03\x04" + bytes(40))
    with pytest.raises(TensorFileError, match="does not begin with 'GGUF'"):
        read_gguf(tmp_path / "a.gguf")
    (tmp_path / "b.gguf").write_bytes(b"GGUF" + struct.pack(">I", 3) + bytes(40))
    with pytest.raises(TensorFileError, match="only little-endian"):
        read_gguf(tmp_path / "b.gguf")


# --- models ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*LLAMAS, "gpt2", "gpt2-untied"])
def test_a_model_comes_back_to_the_bit(tmp_path: Path, name: str) -> None:
    model = model_of(name)
    save_gguf(model, None, tmp_path / "m.gguf")
    back, _ = load(tmp_path / "m.gguf", tokenizer=False)
    np.testing.assert_array_equal(logits(back), logits(model))
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(back.state_dict()[key].numpy(), value.numpy(), err_msg=key)


@pytest.mark.parametrize(("dtype", "kind"), [("f16", "F16"), ("bf16", "BF16"), ("q8_0", "Q8_0")])
def test_matrices_are_kept_as_asked_and_vectors_whole(tmp_path: Path, dtype: str, kind: str):
    model = model_of("llama")
    save_gguf(model, None, tmp_path / "m.gguf", dtype=dtype)
    found = describe_gguf(tmp_path / "m.gguf")
    kinds = {len(t.shape): t.dtype for t in found.tensors.values()}
    assert kinds == {1: "F32", 2: kind}
    number = gguf.GGMLQuantizationType[kind]
    want = model.state_dict()["layers.1.mlp.down_proj.weight"].numpy()
    want = gguf.quants.dequantize(gguf.quants.quantize(want, number), number)
    got = found.tensors["layers.1.mlp.down_proj.weight"].read()
    np.testing.assert_array_equal(got, want)


def test_queries_and_keys_lie_in_pairs_as_llama_cpp_wants_them(tmp_path: Path) -> None:
    model = model_of("llama")
    save_gguf(model, None, tmp_path / "m.gguf")
    q = model.state_dict()["layers.0.self_attn.q_proj.weight"].numpy()  # (H D, C), D = 8
    stored = read_gguf(tmp_path / "m.gguf")[1]["blk.0.attn_q.weight"].read()
    for head in range(4):
        for i in range(4):  # dimension i turns with i + 4: neighbours in the file
            np.testing.assert_array_equal(stored[8 * head + 2 * i], q[8 * head + i])
            np.testing.assert_array_equal(stored[8 * head + 2 * i + 1], q[8 * head + 4 + i])


@given(heads=st.integers(1, 4), half=st.integers(1, 4))
def test_halves_and_pairs_undo_each_other(heads: int, half: int) -> None:
    values = np.arange(heads * 2 * half * 3, dtype=np.float32).reshape(-1, 3)
    np.testing.assert_array_equal(to_pairs(to_halves(values, heads), heads), values)


def test_float32_weights_are_mapped(tmp_path: Path) -> None:
    save_gguf(model_of("qwen3"), None, tmp_path / "m.gguf")
    found = describe_gguf(tmp_path / "m.gguf")
    assert found.memory == 0 and all(t.mapped for t in found.tensors.values())


def test_other_frequency_factors_are_refused(tmp_path: Path) -> None:
    scaling = LLAMAS["llama3"]["rope_scaling"]
    assert llama3_factors(scaling, 5e5, 64)[-1] == 4.0
    save_gguf(model_of("llama3"), None, tmp_path / "m.gguf")
    metadata, tensors = read_gguf(tmp_path / "m.gguf")
    odd = np.linspace(1, 4, 32, dtype=np.float32)
    write_gguf(tmp_path / "odd.gguf", metadata, [
        Writable(n, t.shape, "F32", (lambda: odd) if n == "rope_freqs.weight" else t.read)
        for n, t in tensors.items()
    ])  # fmt: skip
    with pytest.raises(ValueError, match="factors that are not those of Llama 3"):
        describe_gguf(tmp_path / "odd.gguf")


@pytest.mark.parametrize(("changes", "message"), [
    ({"general.architecture": "mamba"}, "architecture mamba is not known here; known are llama"),
    ({"llama.rope.scaling.type": "yarn"}, "rope.scaling.type yarn is not computed"),
    ({"llama.rope.dimension_count": 4}, "rope.dimension_count is 4"),
    ({"llama.attention.value_length": 4}, "key_length and value_length differ"),
    ({"llama.attention.head_count_kv": [2, 1]}, "head_count_kv differs between layers"),
    ({"split.count": 3}, r"is one of 3 parts: put them together first"),
    ({"llama.context_length": None}, "has no llama.context_length"),
    ({"llama.block_count": 3}, "needs tensors that are not in the file: layers.2.*and 5 more"),
    ({"llama.block_count": 1}, "no place for these tensors: blk.1"),
    ({"llama.feed_forward_length": 32},
     r"wants layers.0.mlp.gate_proj.weight of shape \(32, 32\), but blk.0.ffn_gate.weight has"),
])  # fmt: skip
def test_what_is_not_computed_is_named(tmp_path: Path, changes: dict, message: str) -> None:
    save_gguf(model_of("llama"), None, tmp_path / "m.gguf")
    metadata, tensors = read_gguf(tmp_path / "m.gguf")
    metadata = {k: v for k, v in {**metadata, **changes}.items() if v is not None}
    written = [Writable(n, t.shape, "F32", t.read) for n, t in tensors.items()]
    write_gguf(tmp_path / "odd.gguf", metadata, written)
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "odd.gguf", tokenizer=False)


@pytest.mark.parametrize("dtype", ["f32", "q8_0"])
def test_the_tokenizer_travels_along_and_spare_rows_get_names(tmp_path: Path, dtype: str) -> None:
    trained = BPETokenizer.train("to be or not " * 9, 262, special_tokens=["<|end|>"])
    torch.manual_seed(0)
    model = build_model("llama", **{**TINY, "vocab_size": 270})
    save_gguf(model, trained, tmp_path / "m.gguf", dtype=dtype)
    metadata, tensors = read_gguf(tmp_path / "m.gguf")
    assert len(metadata["tokenizer.ggml.tokens"]) == len(metadata["tokenizer.ggml.token_type"])
    assert len(metadata["tokenizer.ggml.tokens"]) == tensors["token_embd.weight"].shape[0] == 270
    tokenizer = load(tmp_path / "m.gguf")[1]
    for text in ("to be", "Größe<|end|>", "[PAD265]"):
        assert tokenizer.decode(tokenizer.encode(text)) == text
    assert tokenizer.encode("not to<|end|>") == trained.encode("not to<|end|>")
    with pytest.raises(ValueError, match="has 262 ids, the model only 40"):
        save_gguf(model_of("llama"), trained, tmp_path / "m.gguf")


def test_a_file_without_a_tokenizer_asks_for_one(tmp_path: Path) -> None:
    save_gguf(model_of("llama"), None, tmp_path / "m.gguf")
    with pytest.raises(FileNotFoundError, match=r"m.gguf holds no tokenizer: pass one"):
        load(tmp_path / "m.gguf")


def test_what_has_no_form_in_gguf_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a bigram model has no form in GGUF"):
        save_gguf(build_model("bigram", vocab_size=3), None, tmp_path / "m.gguf")
    with pytest.raises(ValueError, match="approximate GELU"):
        model = build_model("gpt", **TINY, gelu="none")
        save_gguf(model, None, tmp_path / "m.gguf")
    with pytest.raises(ValueError, match=r"no architecture .* window=4"):
        model = build_model("llama", **TINY, window=4, mlp_bias=True)
        save_gguf(model, None, tmp_path / "m.gguf")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("key", "values"), [
    ("general.architecture", [["a"], 3]), ("general.alignment", [["a"], "x"]),
    ("split.count", ["x", [1]]), ("llama.block_count", [10**9, 2**62, "x"]),
    ("llama.expert_count", [10**9, "x"]), ("llama.embedding_length", [["a"], 0, 10**9]),
    ("tokenizer.ggml.tokens", [3, [1, 2]]), ("tokenizer.ggml.merges", [True, [1, 2]]),
])  # fmt: skip
def test_values_of_the_wrong_kind_are_refused_at_once(tmp_path: Path, key: str, values: list):
    model = build_model("llama", **{**TINY, "vocab_size": 262})
    save_gguf(model, BPETokenizer.train("to be or not to be " * 9, 262), tmp_path / "m.gguf")
    metadata, tensors = read_gguf(tmp_path / "m.gguf")
    written = [Writable(n, t.shape, "F32", t.read) for n, t in tensors.items()]
    for value in values:
        write_gguf(tmp_path / "odd.gguf", {**metadata, key: value}, written)
        with pytest.raises(ValueError, match=r"odd.gguf") as caught:
            load(tmp_path / "odd.gguf")
        assert "\n" not in str(caught.value)


def test_lists_within_lists_end_somewhere(tmp_path: Path) -> None:
    nested = struct.pack("<IQ", 9, 1) * 5000 + struct.pack("<IQ", 4, 0)
    front = struct.pack("<4sIQQ", b"GGUF", 3, 0, 1) + struct.pack("<Q", 1) + b"k"
    (tmp_path / "deep.gguf").write_bytes(front + struct.pack("<I", 9) + nested)
    with pytest.raises(TensorFileError, match="damaged GGUF file"):
        read_gguf(tmp_path / "deep.gguf")


def test_scores_rounded_otherwise_than_the_tokens_have_a_table_of_their_own(tmp_path: Path) -> None:
    """As llama.cpp's programs write GPT-2: one table, kept twice in different ways."""
    model = model_of("gpt2")
    save_gguf(model, None, tmp_path / "m.gguf")
    metadata, tensors = read_gguf(tmp_path / "m.gguf")
    table = tensors["token_embd.weight"]
    for kind, tied in (("F32", True), ("Q8_0", False)):
        written = [Writable(n, t.shape, "F32", t.read) for n, t in tensors.items()]
        written.append(Writable("output.weight", table.shape, kind, table.read))
        write_gguf(tmp_path / "two.gguf", metadata, written)
        found, _ = load(tmp_path / "two.gguf", tokenizer=False)
        assert found.config.tie_embeddings is tied
        np.testing.assert_array_equal(found.wte.weight.detach().numpy(), table.read())
        scores = read_gguf(tmp_path / "two.gguf")[1]["output.weight"].read()
        np.testing.assert_array_equal(found.lm_head.weight.detach().numpy(), scores)


def test_an_expert_is_read_without_the_others(tmp_path: Path) -> None:
    save_gguf(model_of("mixtral"), None, tmp_path / "m.gguf", dtype="q8_0")
    stack = read_gguf(tmp_path / "m.gguf")[1]["blk.1.ffn_up_exps.weight"]
    one = stack.row(2)
    assert (one.nbytes, one.shape) == (stack.nbytes // 3, stack.shape[1:])
    np.testing.assert_array_equal(one.read(), stack.read()[2])

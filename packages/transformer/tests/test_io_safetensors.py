"""Files of tensors: what is written is read, and what is damaged is refused."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors import SafetensorError

from transformer.io import TensorFileError, read_metadata, read_tensors, write_tensors

DTYPES = ["<f8", "<f4", "<f2", "<i8", "<i4", "<i2", "|i1", "<u8", "<u4", "<u2", "|u1", "|b1"]
ARRAYS = st.dictionaries(
    st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"),
    st.sampled_from(DTYPES).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=4))
    ),
    max_size=4,
)


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(
        a[k].dtype == b[k].dtype and a[k].shape == b[k].shape and a[k].tobytes() == b[k].tobytes()
        for k in a
    )


@settings(max_examples=60, deadline=None)
@given(arrays=ARRAYS)
def test_what_is_written_is_read_here_and_by_the_reference(
    arrays: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.safetensors"
    write_tensors(path, arrays, {"note": "x"})
    read, metadata = read_tensors(path)
    assert same(read, arrays) and metadata["note"] == "x"
    assert same(reference.load_file(path), arrays)


@settings(max_examples=60, deadline=None)
@given(arrays=ARRAYS)
def test_files_of_the_reference_are_read(
    arrays: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "theirs.safetensors"
    reference.save_file(arrays, path)
    assert same(read_tensors(path)[0], arrays)


def test_strided_and_transposed_arrays_keep_their_values(tmp_path: Path) -> None:
    a = np.arange(24.0).reshape(4, 6)
    write_tensors(tmp_path / "f", {"t": a.T, "s": a[::2, ::-3]})
    read, _ = read_tensors(tmp_path / "f")
    np.testing.assert_array_equal(read["t"], a.T)
    np.testing.assert_array_equal(read["s"], a[::2, ::-3])


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    write_tensors(path, {"w": np.arange(5.0), "b": np.ones((2, 2), np.float32)})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(TensorFileError, match=r"cut\.safetensors"):
            read_tensors(path)


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "flip.safetensors"
    write_tensors(path, {"w": np.arange(3.0)}, {"note": "x"})
    whole = path.read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")
    for position in range(start, len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(TensorFileError, match=r"flip\.safetensors"):
            read_tensors(path)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]},  # too few bytes
        {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]},  # a gap
        {"dtype": "F31", "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1]},
        {"dtype": "F32", "shape": ["a"], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, -4]},
        7,
    ],
)
def test_a_header_that_lies_is_refused(entry: object, tmp_path: Path) -> None:
    text = json.dumps({"w": entry}).encode()
    path = tmp_path / "lie.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    with pytest.raises(TensorFileError, match=r"lie\.safetensors"):
        read_metadata(path)


def test_a_huge_header_length_is_refused_without_reading(tmp_path: Path) -> None:
    path = tmp_path / "huge.safetensors"
    path.write_bytes(b"\xff" * 7 + b"\x00" + b"{}")
    with pytest.raises(TensorFileError, match="or not a safetensors file"):
        read_metadata(path)


def test_a_dtype_the_format_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="w is complex128"):
        write_tensors(tmp_path / "f", {"w": np.ones(2, complex)})
    assert list(tmp_path.iterdir()) == []


ENTRIES = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "BOOL", "F16", "f32", "F31", "", 4, None]),
        "shape": st.lists(st.integers(-1, 3), max_size=3) | st.just(2) | st.just([2.0]),
        "data_offsets": st.lists(st.integers(-1, 24), min_size=1, max_size=3),
    }
)
TABLES = st.none() | st.dictionaries(st.text(max_size=2), st.text(max_size=2) | st.integers())


@settings(max_examples=300, deadline=None)
@given(
    header=st.dictionaries(st.sampled_from("ab"), ENTRIES | st.integers()) | st.integers(),
    table=TABLES,
    data=st.data(),
    honest=st.booleans(),
)
def test_a_header_is_refused_where_the_reference_refuses_it(
    header: Any, table: Any, data: Any, honest: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    size = data.draw(st.integers(0, 24))
    if isinstance(header, dict):
        if honest:  # such as most are: one entry after another, as long as its shape says
            size = 0
            for name in header:
                shape = data.draw(st.lists(st.integers(0, 3), max_size=3))
                size, start = size + 4 * int(np.prod(shape)), size
                entry = {"dtype": "F32", "shape": shape, "data_offsets": [start, size]}
                header[name] = {**entry, **data.draw(st.sampled_from([{}, {}, {"more": 1}]))}
        if table is not None:
            header["__metadata__"] = table
    text = json.dumps(header).encode()
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(size))
    try:
        theirs = reference.load_file(path)
    except (SafetensorError, TypeError):
        with pytest.raises(TensorFileError, match=r"any\.safetensors"):
            read_tensors(path)
    else:
        assert same(read_tensors(path)[0], theirs)


def test_mapped_arrays_can_be_changed_and_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "f"
    write_tensors(path, {"w": np.arange(5.0), "n": np.zeros((0, 3), np.int8)})
    whole = path.read_bytes()
    arrays, _ = read_tensors(path, mapped=True)
    arrays["w"] += 1
    np.testing.assert_array_equal(arrays["w"], np.arange(1.0, 6.0))
    assert arrays["n"].shape == (0, 3) and path.read_bytes() == whole


def test_neither_writing_nor_mapping_makes_a_second_copy(tmp_path: Path) -> None:
    arrays = {"a": np.ones((2**10, 2**11), np.float32), "b": np.ones(2**20)}  # 8 MB each
    tracemalloc.start()
    try:
        write_tensors(tmp_path / "f", arrays)
        read, _ = read_tensors(tmp_path / "f", mapped=True)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert same(read, arrays) and most < 2**20


def test_bfloat16_and_other_byte_orders(tmp_path: Path) -> None:
    from ml_dtypes import bfloat16, float8_e4m3fn

    arrays = {
        "bf": np.array([1.5, -2.0], bfloat16),
        "f8": np.array([[0.5]], float8_e4m3fn),
        "big": np.array([1.0, 2.5], ">f4"),
    }
    write_tensors(tmp_path / "f", arrays)
    read, _ = read_tensors(tmp_path / "f")
    assert read["bf"].dtype == bfloat16 and read["f8"].dtype == float8_e4m3fn
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name].astype(np.float64), array.astype(np.float64))

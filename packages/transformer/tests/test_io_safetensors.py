"""Files of tensors: what is written is read, and what is damaged is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

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

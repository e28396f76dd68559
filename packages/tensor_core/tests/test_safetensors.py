"""Files of the safetensors library: its own functions, with our tensors, where torch is not."""

import subprocess
import sys

import pytest
from safetensors import SafetensorError

import tensor_core as torch
from tensor_core import safetensors

FILE = safetensors.save({"w": torch.ones(4), "n": torch.arange(3)}, {"by": "me"})


def test_a_file_that_is_none_or_not_whole(tmp_path):
    path = tmp_path / "w.safetensors"
    for end in range(len(FILE)):
        path.write_bytes(FILE[:end])
        with pytest.raises(SafetensorError):
            safetensors.load_file(path)
        with pytest.raises(SafetensorError):
            safetensors.load(FILE[:end])
    for old, new in ((b"[4]", b"[5]"), (b"[4]", b'"a"'), (b'"F32"', b'"X32"')):
        with pytest.raises(SafetensorError):
            safetensors.load(FILE.replace(old, new))


def test_parts_are_tensors_of_their_own(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(FILE)
    with safetensors.safe_open(path, "pt") as file:
        assert sorted(file.keys()) == ["n", "w"] and file.metadata() == {"by": "me"}
        part, whole = file.get_slice("n"), file.get_tensor("n")
        part[1:].zero_()
        whole.zero_()
        for key, expected in ((slice(1, None), [1, 2]), (..., [0, 1, 2]), (None, [[0, 1, 2]]),
                              ([2, 0], [2, 0]), (-1, 2)):  # fmt: skip
            assert part[key].tolist() == expected
        with pytest.raises(IndexError):
            part[3]
    with pytest.raises(SafetensorError, match="closed"):
        file.get_tensor("n")
    assert path.read_bytes() == FILE


def test_types_that_numpy_lacks_are_named(tmp_path):
    small = FILE.replace(b'"F32","shape":[4]', b'"F8_E5M2","shape":[16]')
    length = len(small) - len(FILE) + int.from_bytes(FILE[:8], "little")
    small = length.to_bytes(8, "little") + small[8:]
    path = tmp_path / "small.safetensors"
    path.write_bytes(small)
    for load in (lambda: safetensors.load(small), lambda: safetensors.load_file(path)):
        with pytest.raises(TypeError, match="'w' is of type F8_E5M2"):
            load()


def test_without_the_library_its_extra_is_named(tmp_path):
    program = """
import sys
sys.modules["safetensors"] = None  # as if it were not there
import tensor_core as torch
from tensor_core import safetensors
for use, kind in (
    (lambda: safetensors.save({"w": torch.ones(2)}), ImportError),
    (lambda: safetensors.load_file("w.safetensors"), ImportError),
    (lambda: safetensors.safe_open("w.safetensors", "pt"), ImportError),
    (lambda: torch.load("w.safetensors"), RuntimeError),  # as torch has it
):
    try:
        use()
    except kind as error:
        assert "gradine-tensor-core[safetensors]" in str(error), error
    else:
        raise AssertionError
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path)

"""Files: what is written comes back; what is hostile or damaged does nothing and says why."""

import builtins
import collections
import fractions
import io
import os
import pickle
import struct
import subprocess
import sys
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tensor_core as torch
from tensor_core import serialization

RAN = []


def saved(obj, **options):
    file = io.BytesIO()
    torch.save(obj, file, **options)
    return file.getvalue()


def again(obj, **options):
    return torch.load(io.BytesIO(saved(obj)), **options)


def archive(data, *, records=(), folder="archive"):
    """A file with any pickle in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        out.writestr(f"{folder}/data.pkl", data)
        out.writestr(f"{folder}/byteorder", "little")
        for name, content in records:
            out.writestr(f"{folder}/{name}", content)
    return file.getvalue()


class Call:
    """An object whose pickle calls a function."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def note(*args):
    RAN.append(args)


class Own:
    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return self.value == other.value


# -- there and back --------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol(protocol):
    obj = {"w": torch.ones(2, 3).t(), "n": [1, 2**40, -3.5, "ä", b"\x00", None, {1}, (1, 2)]}
    found = torch.load(io.BytesIO(saved(obj, pickle_protocol=protocol)))
    assert found["w"].stride() == (1, 3) and found["n"] == obj["n"]


def test_a_module_needs_trust():
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    with pytest.raises(pickle.UnpicklingError, match="weights_only=False"):
        again(model)
    found = again(model, weights_only=False)
    assert type(found) is torch.nn.Sequential
    assert torch.equal(found[0].weight, model[0].weight) and found[0].weight.requires_grad


def test_loading_gives_memory_of_its_own_that_can_be_changed(tmp_path):
    path = tmp_path / "w.pt"
    torch.save(torch.arange(4), path)
    first, second, mapped = torch.load(path), torch.load(path), torch.load(path, mmap=True)
    first[0] = 9
    mapped[1] = 7
    assert second.tolist() == [0, 1, 2, 3] == torch.load(path, mmap=True).tolist()


def test_the_same_content_is_the_same_file():
    assert saved({"a": torch.ones(3)}) == saved({"a": torch.ones(3)})


def test_streams_that_cannot_seek_are_written(tmp_path):
    class Pipe(io.RawIOBase):
        data = b""

        def writable(self):
            return True

        def write(self, part):
            Pipe.data += bytes(part)
            return len(part)

    torch.save({"w": torch.arange(3)}, Pipe())
    assert torch.load(io.BytesIO(Pipe.data))["w"].tolist() == [0, 1, 2]


def test_big_endian_files():
    data = saved(torch.tensor([1.0, 2.0]))
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        pkl = source.read("archive/data.pkl")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("archive/data.pkl", pkl)
        out.writestr("archive/byteorder", "big")
        out.writestr("archive/data/0", struct.pack(">2f", 1.0, 2.0))
    file.seek(0)
    assert torch.load(file).tolist() == [1.0, 2.0]


# -- what may be loaded ----------------------------------------------------------------------------


def test_a_class_can_be_allowed():
    value = {"f": fractions.Fraction(1, 3), "o": Own([1, torch.ones(1)])}
    with pytest.raises(pickle.UnpicklingError, match=r"add_safe_globals\(\[fractions.Fraction\]\)"):
        again(value)
    with torch.serialization.safe_globals([fractions.Fraction, Own]):
        assert again(value)["f"] == value["f"]
        assert again(value)["o"].value[0] == 1
    with pytest.raises(pickle.UnpicklingError):
        again(value)
    names = torch.serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(saved(value)))
    assert names == sorted(["fractions.Fraction", f"{Own.__module__}.Own"])


HOSTILE = {
    "os.system": lambda: Call(os.system, "echo run"),
    "eval": lambda: Call(builtins.eval, "note()"),
    "exec": lambda: [1, {"a": Call(builtins.exec, "raise SystemExit")}],
    "getattr": lambda: Call(getattr, "", "join"),
    "nested": lambda: {"w": torch.ones(1), "x": [(Call(note, 1),)]},
    "a function of ours": lambda: Call(note, 1),
    "a subprocess": lambda: Call(subprocess.Popen, ["true"]),
    "an object": lambda: Own(1),
    "a file": lambda: Call(open, "/tmp/never", "w"),
    "a call of a tensor's class": lambda: Call(torch.Tensor, 3),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_is_run(name):
    RAN.clear()
    for data in (
        archive(pickle.dumps(HOSTILE[name](), protocol=2)),
        archive(pickle.dumps(HOSTILE[name](), protocol=4)),
        pickle.dumps(HOSTILE[name](), protocol=2),  # as an old file
    ):
        with pytest.raises(pickle.UnpicklingError, match="BytesIO"):
            torch.load(io.BytesIO(data))
    assert not RAN


def test_even_what_is_allowed_cannot_be_os():
    data = archive(pickle.dumps(Call(os.system, "true"), protocol=2))
    with (
        torch.serialization.safe_globals([(os.system, "posix.system")]),
        pytest.raises(pickle.UnpicklingError, match="nothing of that module"),
    ):
        torch.load(io.BytesIO(data))


ORDERED = b"ccollections\nOrderedDict\n"
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"
STORAGE = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu"


def rebuilt(numel, offset, size, stride):
    """A pickle of one tensor with any numbers in it."""
    number = lambda n: b"\x8a\x09" + n.to_bytes(9, "little", signed=True)  # noqa: E731
    many = lambda ns: b"(" + b"".join(map(number, ns)) + b"t"  # noqa: E731
    body = STORAGE + number(numel) + b"tQ" + number(offset) + many(size) + many(stride)
    return b"\x80\x02" + REBUILD + b"(" + body + b"\x89" + ORDERED + b")RtR."


PROGRAMS = {
    "state of a class": b"\x80\x02" + ORDERED + b"}X\x01\x00\x00\x00aK\x01sb.",
    "state of a function": b"\x80\x02" + REBUILD + b"}X\x01\x00\x00\x00aK\x01sb.",
    "state of a list": b"\x80\x02]}b.",
    "call of a number": b"\x80\x02K\x01)R.",
    "call of a dict": b"\x80\x02})R.",
    "object of a function": b"\x80\x02" + REBUILD + b")\x81.",
    "append to a dict": b"\x80\x02}K\x01a.",
    "item of a list": b"\x80\x02]K\x01K\x02s.",
    "compressed bytes": b"\x80\x02c_codecs\nencode\n(X\x01\x00\x00\x00xX\x03\x00\x00\x00zipt"
    + b"R.",
    "vast bytearray": b"\x80\x02cbuiltins\nbytearray\n\x8a\x06\x00\x00\x00\x00\x00\x01\x85R.",
    "vast text": b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fa.",
    "not on the stack": b"\x80\x02R.",
    "not in the memo": b"\x80\x02h\x07.",
    "no mark": b"\x80\x02t.",
    "no end": b"\x80\x02]",
    "nothing": b"",
    "unknown instruction": b"\x80\x02\xff.",
    "import of an extension": b"\x80\x02\x82\x01.",
    "instance the old way": b"\x80\x02(ios\nsystem\n.",
    "object the old way": b"\x80\x02(cos\nsystem\no.",
    "unhashable": b"\x80\x02}]K\x01s.",
    "not UTF-8": b"\x80\x02X\x02\x00\x00\x00\xff\xfe.",
    "storage from nowhere": b"\x80\x02X\x04\x00\x00\x00fileQ.",
    "storage of another kind": b"\x80\x02(X\x06\x00\x00\x00moduleK\x01tQ.",
    "tensor of no storage": b"\x80\x02" + REBUILD + b"(]K\x00))\x89" + ORDERED + b")RtR.",
    "tensor beyond its storage": rebuilt(2, 1, [2], [1]),
    "tensor before its storage": rebuilt(2, -1, [1], [1]),
    "negative stride": rebuilt(2, 1, [2], [-1]),
    "negative size": rebuilt(2, 0, [-2], [1]),
    "vast size": rebuilt(2, 0, [2**60, 2**60], [0, 0]),
    "vast stride": rebuilt(2, 0, [2], [2**62]),
    "shape and stride": rebuilt(2, 0, [2, 1], [1]),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_pickles_that_no_library_writes(name):
    data = archive(PROGRAMS[name], records=[("data/0", b"\x00" * 8)])
    with pytest.raises(pickle.UnpicklingError, match="BytesIO"):
        torch.load(io.BytesIO(data))
    assert not hasattr(collections.OrderedDict, "a")


def test_the_hand_written_pickle_is_right_where_it_should_be():
    data = archive(rebuilt(2, 1, [1], [1]), records=[("data/0", struct.pack("<2f", 3, 4))])
    assert torch.load(io.BytesIO(data)).tolist() == [4.0]


SIZES = {
    "shorter": (2, b"\x00" * 4),
    "longer": (2, b"\x00" * 80),
    "a bomb": (10**15, b"\x00" * 8),
    "negative": (-2, b""),
}


@pytest.mark.parametrize("name", SIZES)
def test_records_of_the_wrong_size(name):
    numel, content = SIZES[name]
    data = archive(rebuilt(numel, 0, [1], [1]), records=[("data/0", content)])
    with pytest.raises((RuntimeError, pickle.UnpicklingError), match="BytesIO"):
        torch.load(io.BytesIO(data))


def test_compressed_records_are_not_unpacked(tmp_path):
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a/data.pkl", rebuilt(1 << 22, 0, [1], [1]))
        out.writestr("a/data/0", b"\x00" * (1 << 24))
    for mmap in (False, True):
        with pytest.raises(RuntimeError, match=r"bomb.pt.*compressed.*zip -0"):
            torch.load(path, mmap=mmap)


def test_names_that_climb_lead_nowhere(tmp_path):
    data = archive(rebuilt(2, 0, [1], [1]), records=[("data/0/../../../../../tmp/x", b"")])
    with pytest.raises(RuntimeError, match="no record 'data/0'"):
        torch.load(io.BytesIO(data))
    assert list(tmp_path.iterdir()) == []


def test_every_cut_of_a_file_is_noticed():
    data = saved({"w": torch.arange(5.0), "n": [1, "a"]})
    for end in range(len(data)):
        with pytest.raises((RuntimeError, EOFError, pickle.UnpicklingError), match="BytesIO"):
            torch.load(io.BytesIO(data[:end]))


def test_damaged_numbers_are_noticed(tmp_path):
    data = bytearray(saved(torch.arange(100.0)))
    at = data.index(struct.pack("<f", 42.0))
    data[at] ^= 1
    with pytest.raises(RuntimeError, match=r"checksum of record 'data/0'"):
        torch.load(io.BytesIO(bytes(data)))
    serialization.set_crc32_options(False)
    try:
        assert torch.load(io.BytesIO(bytes(data)))[41].item() == 41.0
    finally:
        serialization.set_crc32_options(True)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_any_damage_loads_or_says_so(changes):
    data = bytearray(saved({"w": torch.arange(6.0).reshape(2, 3).t(), "n": [1, "a", {"b": 2.5}]}))
    for place, value in changes:
        data[place % len(data)] = value
    serialization.set_crc32_options(False)
    try:
        torch.load(io.BytesIO(bytes(data)))
    except (RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        assert "BytesIO" in str(error) or "restore data location" in str(error)
    finally:
        serialization.set_crc32_options(True)


def test_deep_pickles():
    deep = b"\x80\x02" + b"]" * 50_000 + b"a" * 49_999 + b"."
    found, depth = torch.load(io.BytesIO(archive(deep))), 0
    while found:
        found, depth = found[0], depth + 1
    assert depth == 49_999
    value = []
    for _ in range(5000):
        value = [value]
    with pytest.raises(RecursionError, match="nested deeper"):
        saved(value)


def test_old_files_that_lie():
    numbers = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
    head = b"".join(pickle.dumps(n, protocol=2) for n in numbers)
    vast = b"\x80\x02" + STORAGE + b"\x8a\x06\x00\x00\x00\x00\x00\x01NtQ."
    with pytest.raises(pickle.UnpicklingError, match="larger than the file"):
        torch.load(io.BytesIO(head + vast))
    with pytest.raises(pickle.UnpicklingError, match="version"):
        torch.load(io.BytesIO(pickle.dumps(numbers[0], 2) + pickle.dumps(7, 2)))


@pytest.mark.parametrize("junk", [b"", b"PK\x03\x04", b"hello", b"\x00" * 100, b"\x80\x02."])
def test_no_file_at_all(junk, tmp_path):
    path = tmp_path / "junk.pt"
    path.write_bytes(junk)
    with pytest.raises((EOFError, RuntimeError, pickle.UnpicklingError), match=r"junk\.pt"):
        torch.load(path)


# -- never half a file -----------------------------------------------------------------------------


def test_a_path_is_replaced_whole(tmp_path):
    path = tmp_path / "w.pt"
    torch.save(torch.ones(2), path)
    path.chmod(0o640)
    old = path.read_bytes()
    with pytest.raises((pickle.PicklingError, TypeError, AttributeError)):
        torch.save({"w": torch.ones(2), "f": lambda: 1}, path)
    assert path.read_bytes() == old
    torch.save(torch.zeros(3), str(path))
    assert torch.load(path).tolist() == [0.0, 0.0, 0.0]
    assert [p.name for p in tmp_path.iterdir()] == ["w.pt"]
    assert path.stat().st_mode & 0o777 == 0o640


FULL = """
import resource, signal, sys
import tensor_core as torch
path = sys.argv[1]
torch.save(torch.ones(4), path)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    torch.save(torch.ones(100_000), path)
except OSError as error:
    print(error.strerror)
"""


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "w.pt"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True
    )
    assert "w.pt" in done.stdout and "what was there before is unchanged" in done.stdout
    assert torch.load(path).tolist() == [1.0] * 4
    assert [p.name for p in tmp_path.iterdir()] == ["w.pt"]


def test_links_stay_links(tmp_path):
    (tmp_path / "real.pt").touch()
    (tmp_path / "link.pt").symlink_to(tmp_path / "real.pt")
    torch.save(torch.ones(1), tmp_path / "link.pt")
    assert (tmp_path / "link.pt").is_symlink()
    assert torch.load(tmp_path / "real.pt").tolist() == [1.0]

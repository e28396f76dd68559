"""Numbers for TensorBoard: scalars in its own event files, written without it.

An event file is a row of records, each its length, its bytes and their checksums (CRC-32C); the
bytes are protocol buffers, of which a scalar needs four fields. Images, histograms, graphs, audio
and the like are accepted and not written.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from typing import Any

from .._tensor import Tensor

__all__ = ["SummaryWriter"]


def _table() -> list[int]:
    found = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)  # Castagnoli's polynomial, reversed
        found.append(n)
    return found


_TABLE = _table()


def _checksum(data: bytes) -> bytes:
    """CRC-32C, masked as in these files, so that checksums of checksums stay apart."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def _varint(n: int) -> bytes:
    out = bytearray()
    n &= (1 << 64) - 1
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def _bytes(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _event(wall: float, step: int | None, body: bytes) -> bytes:
    count = b"" if step is None else _varint(2 << 3) + _varint(step)
    return struct.pack("<Bd", 1 << 3 | 1, wall) + count + body


def _number(value: Any) -> float:
    return float(value.item() if isinstance(value, Tensor) or hasattr(value, "item") else value)


class SummaryWriter:
    """Writes scalars to ``log_dir``, where TensorBoard finds them; accepts the rest.

    >>> import tempfile
    >>> with SummaryWriter(tempfile.mkdtemp()) as writer:
    ...     writer.add_scalar("loss", 0.5, 1)
    """

    def __init__(
        self,
        log_dir: Any = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
    ) -> None:
        if not log_dir:
            now = time.strftime("%b%d_%H-%M-%S")
            log_dir = os.path.join("runs", f"{now}_{socket.gethostname()}{comment}")
        self.log_dir = str(log_dir)
        self._suffix = filename_suffix
        self._others: dict[str, SummaryWriter] = {}
        os.makedirs(self.log_dir, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}.0"
        self._file = open(os.path.join(self.log_dir, name + filename_suffix), "ab")  # noqa: SIM115
        self._record(_event(time.time(), None, _bytes(3, b"brain.Event:2")))

    def _record(self, data: bytes) -> None:
        length = struct.pack("<Q", len(data))
        self._file.write(length + _checksum(length) + data + _checksum(data))

    def get_logdir(self) -> str:
        """The folder written to."""
        return self.log_dir

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Write one number under a name."""
        value = _bytes(1, tag.encode()) + struct.pack("<Bf", 2 << 3 | 5, _number(scalar_value))
        when = time.time() if walltime is None else walltime
        self._record(_event(when, global_step, _bytes(5, _bytes(1, value))))

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: dict[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Write several numbers, each in a folder of its own, so that they share a plot."""
        for tag, value in tag_scalar_dict.items():
            place = os.path.join(self.log_dir, f"{main_tag.replace('/', '_')}_{tag}")
            if place not in self._others:
                self._others[place] = SummaryWriter(place, filename_suffix=self._suffix)
            self._others[place].add_scalar(main_tag, value, global_step, walltime)

    def _accept(self, *args: Any, **kwargs: Any) -> None:
        """Accepted, and not written: only scalars are."""

    add_tensor = add_histogram = add_histogram_raw = add_image = add_images = _accept
    add_image_with_boxes = add_figure = add_video = add_audio = add_text = add_graph = _accept
    add_embedding = add_pr_curve = add_pr_curve_raw = add_mesh = add_hparams = _accept
    add_custom_scalars = add_custom_scalars_marginchart = add_onnx_graph = _accept
    add_custom_scalars_multilinechart = _accept

    def flush(self) -> None:
        """Make sure that all is in the files."""
        for writer in (self, *self._others.values()):
            writer._file.flush()

    def close(self) -> None:
        """Finish the files."""
        for writer in (self, *self._others.values()):
            writer._file.close()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

"""A contestant in a process of its own, which works only while it is asked to.

Two engines in one process would share, and fight over, the cores with their thread pools, and the
second to be imported would find the first one's settings. So each lives in a child process that
answers one request at a time: "do n steps" -> "they took so many seconds".
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from types import TracebackType
from typing import Any, Self

SETTLE = 0.05  # seconds; thread pools spin for some milliseconds after their last work


class Child:
    """A running ``python -m benchmarks.worker`` that prepared ``task`` and waits for requests."""

    def __init__(
        self,
        task: str,
        engine: str,
        threads: int,
        parameters: dict[str, int] | None = None,
        kernels: str = "numpy",
        blas: str = "numpy",
    ) -> None:
        request: dict[str, Any] = {"task": task, "engine": engine, "threads": threads}
        request["parameters"] = parameters or {}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", json.dumps(request)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ
            | thread_settings(threads)
            | {"GRADINE_ENGINE": engine, "GRADINE_KERNELS": kernels, "GRADINE_BLAS": blas},
        )
        self.libraries: list[str] = self.answer()["libraries"]

    def seconds(self, steps: int) -> float:
        """Have it take ``steps`` steps now; return the seconds they took, by its own clock."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        taken = float(self.answer()["seconds"])
        time.sleep(SETTLE)
        return taken

    def answer(self) -> dict[str, Any]:
        """Read one line of JSON from it; raise RuntimeError when it ended instead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            raise RuntimeError(f"the worker {self.process.args!r} ended with exit code {code}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()  # the worker ends when nothing can be asked any more
        self.process.wait()
        self.process.stdout.close()


def thread_settings(threads: int) -> dict[str, str]:
    """Return the environment in which every library of a child starts with ``threads`` threads."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    return dict.fromkeys(names, str(threads))

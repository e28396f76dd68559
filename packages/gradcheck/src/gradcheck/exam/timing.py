"""How long gradcheck takes on everyday rules, beside torch's gradcheck where it is installed.

The measuring happens in a process of its own, in which BLAS and torch have one thread.
"""

import importlib.util
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from gradcheck.check import check_vjp
from gradcheck.exam.everyday import everyday
from gradcheck.exam.judges import peer_torch, quiet
from gradcheck.exam.rule import Rule

SIZES = ((100, "slow"), (10_000, "fast"))
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
TURNS = 7


def measured(turns: int = TURNS) -> dict[str, Any]:
    """Times of all rules, taken by a child process with one thread."""
    environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
    command = [sys.executable, "-m", "gradcheck.exam.timing", str(turns)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def measure(turns: int) -> dict[str, Any]:
    """Time every rule in this process; the rows hold medians in seconds."""
    with_torch = importlib.util.find_spec("torch") is not None
    threads = _one_thread() if with_torch else None
    rows = []
    for size, mode in SIZES:
        for rule in everyday(size):
            row = {"rule": rule.name, "elements": size, "torch mode": mode}
            rows.append({**row, **_medians(_contestants(rule, mode, with_torch), turns)})
    return {"turns": turns, "torch threads": threads, "rows": rows, "means": means(rows)}


def _one_thread() -> int:
    """Hold torch to one thread; returns how many it has."""
    import torch

    torch.set_num_threads(1)
    return int(torch.get_num_threads())


def _contestants(rule: Rule, mode: str, with_torch: bool) -> dict[str, Callable[[], Any]]:
    ours = {"gradcheck": lambda: check_vjp(rule.f, rule.rule(), rule.point())}
    if not with_torch:
        return ours
    return {**ours, "torch": lambda: peer_torch.judge(rule, fast=mode == "fast")}


def _medians(contestants: dict[str, Callable[[], Any]], turns: int) -> dict[str, float]:
    """Median seconds of turns taken in rotation, after one turn that does not count."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    with quiet():
        for turn in range(turns + 1):
            for name, run in contestants.items():
                start = time.perf_counter()
                run()
                if turn:
                    times[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in times.items()}


def means(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Torch's time over gradcheck's: the geometric mean, and of the sums, for each size.

    >>> rows = [{"elements": 9, "torch mode": "slow", "gradcheck": 1.0, "torch": 4.0}]
    >>> means(rows)[0]["geometric mean"], means(rows)[0]["total"]
    (4.0, 4.0)
    """
    found = []
    for size, mode in dict.fromkeys((row["elements"], row["torch mode"]) for row in rows):
        mine = [row for row in rows if row["elements"] == size and "torch" in row]
        if mine:
            logs = [math.log(row["torch"] / row["gradcheck"]) for row in mine]
            total = sum(row["torch"] for row in mine) / sum(row["gradcheck"] for row in mine)
            mean = math.exp(sum(logs) / len(logs))
            found.append(
                {"elements": size, "torch mode": mode, "geometric mean": mean, "total": total}
            )
    return found


def table(result: dict[str, Any]) -> list[tuple[str, ...]]:
    """Rows of text, headings first; ratios above 1 where gradcheck is faster."""
    rows: list[tuple[str, ...]] = [("rule", "elements", "gradcheck", "torch", "torch / gradcheck")]
    for row in result["rows"]:
        ours = f"{1e3 * row['gradcheck']:.2f} ms"
        theirs = f"{1e3 * row['torch']:.2f} ms ({row['torch mode']})" if "torch" in row else "—"
        ratio = f"{row['torch'] / row['gradcheck']:.2f}" if "torch" in row else "—"
        rows.append((row["rule"], str(row["elements"]), ours, theirs, ratio))
    for mean in result["means"]:
        size, mode = str(mean["elements"]), mean["torch mode"]
        rows.append(("geometric mean", size, "", mode, f"{mean['geometric mean']:.2f}"))
        rows.append(("total", size, "", mode, f"{mean['total']:.2f}"))
    return rows


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else TURNS)))

"""``python -m benchmarks [--json FILE] [--markdown FILE] [--quick] [--only WORD]``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks import gpt, overhead, scalar_step
from benchmarks.alternate import Times, alternate
from benchmarks.child import Child
from benchmarks.machine import machine, usable_cores, version_of
from benchmarks.report import Row, print_table, to_json, to_markdown

TRAINING = "One training step of a GPT: forward, backward, clip, AdamW (float32)"
OVERHEAD = "One small operation, one thread"
SCALAR = "Scalars: one training step of MLP(2, [16, 16, 1]) on 100 points"


# What tensor_core computes with: label, GRADINE_KERNELS, GRADINE_BLAS.
VARIANTS = [("NumPy kernels", "numpy", "numpy"), ("Numba kernels", "numba", "numpy")]
if version_of("mkl"):
    VARIANTS.append(("Numba kernels, MKL products", "numba", "mkl"))


def training_rows(label: str, turns: int) -> Iterator[Row]:
    """Time one size of GPT on torch and on tensor_core with each set of kernels."""
    cores, size = usable_cores(), gpt.SIZES[label]
    with ExitStack() as stack:
        ours = [
            stack.enter_context(Child("gpt", "tensor_core", cores, size, kernels, blas))
            for _, kernels, blas in VARIANTS
        ]
        torch = stack.enter_context(Child("gpt", "torch", cores, size))
        times = alternate([child.seconds for child in (*ours, torch)], turns)
    for (name, *_), child, its_times in zip(VARIANTS, ours, times, strict=False):
        pools = {f"Gradine, {name}": child.libraries, "torch": torch.libraries}
        yield Row(TRAINING, f"{label}, {name}", its_times, times[-1], "torch", pools)


def overhead_row(task: str, turns: int) -> Row:
    """Time one small operation on tensor_core and on torch, with one thread each."""
    with Child(task, "tensor_core", 1) as ours, Child(task, "torch", 1) as torch:
        our_times, torch_times = alternate([ours.seconds, torch.seconds], turns)
        pools = {"Gradine": ours.libraries, "torch": torch.libraries}
    return Row(OVERHEAD, task, our_times, torch_times, "torch", pools)


def scalar_row(turns: int) -> Row:
    """Time a training step on scalar_value and on micrograd, both in this process."""
    seen = scalar_step.run(turns)
    ours, theirs = (Times((seen[key] / 1e3,)) for key in ("ours_ms", "peer_ms"))
    return Row(SCALAR, seen["name"], ours, theirs, "micrograd")


def measure(only: str, turns: int) -> list[Row]:
    """Return the rows of the tasks that contain ``only``, telling of each when it is done."""
    rows = []
    for label in gpt.SIZES:
        if only in label:
            rows += [told(row) for row in training_rows(label, turns)]
    rows += [told(overhead_row(task, turns)) for task in overhead.TASKS if only in task]
    if only in SCALAR:
        rows.append(told(scalar_row(turns)))
    return rows


def told(row: Row) -> Row:
    """Tell the row's ratio on stderr, since the table comes only at the end; return the row."""
    print(f"{row.task}: {row.ratio:.2f}", file=sys.stderr, flush=True)
    return row


def main() -> None:
    """Measure, print, and write the files asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every turn to FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page to FILE")
    parser.add_argument("--quick", action="store_true", help="5 turns each instead of 25")
    parser.add_argument("--only", default="", metavar="WORD", help="tasks containing WORD")
    options = parser.parse_args()
    here = machine()
    if (here["busy"] or 0) > 0.3:
        print("other work is running: nothing measured now is worth keeping", file=sys.stderr)
    rows = measure(options.only, turns=5 if options.quick else 25)
    print_table(here, rows)
    if options.json:
        options.json.write_text(json.dumps(to_json(here, rows), indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(to_markdown(here, rows))


if __name__ == "__main__":
    main()

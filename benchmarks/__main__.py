"""``python -m benchmarks [--json FILE] [--markdown FILE] [--quick] [--only WORD]``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks import gpt, overhead
from benchmarks.alternate import alternate
from benchmarks.child import Child
from benchmarks.machine import machine, usable_cores
from benchmarks.report import Row, print_table, to_json, to_markdown

TRAINING = "One training step of a GPT: forward, backward, clip, AdamW (float32)"
OVERHEAD = "One small operation, one thread"


def against_torch(
    group: str, label: str, task: str, threads: int, turns: int, **parameters: object
) -> Row:
    """Time ``task`` on tensor_core and on torch, each in its own process."""
    with (
        Child(task, "tensor_core", threads, **parameters) as ours,
        Child(task, "torch", threads, **parameters) as torch,
    ):
        our_times, torch_times = alternate([ours.seconds, torch.seconds], turns)
        pools = {"tensor_core": ours.libraries, "torch": torch.libraries}
    return Row(group, label, our_times, torch_times, peer="torch", threads=pools)


def measure(only: str, turns: int) -> list[Row]:
    """Return the rows whose group or task contains ``only``."""
    rows = []
    for label, size in gpt.SIZES.items():
        if only in f"{TRAINING} {label}":
            cores = usable_cores()
            rows.append(against_torch(TRAINING, label, "gpt", cores, turns, **size))
            progress(rows[-1])
    for task in overhead.TASKS:
        if only in f"{OVERHEAD} {task}":
            rows.append(against_torch(OVERHEAD, task, task, 1, turns))
            progress(rows[-1])
    return rows


def progress(row: Row) -> None:
    """Tell that a row is done, on stderr, since some take half a minute."""
    print(f"{row.task}: {row.ratio:.2f}", file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print, and write the files asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every turn to FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page to FILE")
    parser.add_argument("--quick", action="store_true", help="5 turns each instead of 25")
    parser.add_argument("--only", default="", metavar="WORD", help="rows containing WORD")
    options = parser.parse_args()
    rows = measure(options.only, turns=5 if options.quick else 25)
    here = machine()
    print_table(here, rows)
    if options.json:
        options.json.write_text(json.dumps(to_json(here, rows), indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(to_markdown(here, rows))


if __name__ == "__main__":
    main()

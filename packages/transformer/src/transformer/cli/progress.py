"""How far something is: a bar on a terminal; of training, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from transformer.train.metrics import Record
from transformer.train.units import bits_per_byte, perplexity_of

AFTER = 1.0  # seconds that go without a bar


def loss_in_words(loss: float, bytes_per_token: float | None) -> str:
    """Say a loss in nats per token, as perplexity, and in bits per byte where that is known.

    >>> loss_in_words(1.386, bytes_per_token=1.0)
    '1.386 (perplexity 4, 2.00 bits per byte)'
    """
    bits = f", {bits_per_byte(loss, bytes_per_token):.2f} bits per byte" if bytes_per_token else ""
    return f"{loss:.3f} (perplexity {perplexity_of(loss):.3g}{bits})"


class TrainingProgress:
    """Hears every record of a run and shows it on standard error, until closed."""

    def __init__(self, start: int, goal: int, bytes_per_token: float | None, quiet: bool) -> None:
        self.goal, self.bytes_per_token, self.quiet = goal, bytes_per_token, quiet
        self.loss, self.speed = float("nan"), 0.0
        self.console = Console(stderr=True, highlight=False, quiet=quiet)
        self.bar: Progress | None = None
        if self.console.is_terminal and not quiet:
            self.bar = _bar(self.console)
            self.task = self.bar.add_task("", total=goal, completed=start, loss="", speed="")
            self.bar.start()

    def __call__(self, record: Record) -> None:
        """Show one step's record."""
        if "loss" in record:
            first = self.loss != self.loss
            self.loss = record["loss"] if first else 0.9 * self.loss + 0.1 * record["loss"]
            speed = record["tokens_per_s"]
            self.speed = speed if first else 0.9 * self.speed + 0.1 * speed
        if self.bar:
            shown = {"loss": f"{self.loss:.3f}", "speed": f"{self.speed:,.0f}"}
            self.bar.update(self.task, completed=record["step"], **shown)
        if "val_loss" in record:
            self._line(record)

    def close(self) -> None:
        """Take the bar away."""
        if self.bar:
            self.bar.stop()

    def _line(self, record: dict[str, Any]) -> None:
        held_out = loss_in_words(record["val_loss"], self.bytes_per_token)
        parts = [f"step {record['step']}/{self.goal}"]
        if "loss" in record:
            parts.append(f"loss {self.loss:.3f}")
        parts.append(f"held out {held_out}")
        if "loss" in record:
            parts.append(f"{self.speed:,.0f} tokens/s")
        if self.bar:
            self.console.print("  ".join(parts))
        elif not self.quiet:
            print("  ".join(parts), file=sys.stderr, flush=True)


@contextmanager
def counting(
    total: int | None, unit: str, quiet: bool = False, doing: str = ""
) -> Iterator[Callable[[int], None]]:
    """Yield what is told how many of ``total`` are done; shows a bar on a terminal after a second.

    ``unit`` is what is counted; ``"bytes"`` are shown with their speed, and in larger units.

    >>> with counting(10, "tokens") as done:
    ...     done(10)
    """
    console = Console(stderr=True, quiet=quiet)
    columns = [TextColumn(doing)] if doing else []
    bar = Progress(
        *(*columns, *_count_columns(unit), BarColumn(bar_width=None), TimeRemainingColumn()),
        console=console,
        transient=True,
        refresh_per_second=4,
    )
    task, begun = bar.add_task("", total=total), time.monotonic()

    def told(completed: int) -> None:
        bar.update(task, completed=completed)
        if console.is_terminal and not bar.live.is_started and time.monotonic() - begun > AFTER:
            bar.start()

    try:
        yield told
    finally:
        if bar.live.is_started:
            bar.stop()


def _count_columns(unit: str) -> list[ProgressColumn]:
    if unit == "bytes":
        return [DownloadColumn(), TransferSpeedColumn()]
    return [TextColumn(f"{{task.completed:,.0f}}/{{task.total:,.0f}} {unit}")]


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("step {task.completed}/{task.total}"),
        BarColumn(bar_width=None),
        TextColumn("loss {task.fields[loss]}"),
        TextColumn("{task.fields[speed]} tokens/s"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        refresh_per_second=4,  # the bar's thread competes with the training
    )

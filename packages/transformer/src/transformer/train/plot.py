"""A picture of how the loss fell, from the histories of one or more runs."""

from collections.abc import Sequence
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from typing import Any

from transformer.train.metrics import METRICS, Record, read_metrics

_SMOOTHING = 60  # the drawn mean reaches over this part of a run to either side
_COLOURS = ("#1f5fa8", "#c8501e", "#2f8f4e", "#8a4fb0", "#9a7b00", "#5b6670")


def can_plot() -> bool:
    """Tell whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def plot_runs(runs: Sequence[str | Path], path: str | Path) -> None:
    """Draw training and held-out loss of the runs in these folders into a PNG, SVG or PDF file.

    The training loss is drawn twice: every step, faintly, and its mean over neighbours. Below it
    stand the gradient's norm and the learning rate, where the histories tell them. Raises
    ``ModuleNotFoundError`` naming the extra when matplotlib is missing, ``ValueError`` when a run
    has no history or the picture's kind is unknown.
    """
    if not can_plot():
        raise ModuleNotFoundError(
            'plotting needs matplotlib: pip install "gradine-transformer[plot]"'
        )
    from matplotlib.figure import Figure  # draws into files without any display

    if Path(path).suffix.lower() not in (".png", ".svg", ".pdf"):
        raise ValueError(f"{path}: a picture's name must end in .png, .svg or .pdf")
    histories = [_history(run) for run in runs]
    told = any("grad_norm" in record for records in histories for record in records)
    figure = Figure(figsize=(8, 5), dpi=120, layout="constrained")
    heights = [3, 1] if told else [1]
    rows = figure.subplots(len(heights), sharex=True, squeeze=False, height_ratios=heights)
    axes, *below = rows[:, 0]
    rates = below[0].twinx() if told else None
    for index, (run, records) in enumerate(zip(runs, histories, strict=True)):
        name = f"{Path(run).name}: " if len(runs) > 1 else ""
        colour = _COLOURS[index % len(_COLOURS)]
        _draw(axes, records, name, colour, colour if name else _COLOURS[1])
        if told:
            _draw_below(below[0], rates, records, colour)
    title = Path(runs[0]).resolve().name if len(runs) == 1 else "Loss by run"
    axes.set(title=title, ylabel="loss (nats per token)")
    axes.set_xlim(left=0)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)
    if rates:
        rates.set_ylim(bottom=0)
    [axes, *below][-1].set_xlabel("step")
    figure.savefig(path)


def _draw_below(axes: Any, rates: Any, records: list[Record], colour: str) -> None:
    """Draw the gradient's norm, on a scale of powers of ten, and the learning rate, dotted."""
    told = [r for r in records if "grad_norm" in r]
    steps = [r["step"] for r in told]
    axes.plot(steps, [r["grad_norm"] for r in told], color=colour, linewidth=0.9)
    rates.plot(steps, [r["lr"] for r in told], color=colour, linestyle=":")
    axes.set(ylabel="gradient norm", yscale="log")
    axes.grid(alpha=0.25)
    rates.set_ylabel("learning rate (dotted)")


def _history(run: str | Path) -> list[Record]:
    path = Path(run) / METRICS if Path(run).is_dir() else Path(run)
    records = read_metrics(path)
    if not records:
        raise ValueError(f"{run} has no history to draw: there is no {METRICS} with a step in it")
    return records


def _draw(axes: Any, records: list[Record], name: str, colour: str, held_out_colour: str) -> None:
    steps = [r["step"] for r in records if "loss" in r]
    losses = [r["loss"] for r in records if "loss" in r]
    if steps:
        axes.plot(steps, losses, color=colour, alpha=0.25, linewidth=0.7)
        axes.plot(
            steps,
            _local_mean(losses, len(losses) // _SMOOTHING),
            color=colour,
            label=f"{name}training",
        )
    held_out = [(r["step"], r["val_loss"]) for r in records if "val_loss" in r]
    if held_out:
        best = min(loss for _, loss in held_out)
        style = {
            "color": held_out_colour,
            "linestyle": "--",
            "marker": "o",
            "markersize": 4,
            "clip_on": False,
        }
        axes.plot(*zip(*held_out, strict=True), label=f"{name}held out (best {best:.3f})", **style)


def _local_mean(losses: Sequence[float], reach: int) -> list[float]:
    """Return, for every step, the mean over it and up to ``reach`` steps on either side."""
    sums = [0.0, *accumulate(losses)]
    means = []
    for index in range(len(losses)):
        start, end = max(0, index - reach), min(len(losses), index + reach + 1)
        means.append((sums[end] - sums[start]) / (end - start))
    return means

"""``gradine plot``."""

from pathlib import Path
from typing import Annotated

import typer

from transformer.cli.options import examples


def plot(
    runs: Annotated[list[str], typer.Argument(help="The folders of one or more runs.")],
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", help="A .png, .svg or .pdf file (default RUN/loss.png)."),
    ] = None,
) -> None:
    """Draw how the loss fell, of one run or of several beside each other."""
    from transformer.train.plot import plot_runs

    path = out or (str(Path(runs[0]) / "loss.png") if len(runs) == 1 else "loss.png")
    plot_runs(runs, path)
    print(path)


plot.epilog = examples(  # type: ignore[attr-defined]
    "gradine plot demo-run",
    "gradine plot runs/gpt-1 runs/ngram-1 --out compare.svg",
)

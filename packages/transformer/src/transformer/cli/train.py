"""``gradine train``."""

import sys
import warnings
from pathlib import Path
from typing import Any

from transformer.cli.engine import choose_engine
from transformer.cli.flags import MODEL_FLAGS, RUN_FLAGS, names, with_flags
from transformer.cli.options import (
    PRESETS,
    Misuse,
    examples,
    free_folder,
    full_path,
    overlay,
    parse_settings,
    parse_workers,
)
from transformer.io.checkpoint import find_checkpoint, read_state
from transformer.train.config import TrainConfig, check_changes


@with_flags
def train(**typed: Any) -> int:
    """Train a language model on a text; then let it write."""
    typed = {name: value for name, value in typed.items() if value is not None}
    given = _settings(typed)
    if "resume" in typed:
        trainer = _resumed(given, typed)
    else:
        trainer = _begun(given, typed)
    return _run(trainer, typed.get("until"), typed.get("sample", 400), typed["quiet"])


train.epilog = examples(  # type: ignore[attr-defined]
    "gradine train --quick",
    "gradine train --text book.txt --out book",
    "gradine train --resume book --steps 4000",
    "gradine train --text names --model ngram --set context=4",
    "cat *.txt | gradine train --text - --n-layer 6 --n-embd 192",
)


def _settings(typed: dict[str, Any]) -> dict[str, Any]:
    """Return what was typed as TrainConfig names it."""
    of_model = names(MODEL_FLAGS)
    others = of_model | names(RUN_FLAGS) | {"set_"}
    given = {name: value for name, value in typed.items() if name not in others}
    inner = {name: value for name, value in typed.items() if name in of_model}
    inner |= parse_settings(typed.get("set_", []))
    if inner:
        given["model_settings"] = inner
    if "text" in given:
        given["text"] = full_path(given["text"])
    if "workers" in given:
        given["workers"] = parse_workers(given["workers"])
    return given


def _begun(given: dict[str, Any], typed: dict[str, Any]) -> Any:
    """Return the trainer of a new run."""
    choose_engine(typed.get("engine"))
    from transformer.train import Trainer

    preset = "quick" if typed["quick"] else typed.get("preset", "demo")
    try:
        base = TrainConfig.from_file(typed["config"]).to_dict() if "config" in typed else {}
        base.pop("out", None)  # a folder belongs to one run
        config = TrainConfig.from_dict(overlay(overlay(base, PRESETS[preset]), given))
    except ValueError as error:
        raise Misuse(str(error)) from None
    out = config.out or free_folder(config.model)
    if (Path(out) / "last.safetensors").exists() and not typed["overwrite"]:
        raise Misuse(
            f"{out} already holds a run: continue it with --resume {out}, replace it with "
            "--overwrite, or choose another --out"
        )
    try:
        return Trainer.from_config(TrainConfig.from_dict({**config.to_dict(), "out": out}))
    except (ValueError, TypeError) as error:  # of the model's settings, or the text's length
        raise Misuse(str(error)) from error


def _resumed(given: dict[str, Any], typed: dict[str, Any]) -> Any:
    """Return the trainer of a run begun earlier, on the engine it was begun with."""
    run = typed["resume"]
    if clash := {"overwrite", "quick", "preset", "config"} & {n for n, v in typed.items() if v}:
        raise Misuse(f"--resume goes on with the run's own settings; leave out --{min(clash)}")
    source = given.pop("text", None)
    try:
        check_changes(given)
    except ValueError as error:
        raise Misuse(str(error)) from None
    state = read_state(find_checkpoint(run, "last.safetensors"))
    choose_engine(typed.get("engine") or state["engine"])
    from transformer.data import load_text
    from transformer.train import Trainer

    text = load_text(source) if source else None
    return Trainer.resume(run, text=text, **given)


def _run(trainer: Any, until: int | None, sample: int, quiet: bool) -> int:
    """Train, showing progress; then picture and sample. Return the exit code."""
    from transformer.cli.progress import TrainingProgress, nats_and_bits
    from transformer.train import can_plot, plot_runs

    # NumPy's "invalid value encountered": that a loss is no number is said in better words.
    warnings.filterwarnings("ignore", category=RuntimeWarning)
    config, say = trainer.config, _say if not quiet else lambda line: None
    goal = min(config.steps, until or config.steps)
    if trainer.step >= config.steps:
        say(f"{config.out} has made its {config.steps} steps; more with --steps")
    say(_heading(trainer))
    progress = TrainingProgress(trainer.step, goal, trainer.characters_per_token, quiet)
    try:
        trainer.run(until, [progress])
    finally:
        progress.close()
    again = f"continue with: gradine train --resume {config.out}"
    if trainer.stopped_by:
        say(f"stopped at step {trainer.step} of {config.steps}, which is saved; {again}")
        return 128 + trainer.stopped_by
    if trainer.step < config.steps:
        say(f"step {trainer.step} of {config.steps} is saved; {again}")
    best = nats_and_bits(trainer.best_loss, trainer.characters_per_token)
    say(f"{trainer.elapsed:.0f} s; lowest loss on held-out text {best}; kept in {config.out}")
    if can_plot():
        plot_runs([config.out], Path(config.out) / "loss.png")
    if sample:
        _print_sample(trainer, sample)
    return 0


def _heading(trainer: Any) -> str:
    from transformer._engine import ENGINE

    config, workers = trainer.config, trainer.workers
    tokens = len(trainer.train_data) + len(trainer.val_data)
    return (
        f"{config.model}, {trainer.model.num_parameters():,} parameters; {config.text}, "
        f"{tokens:,} tokens, {trainer.tokenizer.vocab_size} distinct; {ENGINE}, "
        f"{workers} worker{'s' * (workers > 1)}; run {config.out}"
    )


def _print_sample(trainer: Any, length: int) -> None:
    from transformer import generate
    from transformer._engine import torch

    # A line break is a natural place to begin, where the text has any.
    start = "\n" if "\n" in trainer.tokenizer.decode(range(trainer.tokenizer.vocab_size)) else None
    first = start or trainer.tokenizer.decode(trainer.train_data[:1].tolist())
    torch.set_num_threads(1)  # as in ``generate``; nothing follows that would need more
    options = {"tokenizer": trainer.tokenizer, "seed": trainer.config.seed, "temperature": 0.8}
    print(generate(trainer.model, first, length, **options).lstrip("\n"))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

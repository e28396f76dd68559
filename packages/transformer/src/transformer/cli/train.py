"""``gradine train``."""

import json
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformer.cli.engine import choose_engine
from transformer.cli.flags import (
    MODEL_FLAGS,
    PANELS,
    RUN_FLAGS,
    SettingsCommand,
    names,
    with_flags,
)
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
from transformer.train.config import TrainConfig, check_changes
from transformer.train.rules import MADE


@with_flags(PANELS)
def train(**typed: Any) -> int:
    """Train a language model on a text; then let it write.

    Every setting is a flag, and stands in a file for --config by the same name (TOML or JSON):
    --batch-size 8 is batch_size = 8; the model's own settings stand in a table "model", and are
    flags as --model.NAME. The run's folder keeps them all in config.json.
    """
    typed = {name: value for name, value in typed.items() if value not in (None, [])}
    warn_in_one_line()
    given = settings_typed(typed)
    _check_together(given)
    trainer = resumed(given, typed) if "resume" in typed else _begun(given, typed)
    return train_and_tell(trainer, typed)


train.cls = SettingsCommand  # type: ignore[attr-defined]
train.epilog = examples(  # type: ignore[attr-defined]
    "gradine train --quick",
    "gradine train --text book.txt --out book --tokenizer bpe --vocab-size 2048",
    "gradine train --resume book --steps 4000",
    "gradine train --text names --model ngram --model.context 4",
    "gradine train --data tokens --optimizer muon --schedule wsd --ema 0.999",
    "gradine train --config book/config.json --lr 1e-3 --out again",
    "cat *.txt | gradine train --text - --n-layer 6 --n-embd 192",
)


def settings_typed(typed: dict[str, Any]) -> dict[str, Any]:
    """Return what was typed as TrainConfig names it."""
    of_model = names(MODEL_FLAGS)
    others = of_model | names(RUN_FLAGS) | {"set_"}
    given = {name: value for name, value in typed.items() if name not in others}
    inner = {name: value for name, value in typed.items() if name in of_model}
    inner |= parse_settings(typed.get("set_", []))
    if inner:
        given["model_settings"] = inner
    for name in {"text", "data", "init", "tokenizer"} & given.keys():
        given[name] = full_path(given[name])
    for name in {"optimizer", "schedule"} & given.keys():
        given[name] = str(given[name])
    if "workers" in given:
        given["workers"] = parse_workers(given["workers"])
    return given


def _check_together(given: dict[str, Any]) -> None:
    """Raise ``Misuse`` when one thing typed would go unheard beside another."""
    brings = "data" if "data" in given else "init" if "init" in given else None
    if "data" in given and "text" in given:
        raise Misuse("--data and --text are two things to learn from: give one of them")
    if brings and given.get("tokenizer") in MADE:
        raise Misuse(f"--{brings} brings its own tokenizer: leave out --tokenizer")
    if "init" in given and (clash := {"model", "model_settings"} & given.keys()):
        what = f"--{'model' if 'model' in clash else 'model.' + min(given['model_settings'])}"
        raise Misuse(f"--init brings a model of its own sizes: leave out {what}")
    if "lora_rank" not in given and (alone := {"lora_alpha", "lora_targets"} & given.keys()):
        raise Misuse(f"--{min(alone).replace('_', '-')} is about adapters: give --lora-rank too")
    if "vocab_size" in given and given.get("tokenizer", "bpe") != "bpe":
        raise Misuse("--vocab-size is what bpe learns; other tokenizers bring their own")


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
    check_free(out, typed["overwrite"])
    try:
        return Trainer.from_config(replace(config, out=out))
    except (ValueError, TypeError) as error:  # of the model's settings, or the text's length
        raise Misuse(str(error)) from error


def check_free(out: str, overwrite: bool) -> None:
    """Raise ``Misuse`` when the folder holds a run that nobody said to overwrite."""
    if os.environ.get("RANK", "0") != "0":  # under torchrun the main process may have begun it
        return
    if (Path(out) / "last.safetensors").exists() and not overwrite:
        raise Misuse(
            f"{out} already holds a run: continue it with --resume {out}, replace it with "
            "--overwrite, or choose another --out"
        )


def resumed(given: dict[str, Any], typed: dict[str, Any]) -> Any:
    """Return the trainer of a run begun earlier, on the engine it was begun with."""
    run = typed["resume"]
    if clash := {"overwrite", "quick", "preset", "config"} & {n for n, v in typed.items() if v}:
        raise Misuse(f"--resume goes on with the run's own settings; leave out --{min(clash)}")
    source = given.pop("text", None)
    moved = {"data": given.pop("data")} if "data" in given else {}
    try:
        check_changes(given)
    except ValueError as error:
        raise Misuse(str(error)) from None
    from transformer.io.checkpoint import LAST, find_checkpoint, read_state

    state = read_state(find_checkpoint(run, LAST))
    choose_engine(typed.get("engine") or state["engine"])
    from transformer.data import load_text
    from transformer.train import Trainer

    text = load_text(source) if source else None
    return Trainer.resume(run, text=text, **moved, **given)


def train_and_tell(trainer: Any, typed: Mapping[str, Any], sample: int = 400) -> int:
    """Train as was typed, showing progress; then picture and sample. Return the exit code."""
    from transformer.cli.progress import TrainingProgress
    from transformer.train import distributed

    main = distributed.is_main()
    quiet, as_json = typed["quiet"] or not main, typed["json"]
    config, say = trainer.config, _say if not quiet else lambda line: None
    until, sample = typed.get("until"), typed.get("sample", sample)
    goal = min(config.steps, until or config.steps)
    if trainer.step >= config.steps:
        say(f"{config.out} has made its {config.steps} steps; more with --steps")
    say(_heading(trainer))
    progress = TrainingProgress(trainer.step, goal, trainer.material.bytes_per_token, quiet)
    try:
        trainer.run(until, [progress])
    finally:
        progress.close()
    again = f"continue with: gradine train --resume {config.out}"
    if trainer.stopped_by:
        say(f"stopped at step {trainer.step} of {config.steps}, which is saved; {again}")
    elif main:
        _tell_the_end(trainer, say, again)
    if as_json and main:
        print(json.dumps(_facts(trainer), indent=2))
    elif sample and main and trainer.tokenizer and not trainer.stopped_by:
        _print_sample(trainer, sample)
    return 128 + trainer.stopped_by if trainer.stopped_by else 0


def _facts(trainer: Any) -> dict[str, Any]:
    """Return what came of a run, for programs."""
    config, best = trainer.config, trainer.scores(trainer.best_loss)
    return {
        "run": config.out,
        "step": trainer.step,
        "steps": config.steps,
        "stopped_early": trainer.stopped_early,
        "stopped_by_signal": trainer.stopped_by,
        "last_held_out_loss": trainer.val_loss,
        "best_held_out_loss": best["val_loss"],
        "best_perplexity": best["val_perplexity"],
        "best_bits_per_byte": best.get("val_bits_per_byte"),
        "window": config.block_size,
        "seconds": trainer.elapsed,
    }


def _tell_the_end(trainer: Any, say: Callable[[str], object], again: str) -> None:
    """Say how far training came and how well, and picture it."""
    from transformer.cli.progress import loss_in_words
    from transformer.train import can_plot, plot_runs

    config = trainer.config
    if trainer.stopped_early:
        evaluations = f"{trainer.since_best} evaluation{'s' * (trainer.since_best > 1)}"
        say(f"stopped at step {trainer.step}: no new best in {evaluations}")
    elif trainer.step < config.steps:
        say(f"step {trainer.step} of {config.steps} is saved; {again}")
    best = loss_in_words(trainer.best_loss, trainer.material.bytes_per_token)
    say(f"{trainer.elapsed:.0f} s; lowest loss on held-out text {best}; kept in {config.out}")
    if can_plot():
        plot_runs([config.out], Path(config.out) / "loss.png")


def _heading(trainer: Any) -> str:
    from transformer._engine import ENGINE

    config, workers, material = trainer.config, trainer.workers, trainer.material
    all_, learned = trainer.model.num_parameters(), sum(p.numel() for p in trainer.trained())
    share = "" if learned == all_ else f" ({learned:,} of them trained)"
    return (
        f"{config.model}, {all_:,} parameters{share}; {config.data or config.text}, "
        f"{material.tokens:,} tokens of {material.vocab_size:,} kinds; held out: "
        f"{sum(len(x) for x, _ in material.windows)} windows of {config.block_size} tokens; "
        f"{ENGINE}, {workers} worker{'s' * (workers > 1)}; run {config.out}"
    )


def _print_sample(trainer: Any, length: int) -> None:
    from transformer import generate
    from transformer._engine import torch

    tokenizer = trainer.tokenizer
    # A line break is a natural place to begin, where the text has any.
    first = "\n" if _knows(tokenizer, "\n") else tokenizer.decode([0])
    torch.set_num_threads(1)  # as in ``generate``; nothing follows that would need more
    options = {"tokenizer": tokenizer, "seed": trainer.config.seed, "temperature": 0.8}
    trainer.model.eval()
    print(generate(trainer.model, first, length, **options).lstrip("\n"))


def _knows(tokenizer: Any, text: str) -> bool:
    try:
        return bool(tokenizer.encode(text))
    except ValueError:
        return False


def warn_in_one_line() -> None:
    """Let warnings be lines like all others."""
    # NumPy's "invalid value encountered": that a loss is no number is said in better words.
    warnings.filterwarnings("ignore", category=RuntimeWarning)
    warnings.showwarning = lambda message, *_: _say(f"note: {message}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

"""``gradine finetune``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformer.cli.engine import Engine, choose_engine
from transformer.cli.flags import LEARNING, Flag, SettingsCommand, with_flags
from transformer.cli.options import Misuse, ModelArgument, examples, full_path
from transformer.cli.train import check_free, settings_typed, train_and_tell, warn_in_one_line
from transformer.train.config import TrainConfig

# Gentler than a run from nothing: the weights are good already.
DEFAULTS: dict[str, Any] = {
    "steps": 200,
    "batch_size": 8,
    "lr": 5e-4,
    "warmup_steps": 10,
    "weight_decay": 0.0,
    "eval_every": 50,
    "eval_batches": 4,
    "lora_rank": 8,
}
_LR_FULL = 5e-5  # all weights at once bear smaller steps than adapters do
_LONG = 256  # tokens; the context, unless the model's is shorter or another is asked for
PANELS = {
    "What is learned": [
        Flag("data", str, "Conversations (.jsonl), a text, or a folder of tokens", "FILE|DIR"),
        Flag("out", str, "Folder of the run", short="-o"),
        Flag("block_size", int, f"Tokens seen at once (default the model's, up to {_LONG})"),
        Flag("val_fraction", float, "Share held out"),
        Flag("full", bool, "Train every weight, not adapters"),
        Flag("lora_rank", int, "Width of the adapters", default=DEFAULTS["lora_rank"]),
        Flag("lora_alpha", float, "How much they count (default twice their width)"),
        Flag("lora_targets", list[str], "Layers that get one, such as q_proj; repeatable "
             "(default all linear layers but the output)", "NAME"),
        Flag("merge", bool, "At the end also write OUT/merged, which needs MODEL no more"),
    ],
    "Learning": [flag.with_default(DEFAULTS.get(flag.name)) for flag in LEARNING],
    "The run": [
        Flag("overwrite", bool, "Begin anew in a folder that holds a run"),
        Flag("until", int, "Stop and save after this many updates, to resume later"),
        Flag("engine", Engine, "What computes (default tensor_core)"),
        Flag("quiet", bool, "Print nothing", short="-q"),
        Flag("json", bool, "At the end print the result for programs"),
        Flag("workers", str, "Threads, each with a slice of the batch", "N|auto"),
    ],
}  # fmt: skip
_OWN = ("full", "merge")


@with_flags(PANELS)
def finetune(
    model: ModelArgument,
    **typed: Any,
) -> int:
    """Go on training a trained model on your own data, by small adapters (LoRA).

    Of conversations only the answers are learned. The run's folder works like any other: resume
    it with gradine train --resume OUT, let it write with gradine generate OUT, which adds the
    adapters to MODEL, where it lies.
    """
    typed = {name: value for name, value in typed.items() if value not in (None, [])}
    for name in ("data", "out"):
        if name not in typed:
            raise Misuse(f"--{name} is missing: gradine finetune MODEL --data FILE --out DIR")
    check_free(typed["out"], typed["overwrite"])
    choose_engine(typed.get("engine"))
    warn_in_one_line()
    trainer = _trainer(model, typed)
    code = train_and_tell(trainer, typed, sample=0)
    if typed["merge"] and code == 0:
        folder = merge(typed["out"])
        if not typed["json"]:
            print(folder)
    return code


finetune.cls = SettingsCommand  # type: ignore[attr-defined]
finetune.epilog = examples(  # type: ignore[attr-defined]
    "gradine finetune smollm2 --data chats.jsonl --out mine",
    "gradine finetune demo-run --data letters.txt --out letters --full --lr 1e-4",
    "gradine finetune model-folder --data chats.jsonl --out mine --lora-rank 16 --merge",
)


def _trainer(model: str, typed: dict[str, Any]) -> Any:
    """Return a trainer that begins with the model."""
    from transformer import load
    from transformer.train import Trainer
    from transformer.train.setup import begin_with

    try:
        settings = {**DEFAULTS, **_settings(model, typed)}
        config = TrainConfig.from_dict(settings)
    except ValueError as error:
        raise Misuse(str(error)) from None
    net, tokenizer = load(str(config.init))
    if "block_size" not in typed:
        settings["block_size"] = min(net.block_size, _LONG)
        config = TrainConfig.from_dict(settings)
    return Trainer(config, *begin_with(config, net, tokenizer))


def _settings(model: str, typed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was typed as TrainConfig names it."""
    given = settings_typed({n: v for n, v in typed.items() if n not in _OWN})
    given["init"] = str(Path(model).resolve()) if Path(model).exists() else model
    data = Path(given["data"])
    if not data.is_dir() and data.suffix != ".jsonl":
        given["text"] = full_path(given.pop("data"))
    if typed["full"]:
        given = {"lr": _LR_FULL, **given, "lora_rank": 0}
    return given


def merge(run: str | Path) -> Path:
    """Write the model of a run, its adapters added to its weights, as a run of its own.

    Returns the new folder, ``merged`` within the run's.
    """
    from dataclasses import asdict

    from transformer.io.checkpoint import BEST, write_checkpoint
    from transformer.train.checkpoint import load_model, model_arrays

    model, _, state = load_model(run)
    folder = Path(run) / "merged"
    folder.mkdir(exist_ok=True)
    settings = {**state["config"], "init": None, "lora_rank": 0, "out": str(folder)}
    facts = {"config": settings, "model_config": asdict(model.config), "base_sha256": None}
    write_checkpoint(folder / BEST, model_arrays(model), {**state, **facts})
    return folder

"""The training loop: batch, step, now and then evaluate and save, until done or told to stop."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, fields, replace
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any

from transformer._engine import ENGINE, torch
from transformer.data import get_batch, load_text, train_val_split
from transformer.io.checkpoint import BEST, LAST, find_checkpoint, read_checkpoint, write_checkpoint
from transformer.models import MODELS, build_model
from transformer.tokenizers import CharTokenizer, Tokenizer, tokenizer_from_dict
from transformer.train.checkpoint import pack, unpack
from transformer.train.config import TrainConfig, check_changes, check_names
from transformer.train.evaluation import evaluate
from transformer.train.interruption import Interruption
from transformer.train.metrics import METRICS, MetricsFile, Record
from transformer.train.optimizer import make_optimizer
from transformer.train.parallel import choose_workers
from transformer.train.schedule import learning_rate
from transformer.train.stepper import NonFiniteLoss, Stepper

Listener = Callable[[Record], object]


class TrainingDiverged(ArithmeticError):
    """Training stopped because a loss or a gradient was infinite or not a number."""


class Trainer:
    """A model, its tokenizer, its text as token ids (N,), and how to train the one on the other.

    Usually made by :meth:`from_config` or :meth:`resume`. Raises ``ValueError`` when the text is
    too short for the model's ``block_size``.

    >>> config = TrainConfig(model="bigram", steps=2, eval_batches=1, block_size=8, batch_size=4)
    >>> trainer = Trainer.from_config(config, text="the cat sat on the mat. " * 20)
    >>> trainer.run()
    >>> trainer.step
    2
    """

    def __init__(self, config: TrainConfig, model: Any, tokenizer: Tokenizer, ids: Any) -> None:
        self.config, self.model, self.tokenizer = config, model, tokenizer
        self.train_data, self.val_data = train_val_split(ids, config.val_fraction)
        self._check_lengths()
        self.text_sha256 = _digest(self.train_data, self.val_data)
        self.optimizer = make_optimizer(model, config)
        self.generator = torch.Generator()
        self.generator.manual_seed(config.seed)
        self.workers = choose_workers(
            config.workers, model.num_parameters(), config.batch_size, config.block_size
        )
        held_out = self.val_data.tolist()
        self.characters_per_token = len(tokenizer.decode(held_out)) / len(held_out)
        self.step = 0  # updates made
        self.val_loss: float | None = None  # the latest, in nats per token
        self.best_loss = float("inf")  # the lowest
        self.elapsed = 0.0  # seconds of training, over all sessions
        self.stopped_by: int | None = None  # the signal that ended the last run(), if one did
        self._saved_step: int | None = None

    @classmethod
    def from_config(cls, config: TrainConfig, text: str | None = None) -> "Trainer":
        """Load the text (unless it is given), build tokenizer and model, and begin at step 0."""
        text = load_text(config.text) if text is None else text
        tokenizer = CharTokenizer.from_text(text)
        settings = {"block_size": config.block_size, **config.model_settings}
        if config.model in MODELS:
            known = [field.name for field in fields(MODELS[config.model][1])]
            check_names(settings, known, of=config.model)
        torch.manual_seed(config.seed)
        model = build_model(config.model, vocab_size=tokenizer.vocab_size, **settings)
        return cls(config, model, tokenizer, tokenizer.encode(text))

    @classmethod
    def resume(cls, run: str | Path, text: str | None = None, **changes: Any) -> "Trainer":
        """Continue the run in folder ``run`` from its last checkpoint, bit for bit.

        ``changes`` are settings to alter, such as ``steps``. Raises ``ValueError`` when one of
        them would make it another run, or the text is not the one it has been trained on.
        """
        path = find_checkpoint(run, LAST)
        arrays, state = read_checkpoint(path)
        if state["engine"] != ENGINE:
            raise ValueError(f"{path} was trained with GRADINE_ENGINE={state['engine']}; use it")
        check_changes(changes)
        saved = TrainConfig.from_dict(state["config"])
        config = replace(saved, **{"workers": state["workers"], "out": str(path.parent), **changes})
        tokenizer = tokenizer_from_dict(state["tokenizer"])
        model = build_model(config.model, **state["model_config"])
        text = load_text(config.text) if text is None else text
        trainer = cls(config, model, tokenizer, tokenizer.encode(text))
        if trainer.text_sha256 != state["text_sha256"]:
            raise ValueError(f"the text {config.text} is not the one {path} was trained on")
        unpack(arrays, model, trainer.optimizer, trainer.generator)
        trainer.step = trainer._saved_step = state["step"]
        trainer.val_loss, trainer.elapsed = state["val_loss"], state["elapsed"]
        trainer.best_loss = float("inf") if state["best_loss"] is None else state["best_loss"]
        return trainer

    def run(self, until: int | None = None, listeners: Iterable[Listener] = ()) -> None:
        """Train up to ``config.steps`` updates, or to ``until`` if that is fewer.

        Every ``eval_every`` steps and at the end evaluates and, when there is a folder to write
        to, saves. Ctrl-C and SIGTERM end the run after the step in hand, which is saved, and are
        noted in :attr:`stopped_by`. Each step's record goes to every listener. Raises
        ``TrainingDiverged`` without saving when a loss is infinite or not a number.
        """
        goal = min(self.config.steps, self.config.steps if until is None else until)
        metrics = self._open_folder()
        hear: list[Listener] = [*([metrics] if metrics else []), *listeners]
        try:
            with Interruption() as interruption, self._stepper() as stepper:
                if self.step == 0:
                    self._evaluate_and_tell({"step": 0}, stepper, hear)
                while self.step < goal and interruption.signal is None:
                    self._advance(stepper, hear)
                self.stopped_by = interruption.signal
                if self._saved_step != self.step:
                    self.save(LAST)
        finally:
            if metrics:
                metrics.close()

    def evaluate(self, stepper: Stepper | None = None) -> float:
        """Return the loss on the held-out text, in nats per token."""
        config = self.config
        team = stepper.team if stepper else None
        sizes = (config.batch_size, config.block_size, config.eval_batches)
        return evaluate(self.model, self.val_data, *sizes, team=team)

    def save(self, name: str = LAST) -> None:
        """Write a checkpoint of that name into the run's folder, if the run has one."""
        if self.config.out is None:
            return
        path = Path(self.config.out) / name
        try:
            arrays = pack(self.model, self.optimizer, self.generator)
            write_checkpoint(path, arrays, self._state())
        except OSError as error:
            kept = self._saved_step
            advice = "nothing was saved yet" if kept is None else f"step {kept} is still saved"
            reason = f"step {self.step} cannot be saved: {error.strerror or error}; {advice}"
            raise OSError(error.errno, reason, str(path)) from error
        if name == LAST:
            self._saved_step = self.step

    def _advance(self, stepper: Stepper, hear: list[Listener]) -> None:
        """Make one update; evaluate, save and tell as it is time to."""
        config, begun = self.config, time.perf_counter()
        lr = learning_rate(self.step, config)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        x, y = get_batch(self.train_data, config.batch_size, config.block_size, self.generator)
        try:
            loss, norm = stepper.step(x, y)
        except NonFiniteLoss as error:
            raise self._diverged(str(error)) from None
        self.step += 1
        spent = time.perf_counter() - begun
        self.elapsed += spent
        clipped = bool(config.grad_clip and norm > config.grad_clip)
        record = {"step": self.step, "loss": loss, "lr": lr, "grad_norm": norm, "clipped": clipped}
        record |= {"tokens_per_s": round(x.numel() / spent), "elapsed": self.elapsed}
        if self.step % config.eval_every == 0 or self.step == config.steps:
            self._evaluate_and_tell(record, stepper, hear)
        else:
            _tell(record, hear)

    def _evaluate_and_tell(self, record: Record, stepper: Stepper, hear: list[Listener]) -> None:
        """Evaluate, tell, and save; in that order, so that no checkpoint outruns the history."""
        begun = time.perf_counter()
        loss = self.evaluate(stepper)
        if not isfinite(loss):
            raise self._diverged(f"the loss on held-out text is {loss}")
        self.val_loss = loss
        self.elapsed += time.perf_counter() - begun
        _tell({**record, "val_loss": loss, "elapsed": self.elapsed}, hear)
        if loss < self.best_loss:  # first, so that no last checkpoint knows of a best not there
            self.best_loss = loss
            self.save(BEST)
        self.save(LAST)

    def _stepper(self) -> Stepper:
        stepper = Stepper(
            self.model,
            self.optimizer,
            grad_clip=self.config.grad_clip,
            workers=self.workers,
            accumulate=self.config.accumulate,
            seed=self.config.seed,
        )
        stepper.count = self.step
        return stepper

    def _open_folder(self) -> MetricsFile | None:
        if self.config.out is None:
            return None
        folder = Path(self.config.out)
        folder.mkdir(parents=True, exist_ok=True)
        if self.step == 0:
            (folder / "config.json").write_text(self.config.to_json(), encoding="utf-8")
        return MetricsFile(folder / METRICS, self.step)

    def _state(self) -> dict[str, Any]:
        return {
            "engine": ENGINE,
            "config": self.config.to_dict(),
            "workers": self.workers,
            "model_config": asdict(self.model.config),
            "parameters": self.model.num_parameters(),
            "tokenizer": self.tokenizer.to_dict(),
            "text_sha256": self.text_sha256,
            "step": self.step,
            "val_loss": self.val_loss,
            "best_loss": self.best_loss if isfinite(self.best_loss) else None,
            "characters_per_token": self.characters_per_token,
            "elapsed": self.elapsed,
        }

    def _diverged(self, trouble: str) -> TrainingDiverged:
        saved = self._saved_step
        kept = "" if saved is None else f"; the checkpoint of step {saved} was left as it is"
        return TrainingDiverged(
            f"stopped at step {self.step + 1}: {trouble}{kept}; try a lower lr or more warmup_steps"
        )

    def _check_lengths(self) -> None:
        parts = {"training": self.train_data, "held-out": self.val_data}
        for part, data in parts.items():
            if len(data) <= self.config.block_size:
                raise ValueError(
                    f"the {part} part of the text has {len(data)} tokens, too few for block_size="
                    f"{self.config.block_size}: give more text, a smaller block_size or another "
                    f"val_fraction (now {self.config.val_fraction})"
                )


def _digest(*parts: torch.Tensor) -> str:
    total = sha256()
    for part in parts:
        total.update(part.numpy().tobytes())
    return total.hexdigest()


def _tell(record: Record, hear: Iterable[Listener]) -> None:
    for listener in hear:
        listener(record)

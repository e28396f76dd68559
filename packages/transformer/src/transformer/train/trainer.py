"""The training loop: batch, step, now and then evaluate and save, until done or told to stop."""

import signal
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from math import isfinite
from pathlib import Path
from typing import Any

from transformer._engine import ENGINE
from transformer.io.checkpoint import BEST, LAST, find_checkpoint, read_checkpoint, write_checkpoint
from transformer.io.lock import locked
from transformer.tokenizers import tokenizer_from_dict
from transformer.train import distributed
from transformer.train.checkpoint import pack, rebuild, unpack
from transformer.train.config import TrainConfig, check_changes
from transformer.train.ema import EMA
from transformer.train.evaluation import score_windows
from transformer.train.interruption import Interruption
from transformer.train.material import Material, load_material
from transformer.train.metrics import METRICS, MetricsFile, Record
from transformer.train.optimizer import make_optimizer
from transformer.train.parallel import choose_workers
from transformer.train.peak import matmul_peak, step_flops
from transformer.train.schedule import learning_rate
from transformer.train.setup import begin
from transformer.train.stepper import NonFiniteLoss, Stepper
from transformer.train.units import bits_per_byte, perplexity_of

Listener = Callable[[Record], object]


class TrainingDiverged(ArithmeticError):
    """Training stopped because a loss or a gradient was infinite or not a number."""


class Trainer:
    """A model, what it learns from, and how it is trained on that.

    Usually made by :meth:`from_config` or :meth:`resume`.

    >>> config = TrainConfig(model="bigram", steps=2, eval_batches=1, block_size=8, batch_size=4)
    >>> trainer = Trainer.from_config(config, text="the cat sat on the mat. " * 20)
    >>> trainer.run()
    >>> trainer.step
    2
    """

    def __init__(
        self,
        config: TrainConfig,
        model: Any,
        material: Material,
        base_sha256: str | None = None,
    ) -> None:
        self.model, self.material, self.tokenizer = model, material, material.tokenizer
        self.workers = choose_workers(
            config.workers, model.num_parameters(), config.batch_size, config.block_size
        )
        self.config = _complete(config, model, self.workers)
        self.base_sha256 = base_sha256  # of the model that adapters are trained for
        model.label_smoothing = config.label_smoothing
        model.train()
        self.optimizer = make_optimizer(model, config)
        self.ema = EMA(model, config.ema) if config.ema else None
        self._flops = step_flops(model, config.batch_size, config.block_size)
        self.step = 0  # updates made
        self.val_loss: float | None = None  # the latest, in nats per token
        self.best_loss = float("inf")  # the lowest
        self.since_best = 0  # evaluations since then
        self.elapsed = 0.0  # seconds of training, over all sessions
        self.stopped_by: int | None = None  # the signal that ended the last run(), if one did
        self._saved_step: int | None = None

    @classmethod
    def from_config(cls, config: TrainConfig, text: str | None = None) -> "Trainer":
        """Load the text (unless it is given), build tokenizer and model, and begin at step 0.

        Raises ``ValueError`` when the text is too short for ``block_size`` or a setting of the
        model cannot be, ``MemoryError`` when a step would need more memory than is free.
        """
        return cls(config, *begin(config, text))

    @classmethod
    def resume(
        cls, run: str | Path, text: str | None = None, data: str | None = None, **changes: Any
    ) -> "Trainer":
        """Continue the run in folder ``run`` from its last checkpoint, bit for bit.

        ``changes`` are settings to alter, such as ``steps``; ``data`` is where its tokens are now.
        Raises ``ValueError`` when a change would make it another run, or the text or tokens are
        not those it has been trained on.

        >>> import tempfile
        >>> sizes = {"block_size": 4, "batch_size": 2, "eval_batches": 1}
        >>> config = TrainConfig(model="bigram", steps=1, out=tempfile.mkdtemp(), **sizes)
        >>> Trainer.from_config(config, text="to be or not to be " * 9).run()
        >>> trainer = Trainer.resume(config.out, text="to be or not to be " * 9, steps=2)
        >>> trainer.step, trainer.config.steps
        (1, 2)
        """
        path = find_checkpoint(run, LAST)
        arrays, state = read_checkpoint(path)
        if state["engine"] != ENGINE:
            raise ValueError(f"{path} was trained with GRADINE_ENGINE={state['engine']}; use it")
        check_changes(changes)
        saved = TrainConfig.from_dict(state["config"])
        here = {"workers": state["workers"], "out": str(path.parent), "data": data or saved.data}
        config = replace(saved, **{**here, **changes})
        tokenizer = state["tokenizer"] and tokenizer_from_dict(state["tokenizer"])
        material = load_material(config, text, tokenizer)
        if material.sha256 != state["text_sha256"]:
            source = config.data or f"the text {config.text}"
            raise ValueError(f"{source} is not the one {path} was trained on")
        trainer = cls(config, rebuild(config, state), material, state.get("base_sha256"))
        trainer._restore(arrays, state)
        return trainer

    def trained(self) -> list[Any]:
        """Return the parameters that change; with adapters these alone."""
        return [p for p in self.model.parameters() if p.requires_grad]

    @property
    def stopped_early(self) -> bool:
        """Whether ``patience`` evaluations have passed without a new best."""
        return self.config.patience is not None and self.since_best >= self.config.patience

    def run(self, until: int | None = None, listeners: Iterable[Listener] = ()) -> None:
        """Train up to ``config.steps`` updates, or to ``until`` if that is fewer.

        Every ``eval_every`` steps and at the end evaluates and, when there is a folder to write
        to, saves. Ctrl-C and SIGTERM end the run after the step in hand, which is saved, and are
        noted in :attr:`stopped_by`. Each step's record goes to every listener. Raises
        ``TrainingDiverged`` without saving when a loss is infinite or not a number, and
        ``BlockingIOError`` when another program is writing into the folder.
        """
        goal = min(self.config.steps, self.config.steps if until is None else until)
        with self._locked():
            self._run(goal, listeners)

    def _run(self, goal: int, listeners: Iterable[Listener]) -> None:
        metrics = self._open_folder()
        hear: list[Listener] = [*([metrics] if metrics else []), *listeners]
        try:
            with Interruption() as interruption, self._stepper() as stepper:
                if self.step == 0:
                    self._evaluate_and_tell({"step": 0}, stepper, hear)
                while self.step < goal and not self.stopped_early and not self._told(interruption):
                    self._advance(stepper, hear)
                if self._saved_step != self.step:
                    self.save(LAST)
        finally:
            if metrics:
                metrics.close()

    def evaluate(self, stepper: Stepper | None = None) -> float:
        """Return the loss on the held-out text, in nats per token, of the average if one is kept.

        Looks at the same ``eval_batches`` batches of windows, spread evenly, every time.
        """
        team = stepper.team if stepper else None
        with self.ema.applied(self.model) if self.ema else nullcontext():
            return score_windows(self.model, self.material.windows, team=team)[0]

    def save(self, name: str = LAST) -> None:
        """Write a checkpoint of that name into the run's folder, if the run has one."""
        if self.config.out is None:
            return
        path = Path(self.config.out) / name
        try:
            if distributed.is_main():
                adapters = bool(self.config.lora_rank)
                arrays = pack(self.model, self.optimizer, self.ema, trained_only=adapters)
                write_checkpoint(path, arrays, self._state())
        except OSError as error:
            kept = self._saved_step
            advice = "nothing was saved yet" if kept is None else f"step {kept} is still saved"
            reason = f"step {self.step} cannot be saved: {error.strerror or error}; {advice}"
            raise OSError(error.errno, reason, str(path)) from error
        if name == LAST:
            self._saved_step = self.step

    def _told(self, interruption: Interruption) -> bool:
        """Whether to stop; among several processes all stop at the same step."""
        self.stopped_by = interruption.signal
        if distributed.world_size() > 1 and distributed.total(float(self.stopped_by is not None)):
            self.stopped_by = self.stopped_by or signal.SIGTERM
        return self.stopped_by is not None

    def _advance(self, stepper: Stepper, hear: list[Listener]) -> None:
        """Make one update; evaluate, save and tell as it is time to."""
        config, begun = self.config, time.perf_counter()
        lr = learning_rate(self.step, config)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        x, y = self.material.batches.at(self.step)
        try:
            loss, norm = stepper.step(x, y)
        except NonFiniteLoss as error:
            raise self._diverged(str(error)) from None
        if self.ema:
            self.ema.update()
        self.step += 1
        spent = time.perf_counter() - begun
        self.elapsed += spent
        clipped = bool(config.grad_clip and norm > config.grad_clip)
        record = {"step": self.step, "loss": loss, "lr": lr, "grad_norm": norm, "clipped": clipped}
        record |= {"tokens_per_s": round(x.numel() / spent)}
        record |= {"peak_share": self._flops / spent / matmul_peak(), "elapsed": self.elapsed}
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
        _tell({**record, **self.scores(loss), "elapsed": self.elapsed}, hear)
        if loss < self.best_loss:  # first, so that no last checkpoint knows of a best not there
            self.best_loss, self.since_best = loss, 0
            self.save(BEST)
        else:
            self.since_best += 1
        self.save(LAST)

    def scores(self, loss: float) -> Record:
        """Return a held-out loss as it is told: also as perplexity and in bits per byte."""
        told = {"val_loss": loss, "val_perplexity": perplexity_of(loss)}
        if per_token := self.material.bytes_per_token:
            told["val_bits_per_byte"] = bits_per_byte(loss, per_token)
        return told

    def _stepper(self) -> Stepper:
        config = self.config
        how: Any = {
            "grad_clip": config.grad_clip,
            "accumulate": config.accumulate,
            "seed": config.seed,
        }
        if distributed.world_size() > 1:
            stepper: Stepper = distributed.DistributedStepper(self.model, self.optimizer, **how)
        else:
            stepper = Stepper(self.model, self.optimizer, workers=self.workers, **how)
        stepper.count = self.step
        return stepper

    def _locked(self) -> AbstractContextManager[None]:
        """Keep other programs from writing into the run's folder."""
        if self.config.out is None or not distributed.is_main():
            return nullcontext()
        Path(self.config.out).mkdir(parents=True, exist_ok=True)
        return locked(self.config.out)

    def _open_folder(self) -> MetricsFile | None:
        if self.config.out is None or not distributed.is_main():
            return None
        folder = Path(self.config.out)
        if self.step == 0:
            for name in (LAST, BEST):  # of a run overwritten: no crash may leave one beside ours
                (folder / name).unlink(missing_ok=True)
            (folder / "config.json").write_text(self.config.to_json(), encoding="utf-8")
        return MetricsFile(folder / METRICS, self.step)

    def _state(self) -> dict[str, Any]:
        return {
            "engine": ENGINE,
            "config": self.config.to_dict(),
            "workers": self.workers,
            "model_config": asdict(self.model.config),
            "parameters": self.model.num_parameters(),
            "tokenizer": self.tokenizer and self.tokenizer.to_dict(),
            "text_sha256": self.material.sha256,
            "base_sha256": self.base_sha256,
            "step": self.step,
            "val_loss": self.val_loss,
            "best_loss": self.best_loss if isfinite(self.best_loss) else None,
            "since_best": self.since_best,
            "bytes_per_token": self.material.bytes_per_token,
            "elapsed": self.elapsed,
        }

    def _restore(self, arrays: Any, state: dict[str, Any]) -> None:
        unpack(arrays, self.model, self.optimizer, self.ema)
        self.step = self._saved_step = state["step"]
        self.val_loss, self.elapsed = state["val_loss"], state["elapsed"]
        self.best_loss = float("inf") if state["best_loss"] is None else state["best_loss"]
        self.since_best = state.get("since_best", 0)  # not there in older checkpoints

    def _diverged(self, trouble: str) -> TrainingDiverged:
        saved = self._saved_step
        kept = "" if saved is None else f"; the checkpoint of step {saved} was left as it is"
        return TrainingDiverged(
            f"stopped at step {self.step + 1}: {trouble}{kept}; try a lower lr or more warmup_steps"
        )


def _complete(config: TrainConfig, model: Any, workers: int) -> TrainConfig:
    """Return the settings with nothing left to defaults that may change or to this machine."""
    given = {"vocab_size": model.config.vocab_size, "block_size": config.block_size}
    inner = {k: v for k, v in asdict(model.config).items() if (k, v) not in given.items()}
    return replace(config, model=model.name, model_settings=inner, workers=workers)


def _tell(record: Record, hear: Iterable[Listener]) -> None:
    for listener in hear:
        listener(record)

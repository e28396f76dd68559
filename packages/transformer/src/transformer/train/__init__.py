"""Training: configuration, loop, schedule, checkpoints, worker threads, history."""

from transformer.train.checkpoint import load_model
from transformer.train.config import TrainConfig
from transformer.train.evaluate import evaluate
from transformer.train.metrics import read_metrics
from transformer.train.optimizer import make_optimizer
from transformer.train.parallel import Team, choose_workers
from transformer.train.plot import can_plot, plot_runs
from transformer.train.schedule import learning_rate
from transformer.train.stepper import NonFiniteLoss, Stepper
from transformer.train.trainer import Trainer, TrainingDiverged

__all__ = [
    "NonFiniteLoss",
    "Stepper",
    "Team",
    "TrainConfig",
    "Trainer",
    "TrainingDiverged",
    "can_plot",
    "choose_workers",
    "evaluate",
    "learning_rate",
    "load_model",
    "make_optimizer",
    "plot_runs",
    "read_metrics",
]

"""Training: configuration, loop, schedule, checkpoints, worker threads, history.

Names are imported when first used: what needs no engine (settings, histories, pictures) can be
had without choosing one.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformer.train.checkpoint import load_model
    from transformer.train.config import TrainConfig
    from transformer.train.evaluation import Score, evaluate, perplexity
    from transformer.train.metrics import read_metrics
    from transformer.train.optimizer import make_optimizer
    from transformer.train.parallel import Team, choose_workers
    from transformer.train.plot import can_plot, plot_runs
    from transformer.train.schedule import learning_rate
    from transformer.train.stepper import NonFiniteLoss, Stepper
    from transformer.train.trainer import Trainer, TrainingDiverged

__all__ = [
    "NonFiniteLoss",
    "Score",
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
    "perplexity",
    "plot_runs",
    "read_metrics",
]

# Where each public name is made.
_HOME = {
    "NonFiniteLoss": "stepper",
    "Score": "evaluation",
    "Stepper": "stepper",
    "Team": "parallel",
    "TrainConfig": "config",
    "Trainer": "trainer",
    "TrainingDiverged": "trainer",
    "can_plot": "plot",
    "choose_workers": "parallel",
    "evaluate": "evaluation",
    "learning_rate": "schedule",
    "load_model": "checkpoint",
    "make_optimizer": "optimizer",
    "perplexity": "evaluation",
    "plot_runs": "plot",
    "read_metrics": "metrics",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'transformer.train' has no attribute {name!r}")
    return getattr(import_module(f"transformer.train.{_HOME[name]}"), name)

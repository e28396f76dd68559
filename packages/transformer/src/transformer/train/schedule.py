"""The learning rate as a pure function of the step: nothing to save, nothing to get wrong."""

from math import cos, pi

from transformer.train.config import TrainConfig


def learning_rate(step: int, config: TrainConfig) -> float:
    """Return the learning rate of update number ``step``, counted from 0.

    Rises in a straight line over ``warmup_steps`` updates, then falls along half a cosine to
    ``min_lr`` at the last update (Loshchilov and Hutter 2017, equation 5, without restarts), or
    stays at ``lr`` when the schedule is ``"constant"``.

    >>> config = TrainConfig(lr=1.0, min_lr=0.1, warmup_steps=4, steps=11)
    >>> [round(learning_rate(step, config), 2) for step in (0, 3, 4, 7, 10)]
    [0.25, 1.0, 1.0, 0.55, 0.1]
    """
    if step < config.warmup_steps:
        return config.lr * (step + 1) / config.warmup_steps
    if config.schedule == "constant":
        return config.lr
    lowest = config.lr / 10 if config.min_lr is None else config.min_lr
    last = max(config.steps - 1, config.warmup_steps + 1)
    done = min((step - config.warmup_steps) / (last - config.warmup_steps), 1.0)
    return lowest + (config.lr - lowest) * (1 + cos(pi * done)) / 2

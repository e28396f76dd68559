"""The learning rate as a pure function of the step: nothing to save, nothing to get wrong."""

from math import cos, pi

from transformer.train.config import TrainConfig


def learning_rate(step: int, config: TrainConfig) -> float:
    """Return the learning rate of update number ``step``, counted from 0.

    Rises in a straight line over ``warmup_steps`` updates to ``lr``; then, by ``schedule``:
    ``cosine`` falls along half a cosine to ``min_lr`` at the last update (Loshchilov and Hutter
    2017, equation 5, without restarts); ``linear`` falls there in a straight line; ``wsd`` (warm
    up, stay, decay; Hu et al. 2024, section 4.2) stays at ``lr`` and falls in a straight line over
    the last ``decay_fraction`` of the steps; ``constant`` stays.

    >>> config = TrainConfig(lr=1.0, min_lr=0.1, warmup_steps=4, steps=11)
    >>> [round(learning_rate(step, config), 2) for step in (0, 3, 4, 7, 10)]
    [0.25, 1.0, 1.0, 0.55, 0.1]
    """
    if step < config.warmup_steps:
        return config.lr * (step + 1) / config.warmup_steps
    if config.schedule == "constant":
        return config.lr
    lowest = config.lr / 10 if config.min_lr is None else config.min_lr
    first = config.warmup_steps
    if config.schedule == "wsd":
        first = max(first, config.steps - round(config.steps * config.decay_fraction) - 1)
    last = max(config.steps - 1, first + 1)
    done = min(max((step - first) / (last - first), 0.0), 1.0)
    left = (1 + cos(pi * done)) / 2 if config.schedule == "cosine" else 1 - done
    return lowest + (config.lr - lowest) * left

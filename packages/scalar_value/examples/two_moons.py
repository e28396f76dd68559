"""Teach a small network to tell two moons apart, and draw what it learnt in the terminal.

Run it with ``python two_moons.py``: 100 steps of about 0.05 seconds each.
"""

from __future__ import annotations

import random

from scalar_value import no_grad
from scalar_value.datasets import make_moons
from scalar_value.losses import hinge
from scalar_value.nn import MLP


def train(steps: int = 100, seed: int = 1337) -> tuple[MLP, list[tuple[float, float]]]:
    """Return the trained model, and the loss and accuracy before each step and after the last."""
    random.seed(seed)
    points, labels = make_moons(100, noise=0.1)
    signs = [2 * label - 1 for label in labels]  # the hinge loss wants -1 and 1
    model = MLP(2, [16, 16, 1])
    history = []
    for k in range(steps + 1):
        scores = [model(point) for point in points]
        small_weights = 1e-4 * sum(p * p for p in model.parameters())
        loss = hinge(scores, signs) + small_weights
        right = [(score > 0) == (sign > 0) for score, sign in zip(scores, signs, strict=True)]
        history.append((loss.data, sum(right) / len(right)))
        if k == steps:
            break
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * k / steps) * p.grad
    return model, history


def picture(model: MLP) -> str:
    """Return the plane from (-1.5, 1.5) to (2.5, -1), with # where the model says 1."""
    with no_grad():
        score = {
            (x, y): model([x / 12 - 1.5, 1.5 - y / 6]) for y in range(16) for x in range(49)
        }  # fmt: skip
    rows = ["".join("#" if score[x, y] > 0 else "." for x in range(49)) for y in range(16)]
    return "\n".join(rows)


def main() -> None:
    """Train, print every tenth step, and draw."""
    model, history = train()
    for k, (loss, accuracy) in list(enumerate(history))[::10]:
        print(f"step {k:3}  loss {loss:.4f}  accuracy {accuracy:.0%}")
    print(picture(model))


if __name__ == "__main__":
    main()

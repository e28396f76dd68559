"""Points to learn from, made with the standard library alone."""

from __future__ import annotations

import math
import random


def make_moons(
    n: int = 100, noise: float = 0.1, seed: int = 1
) -> tuple[list[tuple[float, float]], list[int]]:
    """Return ``n`` points on two interleaved half circles, and their labels 0 and 1, shuffled.

    ``noise`` is the standard deviation of what is added to both coordinates; the radius is 1.

    >>> points, labels = make_moons(4, noise=0.0)
    >>> len(points), sorted(labels)
    (4, [0, 0, 1, 1])
    """
    rng = random.Random(seed)
    examples = []
    for label, count in ((0, (n + 1) // 2), (1, n // 2)):
        for i in range(count):
            angle = math.pi * i / max(count - 1, 1)
            x, y = math.cos(angle), math.sin(angle)
            if label == 1:
                x, y = 1.0 - x, 0.5 - y  # the other way up, with its horns inside the first
            examples.append(((x + rng.gauss(0.0, noise), y + rng.gauss(0.0, noise)), label))
    rng.shuffle(examples)
    return [point for point, _ in examples], [label for _, label in examples]

"""One training step of micrograd's two-moons demonstration: scalar_value against micrograd.

100 points, MLP(2, [16, 16, 1]), hinge loss and L2, forward, backward and update, in plain Python
floats, both engines from the same weights. Beside the step with each package's own network, the
step is timed with the same expressions on both sides (`sum(w * x) + b`, one node per operation),
which compares the engines without the fused neuron.

    python benchmarks/scalar_step.py
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import micrograd.engine
import micrograd.nn

import scalar_value
import scalar_value.nn
from scalar_value.datasets import make_moons

Step = Callable[[], tuple[float, float]]


def _unfused(model: Any, x: Sequence[Any]) -> Any:
    """Run an MLP of either package with one node per addition and multiplication."""
    for layer in model.layers:
        sums = [
            (sum((w * xi for w, xi in zip(n.w, x, strict=True)), n.b), n) for n in layer.neurons
        ]
        x = [total.relu() if n.nonlin else total for total, n in sums]
    return x[0]


def _step(value: type, nn: Any, forward: Callable[[Any, Sequence[Any]], Any]) -> Step:
    """Return a function that trains one step and returns its milliseconds and its loss."""
    random.seed(1337)  # both packages draw their weights alike
    model = nn.MLP(2, [16, 16, 1])
    points, labels = make_moons(100, noise=0.1)

    def step() -> tuple[float, float]:
        start = time.perf_counter()
        scores = [forward(model, list(map(value, point))) for point in points]
        losses = [(1 + -(2 * t - 1) * s).relu() for s, t in zip(scores, labels, strict=True)]
        reg = 1e-4 * sum(p * p for p in model.parameters())
        loss = sum(losses) * (1.0 / len(losses)) + reg
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= 0.1 * p.grad
        return 1e3 * (time.perf_counter() - start), loss.data

    return step


def _side_by_side(ours: Step, peer: Step, rounds: int) -> tuple[float, float]:
    """Return the median milliseconds of both, timed in turns; raise where the losses differ."""
    times: tuple[list[float], list[float]] = ([], [])
    for k in range(rounds + 1):
        gc.collect()
        our_ms, our_loss = ours()
        gc.collect()
        peer_ms, peer_loss = peer()
        if abs(our_loss - peer_loss) > 1e-9 * abs(peer_loss):
            raise RuntimeError(f"losses differ in round {k}: {our_loss!r} and {peer_loss!r}")
        if k:  # the first round warms up
            times[0].append(our_ms)
            times[1].append(peer_ms)
    return median(times[0]), median(times[1])


def run(rounds: int = 7) -> dict[str, Any]:
    """Return medians over ``rounds``: ``ours_ms``, ``peer_ms`` and ``ratio``, peer over ours."""
    ours = (scalar_value.Value, scalar_value.nn)
    peer = (micrograd.engine.Value, micrograd.nn)
    our_ms, peer_ms = _side_by_side(
        _step(*ours, lambda model, x: model(x)), _step(*peer, lambda model, x: model(x)), rounds
    )
    our_plain, peer_plain = _side_by_side(
        _step(*ours, _unfused), _step(*peer, _unfused), max(1, rounds // 2)
    )
    return {
        "name": "scalar_value: two-moons training step",
        "ours_ms": our_ms,
        "peer_ms": peer_ms,
        "ratio": peer_ms / our_ms,
        "note": (
            f"peer: micrograd; same weights, data and loss; with one node per operation on both "
            f"sides {our_plain:.0f} against {peer_plain:.0f} ms, {peer_plain / our_plain:.1f} times"
        ),
    }


if __name__ == "__main__":
    result = run()
    print(
        f"{result['name']}: {result['ours_ms']:.1f} ms, peer {result['peer_ms']:.1f} ms, "
        f"{result['ratio']:.1f} times as fast ({result['note']})"
    )

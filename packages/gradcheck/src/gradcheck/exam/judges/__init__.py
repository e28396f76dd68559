"""The judges of the exam: gradcheck, and its peers where they are installed."""

import importlib.util
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gradcheck.exam.judges import peer_autograd, peer_jax, peer_scipy, peer_torch
from gradcheck.exam.judges.question import Cannot
from gradcheck.exam.rule import Rule

Answer = Literal["pass", "fail", "inconclusive", "n/a"]


@dataclass(frozen=True)
class Judge:
    """A checker of derivatives by name; ``needs`` is the module that must be installed."""

    name: str
    needs: str
    ask: Callable[[Rule, int], Answer]
    how: str = ""

    @property
    def installed(self) -> bool:
        """Whether the judge can be asked at all."""
        return importlib.util.find_spec(self.needs) is not None


def by_gradcheck(rule: Rule, seed: int) -> Answer:
    """What gradcheck answers."""
    import gradcheck

    point = rule.point()
    return gradcheck.check_vjp(rule.f, rule.rule(), point, seed=seed, **rule.options).verdict


def peer(check: Callable[[Rule, int], bool]) -> Callable[[Rule, int], Answer]:
    """A peer's yes or no as an answer; what it raises is a no."""

    def ask(rule: Rule, seed: int) -> Answer:
        try:
            return "pass" if check(rule, seed) else "fail"
        except Cannot:
            return "n/a"
        except Exception:
            return "fail"

    return ask


JUDGES = (
    Judge("gradcheck", "gradcheck", by_gradcheck, "`check_vjp` with its defaults"),
    Judge(
        "torch-slow",
        "torch",
        peer(lambda rule, seed: peer_torch.judge(rule, fast=False)),
        "`torch.autograd.gradcheck` on a `torch.autograd.Function` over NumPy, in float64 as its "
        "documentation asks; `gradgradcheck` as well for order 2",
    ),
    Judge(
        "torch-fast",
        "torch",
        peer(lambda rule, seed: peer_torch.judge(rule, fast=True)),
        "the same with `fast_mode=True`",
    ),
    Judge(
        "jax",
        "jax",
        peer(lambda rule, seed: peer_jax.judge(rule)),
        "`jax.test_util.check_grads` in reverse mode on a `custom_vjp` over `pure_callback`",
    ),
    Judge(
        "autograd",
        "autograd",
        peer(peer_autograd.judge),
        "`autograd.test_util.check_grads` in reverse mode on a `primitive`, in float64",
    ),
    Judge(
        "scipy",
        "scipy",
        peer(peer_scipy.judge),
        "`scipy.optimize.check_grad` on the output times a random cotangent, in float64; its "
        "error may be 1e-5 of the gradient's norm",
    ),
)


@contextmanager
def quiet() -> Iterator[None]:
    """Say nothing of overflows, deprecations and what a callback raised."""
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def ask(judge: Judge, rule: Rule, seed: int = 0) -> tuple[Answer, float]:
    """A judge's answer about a rule, and the seconds it took.

    >>> rule = Rule("sin", "value", np.sin, lambda g, y, x: -g * np.cos(x), [np.ones(2)])
    >>> ask(JUDGES[0], rule)[0]
    'fail'
    """
    start = time.perf_counter()
    with quiet():
        answer = judge.ask(rule, seed)
    return answer, time.perf_counter() - start

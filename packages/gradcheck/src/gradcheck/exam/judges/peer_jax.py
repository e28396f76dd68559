"""JAX: the pair as a ``custom_vjp`` over ``pure_callback``, put to ``check_grads`` in reverse mode.

Tolerances are JAX's own for each precision; 64-bit types are enabled for the check.
"""

from typing import Any

import numpy as np

from gradcheck.exam.judges.question import Question
from gradcheck.exam.rule import Rule


def judge(rule: Rule) -> bool:
    """Whether JAX finds the rule right; raises AssertionError when it does not."""
    import jax
    from jax.test_util import check_grads

    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)  # for all threads: callbacks have their own
    try:
        question = Question(rule)
        inputs = tuple(jax.numpy.asarray(p) for p in question.point)
        check_grads(function_of(question), inputs, order=question.order, modes=["rev"])
    finally:
        jax.config.update("jax_enable_x64", before)
    return True


def function_of(question: Question) -> Any:
    """The ``custom_vjp`` of a question; its backward pass has one, too, for order 2."""
    import jax

    count = len(question.kept)

    def host(call: Any, like: list[Any], *arrays: Any) -> Any:
        shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in like]
        return jax.pure_callback(lambda *a: call(*map(np.asarray, a)), shapes, *arrays)

    def value(*floats: Any) -> Any:
        return host(question.value, [question.outputs[k] for k in question.kept], *floats)

    def split(arrays: tuple[Any, ...]) -> tuple[Any, Any, Any]:
        return arrays[:count], arrays[count : 2 * count], arrays[2 * count :]

    def gradients(*arrays: Any) -> list[Any]:
        grads = question.gradients(*split(arrays))
        shapes = [question.primals[i] for i in question.live]
        return [np.zeros_like(p) if a is None else a for a, p in zip(grads, shapes, strict=True)]

    def second(*arrays: Any) -> list[Any]:
        ggs, others = arrays[: len(question.live)], arrays[len(question.live) :]
        return [a for part in question.second(ggs, *split(others)) for a in part]

    def rule(*arrays: Any) -> Any:
        return host(gradients, [question.primals[i] for i in question.live], *arrays)

    def rule_saving(*arrays: Any) -> Any:
        return twice(*arrays), arrays

    def rule_back(saved: Any, ggs: Any) -> Any:
        return tuple(host(second, list(saved), *ggs, *saved))

    twice = jax.custom_vjp(rule)
    twice.defvjp(rule_saving, rule_back)

    def saving(*floats: Any) -> Any:
        outputs = once(*floats)  # not value: a second order differentiates this, too
        return outputs, (outputs, floats)

    def back(saved: Any, gs: Any) -> Any:
        outputs, floats = saved
        return tuple((twice if question.order > 1 else rule)(*gs, *outputs, *floats))

    once = jax.custom_vjp(value)
    once.defvjp(saving, back)
    return once

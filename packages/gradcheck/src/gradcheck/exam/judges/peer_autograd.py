"""HIPS autograd: the pair as a ``primitive`` with ``defvjp_argnums``, put to ``check_grads``.

Its tolerances and its step of 1e-6 are made for float64, so float32 rules are put to it in float64.
"""

from typing import Any

import numpy as np

from gradcheck.exam.judges.question import Question
from gradcheck.exam.rule import Rule


def judge(rule: Rule, seed: int) -> bool:
    """Whether autograd finds the rule right; raises AssertionError when it does not."""
    from autograd.test_util import check_grads

    question = Question(rule, wide=True)
    # It draws its directions from NumPy's global generator.
    before = np.random.get_state()
    np.random.seed(seed)
    try:
        everything = tuple(range(len(question.live))) if len(question.live) > 1 else 0
        function = function_of(question)
        check_grads(function, everything, modes=["rev"], order=question.order)(*question.point)
    finally:
        np.random.set_state(before)
    return True


def function_of(question: Question) -> Any:
    """The primitive of a question; its rule is one, too, for order 2."""
    from autograd.builtins import tuple as boxed
    from autograd.extend import defvjp_argnums, primitive

    count = len(question.kept)

    def pick(values: Any, several: bool) -> Any:
        return tuple(values) if several else values[0]

    def spread(value: Any, several: bool) -> list[Any]:
        return list(value) if several else [value]

    @primitive  # type: ignore[untyped-decorator, unused-ignore]
    def value(*floats: Any) -> Any:
        return pick(question.value(*floats), question.several)

    @primitive  # type: ignore[untyped-decorator, unused-ignore]
    def rule(*arrays: Any) -> Any:
        given = arrays[:count], arrays[count : 2 * count], arrays[2 * count :]
        return pick(numbers(question.gradients(*given)), len(question.live) > 1)

    def numbers(grads: list[Any]) -> list[Any]:
        shapes = [question.primals[i] for i in question.live]
        return [np.zeros_like(p) if a is None else a for a, p in zip(grads, shapes, strict=True)]

    def value_rule(argnums: Any, y: Any, floats: Any, kwargs: Any) -> Any:
        def pull(g: Any) -> Any:
            gs, ys = spread(g, question.several), spread(y, question.several)
            found = spread(rule(*gs, *ys, *floats), len(question.live) > 1)
            return boxed([found[k] for k in argnums])

        return pull

    def rule_rule(argnums: Any, raw: Any, arrays: Any, kwargs: Any) -> Any:
        def pull(gg: Any) -> Any:
            ggs = spread(gg, len(question.live) > 1)
            given = arrays[:count], arrays[count : 2 * count], arrays[2 * count :]
            found = [a for part in question.second(ggs, *given) for a in part]
            return [found[k] for k in argnums]

        return pull

    defvjp_argnums(value, value_rule)
    defvjp_argnums(rule, rule_rule)
    return value

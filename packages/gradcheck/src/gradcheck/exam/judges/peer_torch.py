"""torch.autograd.gradcheck: the pair as a ``torch.autograd.Function`` over NumPy, in float64.

Its documentation asks for double precision inputs, so float32 rules are put to it in float64.
"""

from typing import Any

import numpy as np

from gradcheck.exam.judges.question import Cannot, Question
from gradcheck.exam.rule import Rule

LARGEST = 1.5e8  # entries of a Jacobian that slow mode holds twice, in bytes 2.4e9


def judge(rule: Rule, fast: bool) -> bool:
    """Whether torch finds the rule right; raises what torch raises of an error in the rule."""
    import torch

    question = Question(rule, wide=True)
    if not fast and question.work > LARGEST:
        raise Cannot(f"a Jacobian of {question.work:.0e} entries")
    # An empty ndarray may have strides of 0, which torch takes for overlapping memory.
    point = [p if p.size else np.zeros(p.shape) for p in question.point]
    inputs = [torch.from_numpy(p).requires_grad_() for p in point]
    function = function_of(question)
    told = torch.autograd.gradcheck(function.apply, inputs, fast_mode=fast, raise_exception=False)
    if told and question.order > 1:
        told = torch.autograd.gradgradcheck(
            function.apply, inputs, fast_mode=fast, raise_exception=False
        )
    return bool(told)


def function_of(question: Question) -> Any:
    """The ``torch.autograd.Function`` of a question; its backward has one, too, for order 2."""
    import torch

    class Rule2(torch.autograd.Function):
        """The rule as a function of cotangents, outputs and inputs."""

        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Any:
            ctx.save_for_backward(*tensors)
            return answers(question.gradients(*parts(question, tensors)), question)

        @staticmethod
        def backward(ctx: Any, *ggs: Any) -> Any:
            arrays = parts(question, ctx.saved_tensors)
            found = question.second([numbers(gg) for gg in ggs], *arrays)
            return tuple(tensor(a) for part in found for a in part)

    class Rule1(torch.autograd.Function):
        """The function with its rule."""

        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Any:
            outputs = tuple(tensor(y) for y in question.value(*map(numbers, tensors)))
            ctx.save_for_backward(*outputs, *tensors)
            return outputs if question.several else outputs[0]

        @staticmethod
        def backward(ctx: Any, *gs: Any) -> Any:
            if question.order > 1:
                return Rule2.apply(*gs, *ctx.saved_tensors)
            return answers(
                question.gradients(*parts(question, (*gs, *ctx.saved_tensors))), question
            )

    return Rule1


def parts(question: Question, tensors: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """Cotangents, outputs and inputs as ndarrays."""
    arrays, count = [numbers(t) for t in tensors], len(question.kept)
    return arrays[:count], arrays[count : 2 * count], arrays[2 * count :]


def numbers(value: Any) -> Any:
    """The memory of a tensor as an ndarray."""
    return value.detach().numpy()


def tensor(array: Any) -> Any:
    """A tensor of the array's own memory where torch allows it."""
    import torch

    if not isinstance(array, np.ndarray | np.generic):
        raise TypeError(f"{type(array).__name__} is no gradient")
    return torch.from_numpy(np.asarray(array, order="C"))


def answers(grads: list[Any], question: Question) -> Any:
    """Gradients as tensors; one alone not in a tuple."""
    given = tuple(None if a is None else tensor(a) for a in grads)
    return given if len(given) > 1 else given[0]

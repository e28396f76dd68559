"""The half of the exam that gradcheck was tuned on: planted bugs and correct rules."""

from gradcheck.exam.rule import Rule
from gradcheck.exam.tuning import (
    correct_edges,
    correct_numbers,
    correct_plain,
    second_order,
    wrong_edges,
    wrong_memory,
    wrong_shapes,
    wrong_types,
    wrong_values,
)

__all__ = ["CORRECT", "MUTANTS"]

MUTANTS: list[Rule] = [
    *wrong_values.RULES,
    *wrong_shapes.RULES,
    *wrong_memory.RULES,
    *wrong_types.RULES,
    *wrong_edges.RULES,
    *second_order.MUTANTS,
]

CORRECT: list[Rule] = [
    *correct_plain.RULES,
    *correct_numbers.RULES,
    *correct_edges.RULES,
    *second_order.CORRECT,
]

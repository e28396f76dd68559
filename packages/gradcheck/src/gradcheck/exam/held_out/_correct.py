"""All held-out correct rules: who accuses one of them raises a false alarm."""

from gradcheck.exam.held_out import (
    correct_algebra,
    correct_at_kinks,
    correct_cancelling,
    correct_domains,
    correct_floats,
    correct_indices,
    correct_large,
    correct_losses,
    correct_near_kinks,
    correct_plain,
    correct_roots,
    correct_scales,
    correct_second_order,
    correct_shapes,
    correct_signal,
    correct_steps,
    correct_stiff,
)
from gradcheck.exam.rule import Rule

CORRECT: list[Rule] = [
    *correct_plain.RULES,
    *correct_stiff.RULES,
    *correct_cancelling.RULES,
    *correct_near_kinks.RULES,
    *correct_at_kinks.RULES,
    *correct_scales.RULES,
    *correct_floats.RULES,
    *correct_domains.RULES,
    *correct_steps.RULES,
    *correct_indices.RULES,
    *correct_shapes.RULES,
    *correct_roots.RULES,
    *correct_large.RULES,
    *correct_algebra.RULES,
    *correct_signal.RULES,
    *correct_losses.RULES,
    *correct_second_order.RULES,
]
"""The held-out correct rules, by topic."""

"""The planted bugs that nothing is tuned on, of every class."""

from gradcheck.exam.held_out.mutants_aliasing import ALIASING
from gradcheck.exam.held_out.mutants_axis import AXIS
from gradcheck.exam.held_out.mutants_broadcast import BROADCAST
from gradcheck.exam.held_out.mutants_cotangent import COTANGENT
from gradcheck.exam.held_out.mutants_edge import EDGE
from gradcheck.exam.held_out.mutants_entry import ONE_ENTRY
from gradcheck.exam.held_out.mutants_layout import DTYPE_AND_LAYOUT
from gradcheck.exam.held_out.mutants_random import NONDETERMINISM
from gradcheck.exam.held_out.mutants_scale import SCALE
from gradcheck.exam.held_out.mutants_second import SECOND_ORDER
from gradcheck.exam.held_out.mutants_state import STATE
from gradcheck.exam.held_out.mutants_value import VALUE
from gradcheck.exam.rule import Rule

MUTANTS: list[Rule] = [
    *VALUE,
    *SCALE,
    *ONE_ENTRY,
    *BROADCAST,
    *AXIS,
    *STATE,
    *ALIASING,
    *DTYPE_AND_LAYOUT,
    *EDGE,
    *COTANGENT,
    *NONDETERMINISM,
    *SECOND_ORDER,
]
"""The held-out planted bugs, by class: who passes one of them has missed it."""

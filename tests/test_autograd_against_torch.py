"""Autograd's public side on both libraries: hooks, nodes, functions, Jacobians and modes."""

import autograd_function_programs
import autograd_functional_programs
import autograd_hook_programs
import autograd_leaf_programs
import autograd_mode_programs
import autograd_order_programs
import autograd_rule_programs
import pytest
from programs import equal, told
from side_by_side import BOTH, tally

MODULES = (
    autograd_hook_programs,
    autograd_leaf_programs,
    autograd_function_programs,
    autograd_functional_programs,
    autograd_mode_programs,
    autograd_order_programs,
    autograd_rule_programs,
)
PROGRAMS = {name: program for module in MODULES for name, program in module.program.items()}


def test_no_program_hides_another():
    assert len(PROGRAMS) == sum(len(module.program) for module in MODULES)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    theirs, ours = (told(library, PROGRAMS[name]) for library in BOTH)
    equal(ours, theirs)
    tally["autograd programs beside torch"] += 1

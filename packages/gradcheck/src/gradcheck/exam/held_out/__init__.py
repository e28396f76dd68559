"""The half of the exam that nothing is tuned on."""

from gradcheck.exam.held_out._correct import CORRECT
from gradcheck.exam.held_out._mutants import MUTANTS

__all__ = ["CORRECT", "MUTANTS"]

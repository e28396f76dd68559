"""Hypothesis strategies for arrays that derivatives should be tried on.

Importing this module needs the extra ``gradcheck[hypothesis]``. What fails shrinks to few
dimensions, short sides, and numbers such as 1.0, 2.0 and 0.5.
"""

import importlib.util

if importlib.util.find_spec("hypothesis") is None:
    raise ImportError("gradcheck.strategies needs hypothesis: gradcheck[hypothesis]")

from gradcheck.strategies.elements import distinct, integers, values
from gradcheck.strategies.pullbacks import aliased, cotangents, relaid
from gradcheck.strategies.sizes import axes, axis, broadcastable_shapes, dimensions, shapes

__all__ = [
    "aliased",
    "axes",
    "axis",
    "broadcastable_shapes",
    "cotangents",
    "dimensions",
    "distinct",
    "integers",
    "relaid",
    "shapes",
    "values",
]

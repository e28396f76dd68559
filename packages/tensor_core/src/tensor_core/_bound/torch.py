"""Binds ``torch`` to tensor_core in a process that ``multiprocessing`` started by ``spawn``.

Its folder is on ``sys.path`` of a program that called ``tensor_core.as_torch()``, and a spawned
process begins with the same path.
"""

if __name__ == "torch":
    from tensor_core import as_torch

    as_torch()

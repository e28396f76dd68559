"""The cards of tensor_core on halves: both libraries beside the same program in float64."""

import numpy as np
import torch
from op_cards import Call, cases

import tensor_core
from tensor_core import registry

STEP = {"bfloat16": 2.0**-8, "float16": 2.0**-11}  # half the gap between neighbours at 1


def as_float64(tensor):
    """A tensor's numbers in float64."""
    kind = torch.float64 if isinstance(tensor, torch.Tensor) else tensor_core.float64
    wide = tensor.detach().to(kind)
    return wide.numpy(force=True)


def run(library, call, half, kind):
    """Outputs and first gradients; inputs and cotangents are rounded to ``half`` first."""
    rounded, wanted = getattr(library, half), getattr(library, kind)
    inputs = []
    for i, a in enumerate(call.arrays):
        x = library.from_numpy(np.array(a))
        if a.dtype.kind == "f":
            x = x.to(rounded).to(wanted)
            if i in call.wrt:
                x.requires_grad_()
        inputs.append(x)
    library.manual_seed(0)
    result = call(library, *inputs)
    outputs = list(result) if isinstance(result, tuple | list) else [result]
    rng = np.random.default_rng(1)
    pairs = []
    for y in outputs:
        weights = np.asarray(rng.normal(size=tuple(y.shape)))
        if y.requires_grad:
            pairs.append((y, library.from_numpy(weights).to(rounded).to(y.dtype)))
    leaves = [x for x in inputs if x.requires_grad]
    if not (pairs and leaves):
        return outputs, []
    ys, gs = zip(*pairs, strict=True)
    found = library.autograd.grad(ys, leaves, gs, allow_unused=True)
    return outputs, [x.detach() * 0 if g is None else g for x, g in zip(leaves, found, strict=True)]


def error(found, true, half):
    """The largest error in roundings of the element, with some room near zero."""
    if not np.array_equal(np.isfinite(found), np.isfinite(true)):
        return np.inf
    with np.errstate(all="ignore"):
        scale = np.abs(true[np.isfinite(true)]).max(initial=1e-3)
        off = np.abs(found - true) / (np.abs(true) + 0.02 * scale) / STEP[half]
    return float(np.nanmax(off, initial=0))


def compare(name, half):
    """For each case torch takes: what differs in type or shape, and (ours, torch's) errors."""
    found = []
    for number, case in cases(name):
        call = Call(registry[name], case)
        try:
            theirs = run(torch, call, half, half)
            true = run(torch, call, half, "float64")
        except (RuntimeError, TypeError, ValueError):
            continue
        ours = run(tensor_core, call, half, half)
        for what, a, b, c in zip(("output", "gradient"), ours, theirs, true, strict=True):
            for x, y, z in zip(a, b, c, strict=True):
                assert str(x.dtype) == str(y.dtype), f"{name} {number} {what}: {x.dtype} {y.dtype}"
                assert tuple(x.shape) == tuple(y.shape), f"{name} {number} {what}: shape"
                u, v, w = (as_float64(t) for t in (x, y, z))
                same = np.array_equal(u, v, equal_nan=True)
                found.append((number, what, same, error(u, w, half), error(v, w, half)))
    return found

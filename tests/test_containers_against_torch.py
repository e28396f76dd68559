"""Containers of modules and of parameters beside torch: every method, every mistake."""

import copy
import pickle

import pytest
from test_modules_against_torch import both


def tried(*actions):
    """What each action gives as text, or the type of its error."""
    out = []
    for action in actions:
        try:
            out.append(repr(action()))
        except Exception as error:
            out.append(type(error).__name__)
    return out


def sequential(t):
    s = t.nn.Sequential(t.nn.ReLU(), t.nn.Tanh(), t.nn.Sigmoid())
    s.insert(1, t.nn.GELU()).extend(t.nn.Sequential(t.nn.ELU()))
    out = [repr(s), repr(s.pop(-1)), repr(s[::2]), repr(s + s), repr(s * 2), repr(2 * s)]
    del s[0]
    s += t.nn.Sequential(t.nn.SELU())
    s *= 2
    s[-1] = t.nn.Mish()
    out += [repr(s), len(s), [n for n in dir(s) if n.isdigit()]]
    del s[1:3]
    return [*out, repr(s)], tried(
        lambda: s + 3,
        lambda: s * 0,
        lambda: s * "a",
        lambda: s.insert(99, t.nn.ReLU()),
        lambda: s.insert(0, 3),
        lambda: s.pop(99),
        lambda: s.append(3),
        lambda: s["a"],
        lambda: s.pop(),
    )


def module_list(t):
    m = t.nn.ModuleList([t.nn.ReLU(), t.nn.Tanh()])
    m.insert(0, t.nn.GELU())
    m.append(t.nn.GELU()).extend([t.nn.ELU()])
    out = [repr(m), repr(m[1:3]), repr(m.__add__([t.nn.SELU()])), repr(m.pop(1))]
    m += (t.nn.SELU(),)
    del m[0]
    m[0] = t.nn.Mish()
    out += [repr(m), len(m)]
    del m[0:2]
    return [*out, repr(m), [n for n in dir(m) if n.isdigit()]], tried(
        lambda: m.extend(3), lambda: m[99], lambda: m.pop(), lambda: m["a"], lambda: m(1)
    )


def module_dict(t):
    m = t.nn.ModuleDict({"b": t.nn.ReLU(), "a": t.nn.Tanh()})
    m.update([("c", t.nn.GELU())])
    m.update(t.nn.ModuleDict({"d": t.nn.ELU()}))
    out = [list(m), repr(m), list(m.keys()), repr(m.pop("a")), "b" in m]
    del m["b"]
    m["z"] = t.nn.SELU()
    out += [repr(list(m.items())), len(m)]
    m.clear()
    return [*out, len(m)], tried(
        lambda: m.update(3),
        lambda: m.update([1]),
        lambda: m.update([("a",)]),
        lambda: m["q"],
        lambda: m.pop("q"),
        lambda: m.__setitem__("forward", t.nn.ReLU()),
        lambda: m.__setitem__("a", 3),
    )


def parameter_list(t):
    p = t.nn.ParameterList([t.ones(2), t.nn.Parameter(t.zeros(1))])
    p.append(t.ones(3)).extend([t.ones(1)])
    p += [t.ones(2, 2)]
    out = [repr(p), repr(p[1:3]), list(p.state_dict()), len(p)]
    p[0] = t.zeros(2)
    return [*out, repr(p)], tried(
        lambda: p.extend(3),
        lambda: p.extend(t.ones(2)),
        lambda: p[99],
        lambda: p(1),
        lambda: p.pop(0),
    )


def parameter_dict(t):
    p = t.nn.ParameterDict({"b": t.ones(2), "a": t.nn.Parameter(t.zeros(1))})
    p["c"] = t.ones(1)
    out = [list(p), list(reversed(p)), repr(p | {"z": t.ones(1)}), repr({"z": 1} | p)]
    p |= {"y": t.ones(2)}
    out += [list(p.keys()), [k for k, _ in p.items()], p.popitem()[0], p.pop("a")]
    out += [p.setdefault("q", t.ones(1)), p.get("none", 4), repr(p.copy())]
    out += [repr(p.fromkeys(["u", "v"], 1)), list(p.fromkeys("ab"))]
    p.update({"n": t.ones(1), "m": t.ones(1)})
    p.update(t.nn.ParameterDict({"l": t.ones(1)}))
    out += [list(p), list(p.state_dict()), repr(p)]
    del p["n"]
    p.clear()
    return [*out, len(p), repr(p)], tried(
        lambda: p["x"],
        lambda: p.update(3),
        lambda: p.update([1]),
        lambda: p.update([(1, 2, 3)]),
        lambda: p(1),
        lambda: p.pop("x"),
        lambda: p.popitem(),
        lambda: p.__setitem__(3, t.ones(1)),
        lambda: p.__setitem__("forward", t.ones(1)),
    )


def parameters(t):
    p = t.nn.Parameter(t.ones(2))
    return tried(
        lambda: t.nn.Parameter([1.0]),
        lambda: t.nn.Parameter(),
        lambda: t.nn.Parameter(t.ones(1, dtype=t.int64)),
        lambda: t.nn.Parameter(t.ones(2, requires_grad=True) * 2).is_leaf,
        lambda: t.nn.Parameter(t.ones(2), False),
        lambda: type(p.data).__name__,
        lambda: type(p.detach()).__name__,
        lambda: type(p + 1).__name__,
        lambda: type(p.clone()).__name__,
        lambda: type(copy.deepcopy(p)).__name__,
        lambda: pickle.loads(pickle.dumps(p)),
        lambda: isinstance(t.nn.Buffer(t.ones(1)), t.nn.Buffer),
        lambda: isinstance(t.ones(1), t.nn.Buffer),
        lambda: t.nn.Parameter(p),
    )


PROGRAMS = [sequential, module_list, module_dict, parameter_list, parameter_dict, parameters]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_container(program):
    theirs, ours = both(program)
    assert not isinstance(theirs[0], str), theirs
    assert ours == theirs

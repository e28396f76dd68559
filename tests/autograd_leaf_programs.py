"""Programs about leaves, ``.grad`` and nodes of the graph, for both libraries."""

import warnings

from autograd_hook_programs import trial
from programs import Programs, leaf

program = Programs()


# -- .grad -----------------------------------------------------------------------------------------


@program
def grad_is_added_to(t):
    x = leaf(t, 3)
    (x * 2).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    return first is x.grad, x.grad


@program
def grad_assigned_and_added_to(t):
    x = leaf(t, 3)
    mine = t.ones(3, dtype=t.float64)
    x.grad = mine
    (x * 3).sum().backward()
    return x.grad is mine, mine


@program
def grad_assigned_of_many_kinds(t):
    x = leaf(t, 3)

    def assign(value):
        x.grad = value

    kinds = [3, "a", x, [1.0], t.ones(3), t.ones(1, 3, dtype=t.float64), t.ones(3).long()]
    return [trial(lambda v=v: assign(v)) for v in kinds]


@program
def grad_deleted(t):
    x = leaf(t, 3)
    x.sum().backward()
    del x.grad
    return x.grad


@program
def grad_of_a_non_leaf_warns(t):
    y = leaf(t, 3) * 2
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        missing = y.grad
    return missing, [w.category.__name__ for w in caught]


@program
def grad_of_a_non_leaf_in_silence(t):
    x = leaf(t, 3)
    y = x * 2
    y.retain_grad()
    z = t.ones(3) * 2
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        seen = [y.grad, z.grad, x.grad, x.detach().grad, hasattr(y, "grad")]
    return seen, [w.category.__name__ for w in caught]


@program
def grad_keeps_its_place_in_no_graph(t):
    x = leaf(t, 3)
    (x * x).sum().backward()
    return x.grad.requires_grad, x.grad.is_leaf, x.grad.grad_fn


# -- leaves and flags ------------------------------------------------------------------------------


@program
def leaves(t):
    x = leaf(t, 3)
    y = x * 2
    plain_one = t.ones(3)
    with t.no_grad():
        z = x * 2
    v = x[0]
    return [a.is_leaf for a in (x, y, plain_one, plain_one * 2, z, v, y.detach(), x.data)]


@program
def flags_that_cannot_be_set(t):
    x = leaf(t, 3)
    y = x * 2
    whole = t.arange(3)
    return [
        trial(lambda: whole.requires_grad_()),
        trial(lambda: y.requires_grad_(False)),
        trial(lambda: y.requires_grad_(True)),
        trial(lambda: whole.requires_grad_(False)),
        trial(lambda: x.requires_grad_(requires_grad=False)),
        trial(lambda: setattr(y, "requires_grad", False)),
        trial(lambda: setattr(whole, "requires_grad", True)),
        trial(lambda: setattr(x, "is_leaf", True)),
        trial(lambda: t.ones(2).bool().requires_grad_()),
        trial(lambda: t.ones(2, requires_grad=True, dtype=t.int64)),
        trial(lambda: t.ones(2).half().requires_grad_()),
    ]


@program
def detached_in_place(t):
    x = leaf(t, 3)
    y = x * 2
    same = y.detach_() is y
    z = leaf(t, 3)
    return (
        same,
        y.requires_grad,
        y.is_leaf,
        z.detach_().requires_grad,
        trial(lambda: x[0].detach_()),
    )


@program
def detached_views(t):
    x = leaf(t, 4)
    y = x * 2
    d = y.detach()
    d.zero_()
    return y, d.requires_grad, y._version, d._version


@program
def detached_then_used(t):
    x = leaf(t, 4)
    y = x.exp()
    y.detach().zero_()
    return trial(lambda: y.sum().backward())


@program
def data_set(t):
    x = leaf(t, 3)
    x.data = t.ones(2, 2, dtype=t.float64)
    before = x._version
    (x * x).sum().backward()
    return x, x.grad, before, x.is_leaf


@program
def data_set_of_many_kinds(t):
    x = leaf(t, 3)

    def assign(value):
        x.data = value

    return [trial(lambda v=v: assign(v)) for v in (3, [1.0], None, t.arange(3), t.ones(3))]


@program
def data_changed_unseen(t):
    x = leaf(t, 3)
    y = x.exp()
    y.data.mul_(2)
    y.sum().backward()
    return x.grad, y._version


@program
def data_of_a_view_set(t):
    base = t.zeros(2, 3)
    v = base[0]
    v.data = t.ones(3)
    v.add_(1)
    return base, v


@program
def grad_after_data_of_another_shape(t):
    x = leaf(t, 3)
    x.sum().backward()
    x.data = t.ones(2, dtype=t.float64)
    return trial(lambda: (x * x).sum().backward())


# -- nodes of the graph ----------------------------------------------------------------------------


@program
def hooks_of_a_node_in_their_order(t):
    x, seen = leaf(t, 3), []
    y = x * x
    y.grad_fn.register_hook(lambda gi, go: seen.append(("behind", gi, go)))
    y.grad_fn.register_prehook(lambda go: seen.append(("before", go)))
    y.register_hook(lambda g: seen.append(("tensor", g * 1)))
    y.sum().backward()
    return seen, x.grad


@program
def hooks_of_a_node_that_replace(t):
    x = leaf(t, 3)
    y = x * t.ones(3, dtype=t.float64)
    y.grad_fn.register_prehook(lambda go: (go[0] * 3,))
    handle = y.grad_fn.register_hook(lambda gi, go: (gi[0] + 1, gi[1]))
    other = y.grad_fn.register_hook(lambda gi, go: (gi[0] * 100, gi[1]))
    other.remove()
    z = y.sum()
    z.backward(retain_graph=True)
    handle.remove()
    z.backward()
    return x.grad, len(y.grad_fn.next_functions)


@program
def hooks_of_a_node_with_several_outputs(t):
    x, seen = leaf(t, 2, 3), []
    a, _ = x.unbind(0)
    a.grad_fn.register_prehook(lambda go: seen.append([g if g is None else g * 1 for g in go]))
    (a * 2).sum().backward()
    return seen, x.grad


@program
def hooks_of_a_node_recorded(t):
    x = leaf(t, 3)
    y = x.exp()
    y.grad_fn.register_hook(lambda gi, go: (gi[0] * gi[0],))
    (g,) = t.autograd.grad(y.sum(), x, create_graph=True)
    return g, t.autograd.grad(g.sum(), x)


@program
def hooks_of_a_node_of_the_wrong_number(t):
    x = leaf(t, 3)
    y = x.exp()
    y.grad_fn.register_hook(lambda gi, go: (gi[0], gi[0], gi[0]))
    return trial(lambda: y.sum().backward())


@program
def hooks_of_an_accumulator(t):
    x, seen = leaf(t, 3), []
    accumulator = (x * 2).grad_fn.next_functions[0][0]
    accumulator.register_hook(lambda gi, go: seen.append((gi, x.grad * 1)))
    accumulator.register_prehook(lambda go: (go[0] * 5,))
    (x * 2).sum().backward()
    same = (x * 2).grad_fn.next_functions[0][0] is accumulator
    return seen, x.grad, accumulator.variable is x, same, accumulator.next_functions


@program
def nodes_by_name(t):
    x = leaf(t, 2, 3)
    made = [x * 2, x + x, x - 1, x / 2, x.exp(), x.sum(), x.view(-1), -x, x.relu(), x.mean()]
    made += [x.softmax(0), t.cat([x, x]), x.clone(), x.log(), x.tanh(), x**2, t.stack([x, x])]
    names = [y.grad_fn.name() for y in made]
    counts = [len(y.grad_fn.next_functions) for y in made]
    return names, counts, [y.grad_fn.requires_grad for y in made[:2]]


@program
def walk_of_a_graph(t):
    x, w = leaf(t, 3), leaf(t, 3)
    todo, seen = [((x * w).exp().sum().grad_fn, 0)], []
    while todo:
        node, index = todo.pop()
        if node is not None:
            seen.append((node.name(), index))
            todo.extend(node.next_functions)
    y = x * 2
    y.grad_fn.metadata["note"] = 3
    return seen, y.grad_fn is y.grad_fn, y.grad_fn.metadata, x.grad_fn

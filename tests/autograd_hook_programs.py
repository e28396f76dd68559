"""Programs about hooks of tensors and retained gradients, for both libraries."""

from programs import Programs, leaf

program = Programs()


def trial(action):
    """The type of what an action raises, or "passed"."""
    try:
        action()
    except Exception as error:
        return type(error).__name__
    return "passed"


# -- hooks on tensors ------------------------------------------------------------------------------


@program
def hooks_after_accumulation(t):
    x, seen = leaf(t, 3), []
    x.register_hook(lambda g: seen.append(x.grad is None))
    x.register_post_accumulate_grad_hook(lambda p: seen.append((p is x, p.grad * 1)))
    handle = x.register_post_accumulate_grad_hook(lambda p: seen.append("second"))
    x.register_hook(lambda g: seen.append("late") or g * 2)
    (x * x).sum().backward()
    (x * x).sum().backward()
    handle.remove()
    (x * 5).sum().backward()
    return seen


@program
def hook_after_accumulation_steps_and_forgets(t):
    x = leaf(t, 3)

    def step(p):
        with t.no_grad():
            p -= 0.1 * p.grad
        p.grad = None

    x.register_post_accumulate_grad_hook(step)
    for _ in range(3):
        (x * x).sum().backward()
    return x, x.grad


@program
def hook_after_accumulation_of_a_non_leaf(t):
    (leaf(t, 3) * 2).register_post_accumulate_grad_hook(print)


@program
def hook_after_accumulation_of_what_needs_none(t):
    t.ones(3).register_post_accumulate_grad_hook(print)


@program
def hook_after_accumulation_returns_something(t):
    x = leaf(t, 3)
    x.register_post_accumulate_grad_hook(lambda p: p)
    (x * x).sum().backward()
    return x.grad


@program
def hooks_after_accumulation_under_grad(t):
    x, seen = leaf(t, 3), []
    x.register_post_accumulate_grad_hook(lambda p: seen.append(1))
    g = t.autograd.grad((x * x).sum(), x)
    (x * x).sum().backward(inputs=[x])
    (x * x).sum().backward(create_graph=True)
    return g, len(seen), x.grad


@program
def hook_that_removes_itself(t):
    x, seen = leaf(t, 3), []
    y = x * 2

    def once(g):
        seen.append("once")
        handle.remove()

    handle = y.register_hook(once)
    y.register_hook(lambda g: seen.append("always"))
    z = y.sum()
    z.backward(retain_graph=True)
    z.backward()
    return seen, x.grad


@program
def hook_that_removes_another(t):
    x, seen = leaf(t, 3), []
    x.register_hook(lambda g: seen.append("first") or other.remove())
    other = x.register_hook(lambda g: seen.append("other"))
    x.sum().backward()
    x.sum().backward()
    return seen


@program
def hook_that_returns_another_shape(t):
    x = leaf(t, 3)
    x.register_hook(lambda g: g.sum())
    return trial(lambda: (x * 2).sum().backward())


@program
def hook_that_returns_a_number(t):
    x = leaf(t, 3)
    x.register_hook(lambda g: 2.0)
    return trial(lambda: (x * 2).sum().backward())


@program
def hook_that_returns_another_type(t):
    x = leaf(t, 3)
    x.register_hook(lambda g: g.float())
    return trial(lambda: (x * 2).sum().backward()), x.grad


@program
def hook_that_raises(t):
    x = leaf(t, 3)

    def hook(g):
        raise ValueError("from the hook")

    x.register_hook(hook)
    (x * 2).sum().backward()


@program
def hook_as_a_context(t):
    x = leaf(t, 3)
    with x.register_hook(lambda g: g * 2):
        x.sum().backward()
    x.sum().backward()
    return x.grad


@program
def hooks_on_views(t):
    x, seen = leaf(t, 2, 3), []
    y = x * 2
    v = y[0]
    v.register_hook(lambda g: seen.append(g * 1) or g * 10)
    y.register_hook(lambda g: seen.append(g * 1))
    (v.sum() + y.sum() * 3).backward()
    return x.grad, seen


@program
def hook_before_a_change_in_place(t):
    x, seen = leaf(t, 3), []
    y = x * 2
    y.register_hook(lambda g: seen.append(g * 1))
    y.mul_(3)
    y.register_hook(lambda g: seen.append(g * 1))
    y.sum().backward()
    return x.grad, seen


@program
def hook_with_create_graph(t):
    x, seen = leaf(t, 3), []
    y = x * x
    y.register_hook(lambda g: seen.append((g.requires_grad, t.is_grad_enabled())))
    (y * y).sum().backward(create_graph=True)
    z = leaf(t, 3)
    z.register_hook(lambda g: seen.append((g.requires_grad, t.is_grad_enabled())))
    (z * z).sum().backward()
    return seen, x.grad


@program
def hook_changes_the_second_derivative(t):
    x = leaf(t, 3)
    y = x * x
    y.register_hook(lambda g: g * g)
    (g,) = t.autograd.grad((y * y).sum(), x, create_graph=True)
    return t.autograd.grad(g.sum(), x)


@program
def hooks_fire_once_with_the_sum(t):
    x, seen = leaf(t, 3), []
    x.register_hook(lambda g: seen.append(g * 1))
    ((x * 2) + x.exp() - x).sum().backward()
    return seen


@program
def hook_on_an_input_of_grad(t):
    x, seen = leaf(t, 3), []
    y = x * 2
    y.register_hook(lambda g: seen.append("y") or g * 3)
    x.register_hook(lambda g: seen.append("x") or g * 5)
    return t.autograd.grad((y * y).sum(), [x, y]), seen


@program
def hooks_where_no_gradient_comes(t):
    x, seen = leaf(t, 3), []
    y = x * 2
    y.register_hook(lambda g: seen.append("never"))
    (x * 3).sum().backward()
    return seen


@program
def hooks_on_a_loss(t):
    x = leaf(t, 3)
    loss = x.sum()
    loss.register_hook(lambda g: g * 4)
    loss.backward()
    return x.grad


@program
def hook_must_be_callable(t):
    leaf(t, 3).register_hook(3)
    return "taken"


# -- retained gradients ----------------------------------------------------------------------------


@program
def retained_after_a_change_in_place(t):
    x = leaf(t, 3)
    y = x * 3
    y.retain_grad()
    y.mul_(2)
    y.sum().backward()
    return y.grad, y.retains_grad, x.grad


@program
def retained_of_a_view_changed_in_place(t):
    x = leaf(t, 2, 3)
    y = x * 3
    v = y[0]
    v.retain_grad()
    v.mul_(2)
    y.sum().backward()
    return v.grad, x.grad


@program
def retained_with_create_graph(t):
    x = leaf(t, 3)
    y = x * x
    y.retain_grad()
    (y**3).sum().backward(create_graph=True)
    return y.grad, y.grad.requires_grad


@program
def retained_twice_and_accumulated(t):
    x = leaf(t, 3)
    y = x * 3
    y.retain_grad()
    y.retain_grad()
    z = (y * y).sum()
    z.backward(retain_graph=True)
    z.backward()
    return y.grad, x.grad


@program
def retained_of_a_leaf(t):
    x = leaf(t, 3)
    x.retain_grad()
    x.sum().backward()
    return x.grad, x.retains_grad


@program
def retained_of_what_needs_none(t):
    t.ones(2).retain_grad()


@program
def retained_after_hooks_in_their_order(t):
    x = leaf(t, 3)
    y = x * 3
    y.retain_grad()
    y.register_hook(lambda g: g * 2)
    y.sum().backward()
    return y.grad, x.grad


@program
def retained_under_grad(t):
    x = leaf(t, 3)
    y = x * 3
    y.retain_grad()
    t.autograd.grad((y * y).sum(), x)
    return y.grad, x.grad


# -- their order -----------------------------------------------------------------------------------


@program
def leaf_hooks_in_the_order_of_arrival(t):
    seen = []
    a, b, c = leaf(t, 3), leaf(t, 3), leaf(t, 3)
    y = a * b
    z = y * c
    for name, v in (("a", a), ("y", y), ("c", c), ("z", z), ("b", b)):
        v.register_hook(lambda g, name=name: seen.append(name))
    (z * z + a).sum().backward()
    return seen


@program
def layers_tell_their_parameters_in_order(t):
    seen = []
    net = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.ReLU(), t.nn.Linear(3, 1))
    for name, p in net.named_parameters():
        p.register_post_accumulate_grad_hook(lambda p, name=name: seen.append(name))
    net(t.ones(4, 2)).sum().backward()
    return seen


@program
def hooks_of_leaves_that_grad_does_not_ask_for(t):
    x, w, seen = leaf(t, 3), leaf(t, 3), []
    w.register_hook(lambda g: seen.append("w"))
    x.register_hook(lambda g: seen.append("x"))
    g = t.autograd.grad((x * w).sum(), x)
    (x * w).sum().backward(inputs=[x])
    return g, seen, w.grad, x.grad

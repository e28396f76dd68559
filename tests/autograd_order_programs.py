"""More programs about custom functions, hooks and the order of what they do."""

import copy

from autograd_function_programs import function
from autograd_hook_programs import trial
from programs import Programs, leaf

program = Programs()


@program
def function_that_writes_into_a_view(t):
    def f(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    F = function(t, f, lambda ctx, g: g * 2)
    x = leaf(t, 2, 3)
    y = x * 1
    v = y[0]
    w = F.apply(v)
    (y * y).sum().backward()
    return w is v, x.grad, y, v.requires_grad


@program
def function_that_writes_one_of_two(t):
    def f(ctx, x, z):
        ctx.mark_dirty(x)
        x.mul_(z)
        ctx.save_for_backward(z)
        return x, z * 3

    F = function(t, f, lambda ctx, g, h: (g * ctx.saved_tensors[0], h * 3))
    x = leaf(t, 3)
    z = leaf(t, 3)
    y = x * 1
    w, q = F.apply(y, z)
    (y + q).sum().backward()
    return w is y, x.grad, z.grad


@program
def function_that_saves_what_it_wrote(t):
    def f(ctx, x):
        ctx.mark_dirty(x)
        x.exp_()
        ctx.save_for_backward(x)
        return x

    F = function(t, f, lambda ctx, g: g * ctx.saved_tensors[0])
    x = leaf(t, 3)
    y = x * 1
    w = F.apply(y)
    (w * w).sum().backward()
    return x.grad


@program
def function_that_saves_what_it_wrote_differentiated_twice(t):
    def f(ctx, x):
        ctx.mark_dirty(x)
        x.exp_()
        ctx.save_for_backward(x)
        return x

    F = function(t, f, lambda ctx, g: g * ctx.saved_tensors[0])
    x = leaf(t, 3)
    y = x * 1
    w = F.apply(y)
    (g,) = t.autograd.grad((w * w).sum(), x, create_graph=True)
    return g, t.autograd.grad(g.sum(), x)


@program
def function_that_returns_one_tensor_twice(t):
    F = function(t, lambda ctx, x: (lambda y: (y, y))(x * 2), lambda ctx, g, h: g * 2 + h * 20)
    x = leaf(t, 3)
    a, b = F.apply(x)
    (a.sum() + b.sum() * 3).backward()
    return x.grad, a is b


@program
def function_of_one_tensor_twice(t):
    F = function(t, lambda ctx, x, y: x * y, lambda ctx, g: (g * 1, g * 10))
    x = leaf(t, 3)
    F.apply(x, x).sum().backward()
    return x.grad


@program
def function_of_nothing(t):
    F = function(t, lambda ctx: t.ones(2), lambda ctx, g: ())
    return F.apply()


@program
def function_of_a_list(t):
    F = function(t, lambda ctx, xs: xs[0] + xs[1], lambda ctx, g: None)
    y = F.apply([leaf(t, 2), leaf(t, 2)])
    return y.requires_grad


@program
def function_that_returns_a_nest(t):
    F = function(t, lambda ctx, x: (x * 2, [x * 3]), lambda ctx, g, h: g)
    y, z = F.apply(leaf(t, 2))
    return y.requires_grad, z[0].requires_grad, type(z).__name__


@program
def function_that_returns_its_input_without_gradient(t):
    def f(ctx, x):
        ctx.mark_non_differentiable(x)
        return x

    F = function(t, f, lambda ctx, g: g)
    x = leaf(t, 2)
    y = F.apply(x)
    return y is x, y.requires_grad


@program
def function_of_a_parameter(t):
    F = function(t, lambda ctx, x: x * 2, lambda ctx, g: g * 2)
    p = t.nn.Parameter(t.ones(3))
    y = F.apply(p)
    y.sum().backward()
    return type(y).__name__, p.grad


@program
def function_that_returns_a_parameter(t):
    F = function(t, lambda ctx, x: x, lambda ctx, g: g * 2)
    p = t.nn.Parameter(t.ones(3))
    y = F.apply(p)
    y.sum().backward()
    return type(y).__name__, p.grad, y.is_leaf


@program
def hook_that_writes_into_the_gradient(t):
    x = leaf(t, 3)
    y = x * 2
    y.register_hook(lambda g: g.mul_(3))
    y.sum().backward()
    return x.grad


@program
def hook_of_a_leaf_that_writes_into_the_gradient(t):
    x = leaf(t, 3)
    x.register_hook(lambda g: g.clamp_(0, 1))
    (x * x).sum().backward()
    return x.grad


@program
def hook_registered_by_a_hook(t):
    x = leaf(t, 3)
    seen = []

    def h(g):
        seen.append(1)
        x.register_hook(lambda g: seen.append(2))

    x.register_hook(h)
    x.sum().backward()
    x.sum().backward()
    return seen


@program
def order_of_parameters_of_an_embedding_and_norms(t):
    seen = []
    m = t.nn.Sequential(
        t.nn.Embedding(4, 3),
        t.nn.LayerNorm(3),
        t.nn.Linear(3, 3, bias=False),
        t.nn.GELU(),
        t.nn.Linear(3, 2),
    )
    for n, p in m.named_parameters():
        p.register_post_accumulate_grad_hook(lambda p, n=n: seen.append(n))
    m(t.tensor([[0, 1], [2, 3]])).sum().backward()
    return seen


@program
def order_of_parameters_of_a_convolution(t):
    seen = []
    m = t.nn.Sequential(
        t.nn.Conv2d(1, 2, 3), t.nn.BatchNorm2d(2), t.nn.ReLU(), t.nn.Flatten(), t.nn.Linear(8, 2)
    )
    for n, p in m.named_parameters():
        p.register_hook(lambda g, n=n: seen.append(n))
    m(t.ones(2, 1, 4, 4)).sum().backward()
    return seen


@program
def order_of_shared_leaves(t):
    seen = []
    a = leaf(t, 3)
    b = leaf(t, 3)
    a.register_hook(lambda g: seen.append("a"))
    b.register_hook(lambda g: seen.append("b"))
    ((a * b).exp() * b + a).sum().backward()
    return seen


@program
def hook_of_a_view_whose_base_is_written(t):
    x = leaf(t, 4)
    y = x * 1
    v = y[:2]
    seen = []
    v.register_hook(lambda g: seen.append(g * 1))
    y.mul_(2)
    (v * 3).sum().backward()
    return seen, x.grad


@program
def retained_base_whose_view_is_written(t):
    x = leaf(t, 4)
    y = x * 1
    y.retain_grad()
    y[:2].mul_(5)
    y.sum().backward()
    return y.grad, x.grad


@program
def retained_and_written_by_index(t):
    x = leaf(t, 4)
    y = x * 1
    y.retain_grad()
    y[0] = 7.0
    (y * y).sum().backward()
    return y.grad, x.grad


@program
def hook_of_one_of_several_views(t):
    x = leaf(t, 2, 3)
    a, b = x.unbind(0)
    a.register_hook(lambda g: g * 10)
    a.retain_grad()
    (a + b).sum().backward()
    return x.grad, a.grad


@program
def hooks_of_a_copy(t):
    x = leaf(t, 3)
    x.register_hook(lambda g: g * 10)
    y = copy.deepcopy(x)
    y.sum().backward()
    return y.grad


@program
def variables(t):
    V = t.autograd.Variable
    x = V(t.ones(2), requires_grad=True)
    return isinstance(x, V), x.requires_grad, isinstance(x, t.Tensor), type(x).__name__


@program
def anomaly_found(t):
    x = leaf(t, 3)
    with t.autograd.set_detect_anomaly(True):
        return trial(lambda: ((x - x).sqrt() * 0).sum().backward()), t.is_anomaly_enabled()


@program
def edge_of_a_tensor(t):
    x = leaf(t, 3)
    y = x * 2
    e = t.autograd.graph.get_gradient_edge(y)
    return e.output_nr, e.node.name()


@program
def gradient_reset_between_passes(t):
    x = leaf(t, 3)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    x.grad = None
    y.backward()
    return x.grad


@program
def writes_into_leaves(t):
    x = leaf(t, 3)

    def f():
        x[0] = 1.0

    return (
        trial(lambda: x.add_(1)),
        trial(f),
        trial(lambda: x[0].add_(1)),
        trial(lambda: x.data.add_(1)),
        trial(lambda: x.detach().add_(1)),
    )


@program
def graph_used_twice(t):
    x = leaf(t, 3)
    y = x.exp()
    z = y.sum()
    z.backward()
    return trial(z.backward), trial(lambda: y.backward(t.ones(3, dtype=t.float64)))

"""Programs about ``autograd.Function``, for both libraries."""

import warnings

from autograd_hook_programs import trial
from programs import Programs, leaf

program = Programs()


def function(t, forward, backward, **more):
    """A Function of two static methods."""
    methods = {"forward": forward, "backward": backward, **more}
    return type("F", (t.autograd.Function,), {k: staticmethod(v) for k, v in methods.items()})


def cube(t):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * g

    return function(t, forward, backward)


@program
def in_the_style_of_setup_context(t):
    seen = []

    def forward(x, factor):
        return x.exp() * factor, x * 2

    def setup(ctx, inputs, output):
        _, ctx.factor = inputs
        seen.append((len(inputs), len(output), type(inputs).__name__))
        ctx.save_for_backward(output[0])

    def backward(ctx, g, h):
        (y,) = ctx.saved_tensors
        return g * y + 2 * h, None

    x = leaf(t, 3)
    y, z = function(t, forward, backward, setup_context=setup).apply(x, 3.0)
    (y * z).sum().backward()
    return x.grad, y, z, seen


@program
def saves_inputs_outputs_and_none(t):
    seen = []

    def forward(ctx, a, b):
        y = a * b
        ctx.save_for_backward(a, None, y, b)
        return y

    def backward(ctx, g):
        a, none, y, b = ctx.saved_tensors
        seen.append((none, a.requires_grad, y.requires_grad, y.grad_fn is None, a is x, a.is_leaf))
        return g * b, g * a

    x, z = leaf(t, 3), t.ones(3, dtype=t.float64)
    y = function(t, forward, backward).apply(x, z)
    y.sum().backward()
    return x.grad, seen


@program
def saves_an_intermediate_and_is_differentiated_twice(t):
    def forward(ctx, x):
        e = x.exp()
        ctx.save_for_backward(x, e)
        return x * e

    def backward(ctx, g):
        x, e = ctx.saved_tensors
        return g * (1 + x) * e

    x = leaf(t, 3)
    (g,) = t.autograd.grad(function(t, forward, backward).apply(x).sum(), x, create_graph=True)
    return g, t.autograd.grad(g.sum(), x)  # the intermediate is a constant to the second


@program
def saves_its_output_and_is_differentiated_twice(t):
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    def backward(ctx, g):
        return g * ctx.saved_tensors[0]

    x = leaf(t, 3)
    y = function(t, forward, backward).apply(x)
    (g,) = t.autograd.grad((y * y).sum(), x, create_graph=True)
    (h,) = t.autograd.grad(g.sum(), x, create_graph=True)
    return g, h, t.autograd.grad(h.sum(), x)


@program
def saves_one_of_several_outputs_and_is_differentiated_twice(t):
    def forward(ctx, x):
        y, z = x.exp(), x.sin()
        ctx.save_for_backward(y, x)
        return y, z

    def backward(ctx, g, h):
        y, x = ctx.saved_tensors
        return g * y + h * x.cos()

    x = leaf(t, 3)
    y, z = function(t, forward, backward).apply(x)
    (g,) = t.autograd.grad((y * z).sum(), x, create_graph=True)
    return g, t.autograd.grad(g.sum(), x)


@program
def third_derivative(t):
    x = leaf(t, 3)
    y = cube(t).apply(x * x)
    for _ in range(3):
        (y,) = t.autograd.grad(y.sum(), x, create_graph=True)
    return y


@program
def what_needs_gradients_is_told(t):
    seen = []

    def forward(ctx, *args):
        seen.append(ctx.needs_input_grad)
        return args[0] * 2 + args[1]

    def backward(ctx, g):
        seen.append(ctx.needs_input_grad)
        return g * 2, g, None, None

    f = function(t, forward, backward)
    x = leaf(t, 3)
    f.apply(x, t.ones(3, dtype=t.float64), 3, "s").sum().backward()
    f.apply(x * 1, leaf(t, 3), None, [x]).sum().backward()
    y = f.apply(t.ones(3), t.ones(3), 1, 2)
    with t.no_grad():
        z = f.apply(x, x, 1, 2)
    return seen, y.requires_grad, z.requires_grad, x.grad


@program
def keyword_arguments(t):
    return trial(lambda: cube(t).apply(x=leaf(t, 3)))


@program
def gradients_of_wrong_number(t):
    results = []
    for count in range(5):
        f = function(t, lambda ctx, a, b: a * b, lambda ctx, g, n=count: (g,) * n)
        results.append(trial(lambda f=f: f.apply(leaf(t, 3), leaf(t, 3)).sum().backward()))
    f = function(t, lambda ctx, a, b: a * b, lambda ctx, g: (g, g, None, None))
    results.append(trial(lambda: f.apply(leaf(t, 3), leaf(t, 3)).sum().backward()))
    return results


@program
def gradients_of_wrong_kinds(t):
    results = []
    for make in (
        lambda g: g.sum(),
        lambda g: g[:2],
        lambda g: g[None],
        lambda g: g[:, None] * g,
        lambda g: g.float(),
        lambda g: 3.0,
        lambda g: "g",
        lambda g: [g],
        lambda g: g > 0,
        lambda g: None,
    ):
        f = function(t, lambda ctx, x: x * 2, lambda ctx, g, make=make: make(g))
        x = leaf(t, 3)
        results.append((trial(lambda f=f, x=x: f.apply(x).sum().backward()), x.grad))
    return results


@program
def gradient_for_what_needs_none(t):
    f = function(t, lambda ctx, a, n: a * n, lambda ctx, g: (g * 2, g))
    x = leaf(t, 3)
    f.apply(x, 2).sum().backward()
    f.apply(x, t.ones(3, dtype=t.float64)).sum().backward()
    return x.grad


@program
def gradient_is_cast(t):
    f = function(t, lambda ctx, x: x.double(), lambda ctx, g: g)
    x = t.ones(3, requires_grad=True)
    f.apply(x).sum().backward()
    return x.grad


@program
def cotangents_that_are_missing(t):
    seen = []

    def forward(ctx, x):
        return x * 2, x * 3, x.sum()

    def backward(ctx, *gs):
        seen.append([g if g is None else g * 1 for g in gs])
        return sum(g.sum() for g in gs if g is not None) * t.ones(3, dtype=t.float64)

    def kept(ctx, x):
        ctx.set_materialize_grads(False)
        return forward(ctx, x)

    x = leaf(t, 3)
    function(t, forward, backward).apply(x)[1].sum().backward()
    function(t, kept, backward).apply(x)[2].backward()
    return x.grad, seen


@program
def outputs_that_are_no_tensors(t):
    f = function(t, lambda ctx, x: (x * 2, "text", None, 7), lambda ctx, g, a, b, c: (seen.append(
        (a, b, c)), g * 2)[1])  # fmt: skip
    seen = []
    x = leaf(t, 3)
    y, *others = f.apply(x)
    y.sum().backward()
    return others, seen, x.grad


@program
def output_of_integers(t):
    f = function(t, lambda ctx, x: (x * 2, x.argmax()), lambda ctx, g, h: (seen.append(h), g)[1])
    seen = []
    x = leaf(t, 3)
    y, i = f.apply(x)
    y.sum().backward()
    return i, i.requires_grad, x.grad, [h if h is None else h * 1 for h in seen]


@program
def output_that_is_a_list(t):
    f = function(t, lambda ctx, x: [x * 2, x * 3], lambda ctx, g, h: g)
    return trial(lambda: f.apply(leaf(t, 3)))


@program
def output_of_one_in_a_tuple(t):
    f = function(t, lambda ctx, x: (x * 2,), lambda ctx, g: g * 2)
    x = leaf(t, 3)
    y = f.apply(x)
    y[0].sum().backward()
    return type(y).__name__, len(y), x.grad


@program
def output_that_is_none(t):
    f = function(t, lambda ctx, x: None, lambda ctx, g: g)
    return f.apply(leaf(t, 3))


@program
def several_marked_without_gradient(t):
    def forward(ctx, x):
        a, b = x.floor(), x.ceil()
        ctx.mark_non_differentiable(a, b)
        return a, x * 2, b

    seen = []
    f = function(t, forward, lambda ctx, *gs: (seen.append([g * 1 for g in gs]), gs[1] * 2)[1])
    x = leaf(t, 3)
    a, y, b = f.apply(x)
    y.sum().backward()
    return a.requires_grad, b.requires_grad, y.requires_grad, x.grad, seen


@program
def marked_dirty_on_a_leaf(t):
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    return trial(lambda: function(t, forward, lambda ctx, g: g * 2).apply(leaf(t, 3)))


@program
def marked_dirty_bumps_the_version(t):
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    f = function(t, forward, lambda ctx, g: g * 2)
    x = leaf(t, 3)
    y = x * 1
    z = y.exp()
    kept = y.sin()
    w = f.apply(y)
    return (
        w is y,
        y._version,
        trial(lambda: z.sum().backward()),
        trial(lambda: kept.sum().backward()),
    )


@program
def marked_dirty_and_not_returned(t):
    def forward(ctx, x):
        ctx.mark_dirty(x)
        x.mul_(2)
        return x + 1

    return trial(lambda: function(t, forward, lambda ctx, g: g).apply(leaf(t, 3) * 1))


@program
def marked_dirty_needing_none(t):
    def forward(ctx, x, y):
        ctx.mark_dirty(x)
        return x.mul_(y)

    a, b = t.ones(3, dtype=t.float64), leaf(t, 3)
    z = function(t, forward, lambda ctx, g: (None, g)).apply(a, b)
    z.sum().backward()
    return z is a, a.requires_grad, a.is_leaf, b.grad


@program
def input_returned_among_others(t):
    f = function(t, lambda ctx, x, y: (x, x * y), lambda ctx, g, h: (g * 3 + h, h))
    x, y = leaf(t, 3), leaf(t, 3)
    same, z = f.apply(x, y)
    (same + z).sum().backward()
    return same is x, x.grad, y.grad, same.is_leaf


@program
def input_needing_none_returned(t):
    f = function(t, lambda ctx, x, y: (x, x * y), lambda ctx, g, h: (None, g + h))
    x, y = t.ones(3, dtype=t.float64), leaf(t, 3)
    same, z = f.apply(x, y)
    (same + z).sum().backward()
    return same is x, same.requires_grad, y.grad


@program
def view_of_an_input_returned(t):
    f = function(t, lambda ctx, x: x.view(-1), lambda ctx, g: g.view(2, 3) * 2)
    x = leaf(t, 2, 3)
    y = f.apply(x)
    y.sum().backward()
    return y, x.grad, y._is_view()


@program
def view_of_an_input_changed(t):
    f = function(t, lambda ctx, x: x[0], lambda ctx, g: t.stack([g * 2, g * 0]))
    x = leaf(t, 2, 3)
    y = f.apply(x * 1)
    return trial(lambda: y.mul_(3).sum().backward())


@program
def function_inside_a_function(t):
    inner = cube(t)

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return inner.apply(x) * 2

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        with t.enable_grad():
            y = x.detach().requires_grad_()
            z = inner.apply(y) * 2
        return t.autograd.grad(z, y, g)[0]

    x = leaf(t, 3)
    function(t, forward, backward).apply(x).sum().backward()
    return x.grad


@program
def backward_through_a_graph_of_its_own(t):
    def forward(ctx, x):
        with t.enable_grad():
            ctx.x = x.detach().requires_grad_()
            ctx.y = (ctx.x * ctx.x).sin()
        return ctx.y.detach()

    def backward(ctx, g):
        return t.autograd.grad(ctx.y, ctx.x, g)

    x = leaf(t, 3)
    function(t, forward, backward).apply(x).sum().backward()
    return x.grad


@program
def modes_inside(t):
    seen = []

    def forward(ctx, x):
        seen.append((t.is_grad_enabled(), x.requires_grad, (x * 2).requires_grad))
        return x * 2

    def backward(ctx, g):
        seen.append((t.is_grad_enabled(), g.requires_grad))
        return g * 2

    f = function(t, forward, backward)
    x = leaf(t, 3)
    f.apply(x).sum().backward()
    t.autograd.grad(f.apply(x).sum(), x, create_graph=True)
    return seen


@program
def once_differentiable(t):
    from importlib import import_module

    once = import_module(f"{t.__name__}.autograd.function").once_differentiable

    def backward(ctx, g):
        return ctx.saved_tensors[0] * 2 * g

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    f = function(t, forward, once(backward))
    x = leaf(t, 3)
    (g,) = t.autograd.grad(f.apply(x).sum(), x, create_graph=True)
    return (
        g,
        g.requires_grad,
        trial(lambda: t.autograd.grad(g.sum(), x)),
        trial(lambda: f.apply(x).sum().backward()),
    )


@program
def the_old_style(t):
    class Old(t.autograd.Function):
        def forward(self, x):
            return x * 2

        def backward(self, g):
            return g * 2

    return trial(lambda: Old()(leaf(t, 3))), trial(lambda: Old.apply(leaf(t, 3)))


@program
def without_methods(t):
    class Nothing(t.autograd.Function):
        pass

    class OnlyForward(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    y = OnlyForward.apply(leaf(t, 3))
    return trial(lambda: Nothing.apply(leaf(t, 3))), trial(lambda: y.sum().backward())


@program
def by_the_name_vjp(t):
    class Named(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def vjp(ctx, g):
            return g * 5

    x = leaf(t, 3)
    Named.apply(x).sum().backward()
    return x.grad


@program
def with_more_static_methods(t):
    class Rich(t.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x):
            return x * 2

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, g):
            return g * 2

        @staticmethod
        def jvp(ctx, d):
            return d * 2

    x = leaf(t, 3)
    Rich.apply(x).sum().backward()
    return x.grad


@program
def inherited_and_called_by_super(t):
    class Base(t.autograd.Function):
        @staticmethod
        def forward(ctx, x, k):
            ctx.k = k
            return x * k

        @staticmethod
        def backward(ctx, g):
            return g * ctx.k, None

    class Twice(Base):
        @staticmethod
        def forward(ctx, x, k):
            return Base.forward(ctx, x, k) * 2

        @classmethod
        def run(cls, x):
            return super().apply(x, 5)

        @staticmethod
        def backward(ctx, g):
            return Base.backward(ctx, g * 2)

    x = leaf(t, 3)
    Twice.run(x).sum().backward()
    return x.grad


@program
def the_context_is_the_node(t):
    seen = []

    def forward(ctx, x):
        ctx.note = [1, 2]
        ctx.save_for_backward(x)
        return x * 2

    def backward(ctx, g):
        seen.append((ctx.note, ctx.name(), type(ctx).__name__))
        return g * 2

    x = leaf(t, 3)
    y = function(t, forward, backward).apply(x)
    y.grad_fn.note.append(3)
    saved = y.grad_fn.saved_tensors
    y.sum().backward()
    return seen, y.grad_fn.name(), type(y.grad_fn).__name__, saved, y.grad_fn.needs_input_grad


@program
def saved_tensors_freed(t):
    y = cube(t).apply(leaf(t, 3))
    before = len(y.grad_fn.saved_tensors)
    y.sum().backward()
    return before, trial(lambda: y.grad_fn.saved_tensors)


@program
def saves_what_is_no_tensor(t):
    def forward(ctx, x):
        ctx.save_for_backward(x, 3)
        return x * 2

    return trial(lambda: function(t, forward, lambda ctx, g: g).apply(leaf(t, 3)))


@program
def backward_without_what_was_saved_runs_again(t):
    f = function(t, lambda ctx, x: x * 2, lambda ctx, g: g * 2)
    x = leaf(t, 3)
    y = f.apply(x)
    z = y + 1
    z.sum().backward()
    return trial(lambda: z.sum().backward()), x.grad


@program
def error_in_backward_passes_through(t):
    def backward(ctx, g):
        raise KeyError("mine")

    y = function(t, lambda ctx, x: x * 2, backward).apply(leaf(t, 3))
    try:
        y.sum().backward()
    except KeyError as error:
        return repr(error)


@program
def straight_through(t):
    f = function(t, lambda ctx, x: (x > 0).to(x.dtype), lambda ctx, g: g.clamp(-1, 1))
    x = leaf(t, 5)
    (f.apply(x) * t.linspace(-3, 3, 5, dtype=t.float64)).sum().backward()
    return x.grad


@program
def reversed_gradient_with_a_free_attribute(t):
    def forward(ctx, x, weight):
        ctx.weight = weight
        return x.view_as(x)

    x = leaf(t, 4)
    f = function(t, forward, lambda ctx, g: (g.neg() * ctx.weight, None))
    y = f.apply(x, 0.25)
    y.pow(2).sum().backward()
    return x.grad, y


@program
def result_that_is_already_of_a_graph(t):
    def forward(ctx, x):
        with t.enable_grad():
            return (x * 2).requires_grad_()

    x = leaf(t, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = function(t, forward, lambda ctx, g: g * 7).apply(x)
    y.sum().backward()
    return x.grad

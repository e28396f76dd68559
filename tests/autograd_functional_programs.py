"""Programs about ``autograd.functional``, ``grad`` and ``backward``, for both libraries."""

from functools import partial

from autograd_hook_programs import trial
from programs import Programs, leaf

program = Programs()


def two(a, b):
    return a * b.sum(), (a * a).sum()


def cubes(x):
    return (x**3).sum()


def mixed(a, b):
    return (a * a * b[:2]).sum() + b.prod()


def a_and_b(t):
    return t.tensor([1.0, -2.0]), t.tensor([0.5, 1.5, 2.0])


def result(function):
    """Its tensors, whether they are of a graph, and how they nest; or the type of its error."""

    def nested(value):
        if isinstance(value, tuple | list):
            return [type(value).__name__, *map(nested, value)]
        return [value, value.requires_grad]

    try:
        return nested(function())
    except Exception as error:
        return type(error).__name__


@program
def jacobians(t):
    jacobian = t.autograd.functional.jacobian
    a, b = a_and_b(t)
    return [
        result(lambda: jacobian(lambda x: x.exp(), a)),
        result(lambda: jacobian(lambda x: x.outer(x), a)),
        result(lambda: jacobian(two, (a, b))),
        result(lambda: jacobian(lambda a, b: a.sum() * b, (a, b))),
        result(lambda: jacobian(lambda x: (x, x.sum()), a)),
        result(lambda: jacobian(lambda x: (x * 2,), (a,))),
        result(lambda: jacobian(lambda x: t.ones(2), a)),
        result(lambda: jacobian(lambda a, b: a * 2, (a, b))),
        result(lambda: jacobian(lambda x: x.sum(), t.tensor(2.0))),
        result(lambda: jacobian(two, [a, b])),
        result(lambda: jacobian(lambda x: [x, x], a)),
        result(lambda: jacobian(lambda x: 3.0, a)),
        result(lambda: jacobian(cubes, t.arange(3))),
    ]


@program
def jacobians_by_other_strategies(t):
    jacobian = t.autograd.functional.jacobian
    a, b = a_and_b(t)
    forward = partial(jacobian, strategy="forward-mode")
    return [
        result(lambda: jacobian(two, (a, b), vectorize=True)),
        result(lambda: jacobian(lambda a, b: a * 2, (a, b), vectorize=True)),
        result(lambda: forward(two, (a, b), vectorize=True)),
        result(lambda: forward(two, (a, b))),
        result(lambda: forward(two, (a, b), vectorize=True, strict=True)),
        result(lambda: forward(two, (a, b), vectorize=True, create_graph=True)),
        result(lambda: jacobian(two, (a, b), vectorize=True, strict=True)),
        result(lambda: jacobian(two, (a, b), strategy="sideways")),
    ]


@program
def strict_jacobians(t):
    jacobian = partial(t.autograd.functional.jacobian, strict=True)
    a, b = a_and_b(t)
    return [
        result(lambda: jacobian(lambda x: x * 3, a)),
        result(lambda: jacobian(lambda x: x * 3, a, create_graph=True)),
        result(lambda: jacobian(lambda x: x * x, a, create_graph=True)),
        result(lambda: jacobian(lambda x: t.ones(2), a)),
        result(lambda: jacobian(lambda a, b: a * 2, (a, b))),
    ]


@program
def jacobian_with_a_graph(t):
    x = leaf(t, 3)
    j = t.autograd.functional.jacobian(lambda x: x**3, x, create_graph=True)
    other = t.autograd.functional.jacobian(lambda x: x**3, x.detach(), create_graph=True)
    j.sum().backward()
    return j, x.grad, other.requires_grad, x.requires_grad


@program
def jacobian_under_no_grad(t):
    x = leaf(t, 3)
    with t.no_grad():
        return t.autograd.functional.jacobian(lambda x: x**3, x), t.is_grad_enabled()


@program
def jacobian_of_a_layer(t):
    w = t.linspace(-1, 1, 6).reshape(2, 3).requires_grad_()
    j = t.autograd.functional.jacobian(lambda x: (x @ w.T).tanh(), t.ones(4, 3))
    return j, w.grad


@program
def hessians(t):
    hessian = t.autograd.functional.hessian
    a, b = a_and_b(t)
    return [
        result(lambda: hessian(cubes, a)),
        result(lambda: hessian(mixed, (a, b))),
        result(lambda: hessian(cubes, (a,))),
        result(lambda: hessian(mixed, (a, b), create_graph=True)),
        result(lambda: hessian(mixed, (a, b), vectorize=True)),
        result(lambda: hessian(mixed, (a, b), outer_jacobian_strategy="forward-mode")),
        result(lambda: hessian(mixed, (a, b), outer_jacobian_strategy="sideways")),
        result(lambda: hessian(lambda x: x * x, a)),
        result(lambda: hessian(lambda x: (cubes(x),), a)),
        result(lambda: hessian(lambda x: x.sum(), a)),
        result(lambda: hessian(lambda x: x.sum(), a, strict=True)),
        result(lambda: hessian(cubes, a, strict=True)),
        result(lambda: hessian(lambda a, b: cubes(a), (a, b), strict=True)),
        result(lambda: hessian(lambda x: cubes(x).reshape(1, 1), a)),
        result(lambda: hessian(lambda x: t.tensor(1.0), a)),
    ]


@program
def hessian_forward_over_backward(t):
    hessian = partial(t.autograd.functional.hessian, outer_jacobian_strategy="forward-mode")
    a, b = a_and_b(t)
    return hessian(mixed, (a, b), vectorize=True), hessian(cubes, a, vectorize=True)


@program
def hessian_with_a_graph(t):
    x = leaf(t, 2)
    h = t.autograd.functional.hessian(lambda x: (x**4).sum(), x, create_graph=True)
    h.sum().backward()
    return h, x.grad


@program
def products(t):
    f = t.autograd.functional
    a, b = a_and_b(t)
    va, vb = t.tensor([1.0, 2.0]), t.tensor([0.5, -1.0, 1.0])
    one = t.tensor(3.0)
    return [
        result(lambda: f.vjp(two, (a, b), (va, t.tensor(2.0)))),
        result(lambda: f.vjp(lambda x: x.sum(), a)),
        result(lambda: f.vjp(lambda x: x * x, a, va, create_graph=True)),
        result(lambda: f.vjp(lambda a, b: a * 2, (a, b), va)),
        result(lambda: f.jvp(two, (a, b), (va, vb))),
        result(lambda: f.jvp(lambda x: x.exp(), one)),
        result(lambda: f.jvp(lambda x: x * x, a, va, create_graph=True)),
        result(lambda: f.jvp(lambda a, b: a * 2, (a, b), (va, vb))),
        result(lambda: f.hvp(mixed, (a, b), (va, vb))),
        result(lambda: f.vhp(mixed, (a, b), (va, vb))),
        result(lambda: f.hvp(cubes, one)),
        result(lambda: f.vhp(cubes, one)),
        result(lambda: f.hvp(cubes, a, va, create_graph=True)),
        result(lambda: f.vhp(cubes, a, va, create_graph=True)),
        result(lambda: f.hvp(lambda a, b: cubes(a), (a, b), (va, vb))),
        result(lambda: f.vhp(lambda a, b: cubes(a), (a, b), (va, vb))),
        result(lambda: f.hvp(lambda x: x.sum(), a, va)),
        result(lambda: f.vhp(lambda x: x.sum(), a, va)),
    ]


@program
def products_that_are_refused(t):
    f = t.autograd.functional
    a, b = a_and_b(t)
    found = []
    for name in ("vjp", "jvp", "hvp", "vhp"):
        product = getattr(f, name)
        found += [
            result(lambda p=product: p(lambda x: x * x, a)),
            result(lambda p=product: p(cubes, a, b)),
            result(lambda p=product: p(cubes, a, (a, a))),
            result(lambda p=product: p(cubes, a, 3.0)),
            result(lambda p=product: p(lambda x: t.ones(()), a, t.ones(()), strict=True)),
            result(lambda p=product: p(lambda x: t.ones(2), a, a, strict=True)),
            result(lambda p=product: p(lambda x: x.sum(), a, a, strict=True)),
            result(lambda p=product: p(lambda x: x * x, a, a, strict=True)),
            result(lambda p=product: p(cubes, a, a, strict=True)),
            result(lambda p=product: p(lambda x: (cubes(x), cubes(x)), a, a)),
            result(lambda p=product: p(cubes, 3, a)),
        ]
    return found


# -- grad and backward -----------------------------------------------------------------------------


@program
def grad_of_many_forms(t):
    grad = t.autograd.grad
    x, w, unused = leaf(t, 3), leaf(t, 3), leaf(t, 2)
    y = (x * w).sum()
    v = x * w
    ones = t.ones(3, dtype=t.float64)

    def again(**options):
        return partial(grad, retain_graph=True, **options)

    return [
        result(lambda: again()(y, x)),
        result(lambda: again()(y, [x, w])),
        result(lambda: again()((y, v), (x, w), (None, ones))),
        result(lambda: again()([y, v], [x, x], [None, ones])),
        result(lambda: again()(y, [x, unused])),
        result(lambda: again(materialize_grads=True)(y, [x, unused])),
        result(lambda: again(materialize_grads=True, allow_unused=False)(y, [x, unused])),
        result(lambda: again(allow_unused=False)(y, [x])),
        result(lambda: again()(y, [])),
        result(lambda: again()([], [x])),
        result(lambda: again()(v, x)),
        result(lambda: again()(v, x, ones[:2])),
        result(lambda: again()(v, x, ones[None])),
        result(lambda: again()(v, x, [ones, ones])),
        result(lambda: again()(v, x, ones.float())),
        result(lambda: again()(y, t.ones(3))),
        result(lambda: again()(t.ones(3).sum(), x)),
        result(lambda: again()(y, 3)),
        result(lambda: again()(3, x)),
        result(lambda: again()(v, x, 3)),
        result(lambda: again()(y, iter([x, w]))),
        result(lambda: again()(y, y)),
        result(lambda: again()((t.ones(3) * 1, y), x)),
        result(lambda: grad(outputs=y, inputs=x, only_inputs=True, allow_unused=True)),
        result(lambda: grad(y, x)),
    ]


@program
def grad_where_it_is_unused(t):
    x, unused = leaf(t, 3), leaf(t, 2)
    found = t.autograd.grad(x.sum(), [x, unused], allow_unused=True)
    return found[0], found[1] is None


@program
def grads_of_a_batch(t):
    x, w = leaf(t, 3), leaf(t, 2, 3)
    y, z = w @ x, x.sum()
    eye = t.eye(2, dtype=t.float64)
    batched = partial(t.autograd.grad, is_grads_batched=True, retain_graph=True)
    return [
        result(lambda: batched(y, x, eye)),
        result(lambda: batched(y, (x, w), eye)),
        result(lambda: batched((y, z), x, (eye, t.ones(2, dtype=t.float64)))),
        result(lambda: batched(y, x, eye, create_graph=True)),
        result(lambda: batched(y, x, t.ones(4, 3, dtype=t.float64))),
        result(lambda: batched(y, x, t.ones(2, dtype=t.float64))),
        result(lambda: batched((y, z), x, (eye, t.ones(3, dtype=t.float64)))),
    ]


@program
def backward_of_many_forms(t):
    def run(action):
        x, w = leaf(t, 3), leaf(t, 3)
        y = x * w
        kind = trial(lambda: action(y, x, w))
        return kind, x.grad, w.grad

    ones = t.ones(3, dtype=t.float64)
    backward = t.autograd.backward
    return [
        run(lambda y, x, w: y.sum().backward()),
        run(lambda y, x, w: y.backward(ones)),
        run(lambda y, x, w: y.backward(gradient=ones, inputs=[x])),
        run(lambda y, x, w: y.backward(ones, inputs=x)),
        run(lambda y, x, w: y.backward(ones, inputs=[])),
        run(lambda y, x, w: y.backward(ones, inputs=[x, y])),
        run(lambda y, x, w: y.backward()),
        run(lambda y, x, w: y.backward(ones[:2])),
        run(lambda y, x, w: y.backward(3.0)),
        run(lambda y, x, w: y.sum().backward(3.0)),
        run(lambda y, x, w: y.sum().backward(t.tensor(3.0, dtype=t.float64))),
        run(lambda y, x, w: y.sum().backward(t.tensor([3.0], dtype=t.float64))),
        run(lambda y, x, w: y.sum().backward(t.tensor(3.0))),
        run(lambda y, x, w: y.sum().backward(t.tensor(3))),
        run(lambda y, x, w: y.detach().sum().backward()),
        run(lambda y, x, w: x.sum().backward(inputs=[w])),
        run(lambda y, x, w: y.backward(ones, True, True)),
        run(lambda y, x, w: (y.sum().backward(), y.sum().backward())),
        run(lambda y, x, w: (y.sum().backward(retain_graph=True), y.sum().backward())),
        run(lambda y, x, w: backward([y, x * 2], [ones, ones])),
        run(lambda y, x, w: backward([y.sum(), x.sum()])),
        run(lambda y, x, w: backward((y, x.sum()), (ones, None))),
        run(lambda y, x, w: backward([y, x], [ones])),
        run(lambda y, x, w: backward(y.sum(), inputs=[t.ones(3)])),
        run(lambda y, x, w: backward([])),
        run(lambda y, x, w: backward(tensors=y, grad_tensors=ones)),
        run(lambda y, x, w: backward(y, grad_variables=ones)),
        run(lambda y, x, w: x.backward(ones)),
        run(lambda y, x, w: y.backward(w)),
        run(lambda y, x, w: y.backward(w, create_graph=True)),
    ]


@program
def backward_into_what_is_no_leaf(t):
    x = leaf(t, 3)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward(inputs=[y])
    return y.grad, x.grad


@program
def gradients_checked(t):
    check, again = t.autograd.gradcheck, t.autograd.gradgradcheck

    class Wrong(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 3

    x, y = leaf(t, 3), leaf(t, 2, 3)
    return [
        check(lambda x: x.exp(), x),
        check(lambda x, y: (x * y, x.sum()), (x, y)),
        check(Wrong.apply, (x,), raise_exception=False),
        trial(lambda: check(Wrong.apply, (x,))),
        check(Wrong.apply, (x,), atol=2.0),
        check(lambda x: x.abs(), x, eps=1e-3, atol=1e-2, rtol=0.1),
        again(lambda x: x**3, x),
        again(lambda x, y: (x * y).sin(), (x, y)),
        trial(lambda: check(lambda x: x * 2, t.ones(3))),
        trial(lambda: check(lambda x: t.ones(2), x)),
        check(lambda x: x.tanh(), x, fast_mode=True),
        issubclass(t.autograd.gradcheck.GradcheckError, RuntimeError)
        if hasattr(t.autograd.gradcheck, "GradcheckError")
        else True,
        check(lambda x, n: x * n, (x, 3)),
    ]

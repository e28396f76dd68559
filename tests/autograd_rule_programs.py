"""Programs about the small print: names of arguments, types, roots, what cannot be set."""

import inspect

from autograd_hook_programs import trial
from programs import Programs, leaf

program = Programs()


@program
def argument_names(t):
    out = []
    for n in ("grad", "backward", "gradcheck", "gradgradcheck"):
        out.append(list(inspect.signature(getattr(t.autograd, n)).parameters))
    for n in ("jacobian", "hessian", "vjp", "jvp", "hvp", "vhp"):
        out.append(list(inspect.signature(getattr(t.autograd.functional, n)).parameters))
    for n in ("register_hook", "backward", "register_post_accumulate_grad_hook"):
        out.append(list(inspect.signature(getattr(t.Tensor, n)).parameters))
    return out


@program
def gradient_of_a_half(t):
    x = t.ones(3, dtype=t.float16, requires_grad=True)
    (x.float() * 2).sum().backward()
    return x.grad


@program
def gradient_assigned_that_needs_one(t):
    x = leaf(t, 3)
    x.grad = t.zeros(3, dtype=t.float64, requires_grad=True)
    (x * 2).sum().backward()
    return x.grad, x.grad.requires_grad


@program
def retained_and_detached(t):
    x = leaf(t, 3)
    y = x * 2
    y.retain_grad()
    y.detach_()
    return y.retains_grad, y.grad, y.requires_grad


@program
def attributes_that_cannot_be_set(t):
    x = leaf(t, 3)
    y = x * 2
    return (
        trial(lambda: setattr(y, "retains_grad", True)),
        trial(lambda: setattr(y, "grad_fn", None)),
        trial(lambda: setattr(y, "_version", None)),
    )


@program
def out_of_what_needs_a_gradient(t):
    x = leaf(t, 3)
    o = t.zeros(3, dtype=t.float64)
    return trial(lambda: t.add(x, 1, out=o))


@program
def numbers_of_what_needs_a_gradient(t):
    x = leaf(t, 3)
    return (
        trial(lambda: x.numpy()),
        trial(lambda: x.tolist()),
        trial(lambda: x.sum().item()),
        trial(lambda: float(x.sum())),
        trial(lambda: (x * 2).numpy()),
    )


@program
def cotangent_of_integers(t):
    x = leaf(t, 3)
    y = x * 2
    return trial(lambda: y.backward(t.ones(3, dtype=t.int64))), x.grad


@program
def backward_without_a_graph(t):
    return trial(lambda: t.ones(()).backward()), trial(
        lambda: t.autograd.grad(t.ones(()), leaf(t, 2))
    )


@program
def view_that_asks_for_a_gradient(t):
    x = t.ones(3)
    v = x[0]
    v.requires_grad_()
    return x.requires_grad, v.requires_grad, v.is_leaf


@program
def base_of_a_view_that_got_a_graph(t):
    x = t.ones(3)
    v = x[:2]
    w = leaf(t, 2).float()
    v.mul_(w)
    return x.requires_grad, v.requires_grad, x.is_leaf


@program
def data_set_and_hooks_kept(t):
    p = t.nn.Parameter(t.ones(2))
    seen = []
    p.register_hook(lambda g: seen.append(1))
    p.data = t.zeros(2)
    (p * 2).sum().backward()
    return seen, p.grad


@program
def jacobians_of_other_nests(t):
    f = t.autograd.functional
    return trial(lambda: f.jacobian(lambda x: {"a": x}, t.ones(2))), trial(
        lambda: f.hessian(lambda x: x.sum(), [t.ones(2)])
    )


@program
def jacobian_of_mixed_types(t):
    a = t.ones(2)
    b = t.ones(2, dtype=t.float64)
    return t.autograd.functional.jacobian(lambda a, b: (a * b, a * 2), (a, b))


@program
def hook_that_returns_zeros(t):
    x = leaf(t, 3)
    y = x.clone()
    y.register_hook(lambda g: t.zeros_like(g))
    y.sum().backward()
    return x.grad


@program
def several_roots_of_one_node(t):
    x = leaf(t, 3)
    y = x * 2
    t.autograd.backward([y.sum(), y.sum()])
    return x.grad


@program
def root_that_is_a_leaf_with_hooks(t):
    x = leaf(t, 1)
    seen = []
    x.register_hook(lambda g: seen.append(g * 1))
    x.register_post_accumulate_grad_hook(lambda p: seen.append("post"))
    x.backward()
    return seen, x.grad


@program
def roots_of_which_one_is_a_leaf_with_hooks(t):
    x = leaf(t, 1)
    seen = []
    x.register_hook(lambda g: seen.append(g * 1))
    t.autograd.backward([x, x * 3])
    return seen, x.grad

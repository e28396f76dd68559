"""Programs about grad modes, version counters and backward hooks of modules, for both libraries."""

import threading
import warnings

from autograd_hook_programs import trial
from programs import Programs, leaf

program = Programs()


@program
def generators_switch_at_each_step(t):
    seen = []

    @t.no_grad()
    def steps(n):
        for i in range(n):
            seen.append(("inside", t.is_grad_enabled()))
            got = yield i
            seen.append(got)
        return "end"

    run = steps(2)
    seen.append(next(run))
    seen.append(("outside", t.is_grad_enabled()))
    seen.append(run.send("sent"))
    seen.append(("outside", t.is_grad_enabled()))
    try:
        next(run)
    except StopIteration as end:
        seen.append(end.value)
    return seen, t.is_grad_enabled()


@program
def generators_closed_and_thrown_into(t):
    seen = []

    @t.no_grad()
    def steps():
        try:
            yield 1
        except ValueError:
            seen.append(("caught", t.is_grad_enabled()))
            yield 2
        finally:
            seen.append(("closed", t.is_grad_enabled()))

    run = steps()
    seen += [next(run), run.throw(ValueError("into it"))]
    run.close()
    return seen, t.is_grad_enabled()


@program
def decorators_of_all_modes(t):
    def now(*args):
        """Kept."""
        return t.is_grad_enabled(), t.is_inference_mode_enabled()

    wrapped = [
        t.no_grad()(now),
        t.no_grad(now),
        t.enable_grad()(now),
        t.enable_grad(now),
        t.inference_mode()(now),
        t.inference_mode(now),
        t.inference_mode(False)(now),
        t.inference_mode(mode=True)(now),
        t.set_grad_enabled(False)(now),
        t.set_grad_enabled(True)(now),
    ]
    with t.no_grad():
        inner = [f() for f in wrapped]
    return [f() for f in wrapped], inner, now(), [f.__name__ for f in wrapped], wrapped[0].__doc__


@program
def methods_decorated(t):
    class Model:
        @t.no_grad()
        def value(self, x, scale=2):
            return x * scale

        @classmethod
        @t.inference_mode()
        def make(cls, x):
            return x * 3

        @staticmethod
        @t.enable_grad()
        def again(x):
            return x * 4

    x = leaf(t, 2)
    model = Model()
    with t.no_grad():
        last = model.again(x).requires_grad
    return model.value(x, scale=3), model.value(x).requires_grad, Model.make(x).requires_grad, last


@program
def classes_decorated(t):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")

        @t.no_grad()
        class Model:
            def __init__(self, x):
                self.made = (x * 2).requires_grad

            def call(self, x):
                return (x * 2).requires_grad

    x = leaf(t, 2)
    model = Model(x)
    return model.made, model.call(x), [w.category.__name__ for w in caught]


@program
def decorated_functions_that_call_themselves_or_raise(t):
    @t.no_grad()
    def down(n):
        inside = t.is_grad_enabled()
        return [inside, *down(n - 1)] if n else [inside]

    @t.no_grad()
    def fail():
        raise ValueError("no")

    return down(3), trial(fail), t.is_grad_enabled()


@program
def set_grad_enabled_in_all_ways(t):
    seen = [t.is_grad_enabled()]
    t.set_grad_enabled(False)
    seen.append(t.is_grad_enabled())
    with t.set_grad_enabled(mode=True):
        seen.append(t.is_grad_enabled())
    seen.append(t.is_grad_enabled())
    t.set_grad_enabled(True)
    switch = t.set_grad_enabled(False)
    seen.append(t.is_grad_enabled())
    with switch:
        seen.append(t.is_grad_enabled())
    seen.append(t.is_grad_enabled())
    return seen


@program
def one_switch_entered_twice(t):
    seen = []
    switch = t.no_grad()
    for _ in range(2):
        with switch:
            seen.append(t.is_grad_enabled())
        seen.append(t.is_grad_enabled())
    return seen


@program
def modes_left_by_an_error(t):
    for switch in (t.no_grad(), t.enable_grad(), t.inference_mode()):
        trial(lambda switch=switch: exec("with switch: raise ValueError", {"switch": switch}))
    return t.is_grad_enabled(), t.is_inference_mode_enabled()


@program
def inference_nested_in_modes(t):
    seen = []

    def look():
        seen.append((t.is_grad_enabled(), t.is_inference_mode_enabled()))

    with t.inference_mode():
        look()
        with t.enable_grad():
            look()
            y = leaf(t, 2) * 2
        with t.inference_mode(False):
            look()
        with t.no_grad():
            look()
        look()
    with t.no_grad(), t.inference_mode(False):
        look()
    return seen, y.requires_grad


@program
def backward_inside_no_grad(t):
    x = leaf(t, 3)
    y = (x * x).sum()
    with t.no_grad():
        y.backward()
    return x.grad, x.grad.requires_grad


@program
def backward_on_another_thread(t):
    x = leaf(t, 3)
    y = (x * x).sum()
    with t.no_grad():
        thread = threading.Thread(target=y.backward)
        thread.start()
        thread.join()
    return x.grad


@program
def leaves_made_in_no_grad(t):
    with t.no_grad():
        x = leaf(t, 3)
        y = x * 2
        z = t.ones(3, requires_grad=True)
    (x * z).sum().backward()
    return y.requires_grad, y.is_leaf, x.grad, z.grad


@program
def modes_by_their_module(t):
    g = t.autograd.grad_mode
    return [getattr(t, n) is getattr(g, n) for n in ("no_grad", "enable_grad", "inference_mode")]


@program
def not_an_inference_tensor(t):
    return leaf(t, 2).is_inference(), (leaf(t, 2) * 2).is_inference()


# -- versions --------------------------------------------------------------------------------------


@program
def versions_after_writes(t):
    def after(write):
        x = t.arange(6, dtype=t.float64).reshape(2, 3).clone()
        write(x)
        return x._version

    other = t.ones(2, 3, dtype=t.float64)
    return [
        after(lambda x: x.add_(1)),
        after(lambda x: x.zero_()),
        after(lambda x: x.fill_(2)),
        after(lambda x: x.copy_(other)),
        after(lambda x: x.mul_(2).add_(3)),
        after(lambda x: x.__setitem__(0, 1.0)),
        after(lambda x: x.__setitem__((slice(None), 1), 2.0)),
        after(lambda x: x.__setitem__(x > 2, 0.0)),
        after(lambda x: x.__setitem__(t.tensor([0, 1]), 5.0)),
        after(lambda x: x[0].add_(1)),
        after(lambda x: x.view(-1).mul_(2)),
        after(lambda x: x.t().exp_()),
        after(lambda x: x.data.add_(1)),
        after(lambda x: x.detach().add_(1)),
        after(lambda x: x.clamp_(0, 1)),
        after(lambda x: x.masked_fill_(x > 1, 0.0)),
        after(lambda x: x.index_fill_(0, t.tensor([0]), 1.0)),
        after(lambda x: x.index_add_(0, t.tensor([0]), other[:1])),
        after(lambda x: x.scatter_(0, t.tensor([[0, 1, 0]]), 2.0)),
        after(lambda x: x.uniform_()),
        after(lambda x: x.normal_()),
        after(lambda x: x.requires_grad_()),
        after(lambda x: x.detach_()),
        after(lambda x: x.numpy().fill(3)),
        after(lambda x: t.add(x, 1, out=x)),
        after(lambda x: x.__iadd__(1)),
        after(lambda x: x.relu_()),
        after(lambda x: t.nn.functional.relu(x, inplace=True)),
        after(lambda x: t.nn.init.normal_(x)),
        after(lambda x: x.clone().add_(1)),
        after(lambda x: setattr(x, "data", other)),
    ]


@program
def versions_of_parameters_after_steps(t):
    p = t.nn.Parameter(t.ones(3))
    versions = []
    for make in (t.optim.SGD, t.optim.Adam, t.optim.AdamW):
        optimizer = make([p], lr=0.1)
        p.grad = t.ones(3)
        optimizer.step()
        versions.append(p._version > (versions[-1] if versions else 0))
        versions[-1] = p._version and 1
        optimizer.zero_grad()
    return versions


@program
def a_parameter_stepped_between_forward_and_backward(t):
    p = t.nn.Parameter(t.ones(3))
    optimizer = t.optim.SGD([p], lr=0.1)
    loss = (p * p).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    return trial(loss.backward)


# -- backward hooks of modules ---------------------------------------------------------------------


class _Seen(list):
    def __call__(self, module, grad_input, grad_output):
        self.append([g if g is None else g * 1 for g in (*grad_input, *grad_output)])


def combined(t):
    class Combined(t.nn.Module):
        def forward(self, a, b, n=2, flag=None):
            return a * b * n, a + b

    return Combined()


@program
def module_hook_with_several_inputs_and_outputs(t):
    m, seen = combined(t), _Seen()
    m.register_full_backward_hook(seen)
    a, b = leaf(t, 3), leaf(t, 3)
    y, z = m(a, b)
    (y * z).sum().backward()
    return seen, a.grad, b.grad


@program
def module_hook_with_inputs_that_need_none(t):
    m, seen = combined(t), _Seen()
    m.register_full_backward_hook(seen)
    a = leaf(t, 3)
    y, _ = m(a, t.ones(3, dtype=t.float64), 3)
    y.sum().backward()
    return seen, a.grad


@program
def module_hook_that_replaces(t):
    m = combined(t)
    m.register_full_backward_pre_hook(lambda m, go: (go[0] * 2, go[1]))
    m.register_full_backward_hook(lambda m, gi, go: (gi[0] * 10, gi[1] * 100))
    a, b = leaf(t, 3), leaf(t, 3)
    y, z = m(a, b)
    (y.sum() + z.sum()).backward()
    return a.grad, b.grad


@program
def module_hook_and_a_change_in_place_of_the_output(t):
    m, seen = t.nn.ReLU(), _Seen()
    m.register_full_backward_hook(seen)
    x = leaf(t, 3)

    def run():
        y = m(x * 1)
        y.mul_(2)
        y.sum().backward()

    return trial(run)


@program
def module_hook_and_a_change_in_place_inside(t):
    m, seen = t.nn.ReLU(inplace=True), _Seen()
    m.register_full_backward_hook(seen)
    x = leaf(t, 3)
    return trial(lambda: m(x * 1).sum().backward())


@program
def module_hooks_in_the_order_of_the_pass(t):
    net = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.Tanh(), t.nn.Linear(3, 1))
    seen = []
    for name, m in net.named_modules():
        m.register_full_backward_pre_hook(lambda m, go, n=name: seen.append(("pre", n)))
        m.register_full_backward_hook(lambda m, gi, go, n=name: seen.append(("post", n)))
    x = t.ones(4, 2, requires_grad=True)
    net(x).sum().backward()
    return seen

"""What the engine keeps alive, computes and shares: nothing that nobody asked for."""

import gc
import weakref

import numpy as np
import pytest

import tensor_core as torch
from tensor_core import nn


def arrays_of(*tensors):
    return [t.detach().numpy() for t in tensors]


def unshared(arrays):
    return not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[i + 1 :])


@pytest.fixture
def forget_plans():
    """Forget how an op's calls are recorded: its rules are about to change, and change back."""
    forgotten = []

    def forget(op):
        forgotten.append(op)
        op.plans.clear()

    yield forget
    for op in forgotten:
        op.plans.clear()


# -- gradients have memory of their own ----------------------------------------------------------

HAND_ON = {  # rules that pass a cotangent on as it is, or a view of it
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "view": lambda a, b: a.view(9) + b.view(9),
    "transpose": lambda a, b: a.t() + b.t(),
    "cat": lambda a, b: torch.cat([a, b]),
    "stack": lambda a, b: torch.stack([a, b]),
    "clone": lambda a, b: a.clone() + b.contiguous(),
    "expand": lambda a, b: a.expand(2, 3, 3) + b,
    "unbind": lambda a, b: torch.stack([*a.unbind(), *b.unbind()]),
    "sum": lambda a, b: a.sum() + b.sum(),
    "slice": lambda a, b: a[:2] + b[1:],
    "where": lambda a, b: torch.where(a > b, a, b),
    "flip": lambda a, b: a.flip(0) + b,
    "twice": lambda a, b: a + a + b,
}


@pytest.mark.parametrize("name", HAND_ON)
def test_no_two_gradients_share_memory(name):
    a, b = (torch.rand(3, 3, requires_grad=True) for _ in range(2))
    y = HAND_ON[name](a, b)
    cotangent = torch.ones_like(y)
    y.retain_grad()
    y.backward(cotangent)
    everything = arrays_of(a, b, y, a.grad, b.grad, cotangent, y.grad)
    for g in (a.grad, b.grad):
        assert g.numpy().flags.writeable and g.is_contiguous()
    owned = arrays_of(a.grad, b.grad, cotangent, y.grad)
    assert unshared(owned)
    assert not any(np.shares_memory(g, x) for g in owned for x in everything[:2])
    a.grad.zero_()
    assert b.grad.abs().sum() > 0 and cotangent.sum() == cotangent.numel()


@pytest.mark.parametrize("name", HAND_ON)
def test_returned_gradients_share_none_either(name):
    a, b = (torch.rand(3, 3, requires_grad=True) for _ in range(2))
    y = HAND_ON[name](a, b)
    cotangent = torch.ones_like(y)
    found = torch.autograd.grad(y, [a, b, y], cotangent)
    assert unshared(arrays_of(a, b, *found, cotangent))


def test_accumulated_gradients_stay_their_own():
    a = torch.rand(3, requires_grad=True)
    b = torch.rand(3, requires_grad=True)
    for _ in range(3):
        (a + b).backward(torch.ones(3))
        assert unshared(arrays_of(a.grad, b.grad, a, b))
    assert a.grad.tolist() == b.grad.tolist() == [3.0, 3.0, 3.0]


def test_hooks_do_not_leak_the_gradient_they_saw():
    x = torch.rand(3, requires_grad=True)
    seen = []
    x.register_hook(seen.append)
    (x * 2).sum().backward()
    assert not np.shares_memory(seen[0].numpy(), x.grad.numpy())


def test_an_owned_first_gradient_is_taken_not_copied(monkeypatch, forget_plans):
    made = []
    rule = torch.mul.rules[0].fn

    def noting(g, other):
        made.append(rule(g, other))
        return made.pop() if kept is None else made[-1]

    kept = None
    monkeypatch.setattr(torch.mul.rules[0], "fn", noting)
    forget_plans(torch.mul)
    x = torch.rand(1000, requires_grad=True)
    copies = []
    copy = np.array
    monkeypatch.setattr(np, "array", lambda *a, **k: copies.append(1) or copy(*a, **k))
    (x * torch.rand(1000)).backward(torch.ones(1000))
    assert not copies
    kept = "held by someone else"
    w = torch.rand(1000, requires_grad=True)
    (w * torch.rand(1000)).backward(torch.ones(1000))
    assert copies and not np.shares_memory(w.grad.numpy(), made[0])


# -- what is not needed is not computed ----------------------------------------------------------


def counting(monkeypatch, forget_plans, op):
    """Count the calls of each of an op's rules."""
    calls = [0] * len(op.rules)

    def counted(k, fn):
        def rule(*args):
            calls[k] += 1
            return fn(*args)

        return rule

    for k, rule in enumerate(op.rules):
        monkeypatch.setattr(rule, "fn", counted(k, rule.fn))
    forget_plans(op)
    return calls


@pytest.mark.parametrize("frozen", [0, 1])
@pytest.mark.parametrize("op", [torch.mul, torch.matmul, torch.true_div, torch.sub])
def test_the_rule_of_a_frozen_input_is_not_called(monkeypatch, forget_plans, op, frozen):
    calls = counting(monkeypatch, forget_plans, op)
    inputs = [torch.rand(2, 2, requires_grad=i != frozen) for i in range(2)]
    op(*inputs).sum().backward()
    assert calls[frozen] == 0 and calls[1 - frozen] == 1
    assert inputs[frozen].grad is None


def test_inputs_that_grad_does_not_ask_for_cost_nothing(monkeypatch, forget_plans):
    calls = counting(monkeypatch, forget_plans, torch.exp)
    a, b = torch.rand(2, requires_grad=True), torch.rand(2, requires_grad=True)
    torch.autograd.grad((a.exp() * b).sum(), b)
    assert calls == [0]


def test_joint_rules_are_told_what_is_needed(monkeypatch, forget_plans):
    told = []
    rule = torch.registry["layer_norm"].rules[0]
    fn = rule.fn

    def noting(*args):
        told.append(args[-1])
        return fn(*args)

    monkeypatch.setattr(rule, "fn", noting)
    forget_plans(torch.registry["layer_norm"])
    x, w, b = torch.rand(2, 3), torch.rand(3, requires_grad=True), torch.rand(3)
    nn.functional.layer_norm(x, (3,), w, b).sum().backward()
    assert told == [(False, True, False)]
    assert w.grad is not None and x.grad is None and b.grad is None


def test_einsum_computes_no_frozen_operand():
    a, b = torch.rand(2, 3), torch.rand(3, 4, requires_grad=True)
    y = torch.einsum("ij,jk->ik", a, b)
    grads = y.grad_fn.apply(np.ones((2, 4), np.float32))
    assert [g.shape for g in grads] == [(3, 4)] or grads[0] is None
    y.sum().backward()
    np.testing.assert_allclose(b.grad.numpy(), a.numpy().sum(0)[:, None].repeat(4, 1), rtol=1e-6)


# -- what no rule names is not kept --------------------------------------------------------------


def dies(make, use):
    """Whether the array of an inner value is freed while the graph through it lives on."""
    x = torch.rand(4, requires_grad=True)
    inner = make(x)
    ref = weakref.ref(inner.detach().numpy())
    y = use(inner)
    del inner
    gc.collect()
    gone = ref() is None
    y.sum().backward()
    assert x.grad is not None
    return gone


FORGOTTEN = {
    "add": lambda t: t + 1,
    "sum": lambda t: t.sum(0),
    "mul by a number": lambda t: t * 3,
    "exp saves its output": lambda t: t.exp(),
    "tanh saves its output": lambda t: t.tanh(),
    "softmax saves its output": lambda t: t.softmax(0),
    "relu saves its output": lambda t: t.relu(),
    "cumsum": lambda t: t.cumsum(0),
    "roll": lambda t: t.roll(1),
    "gather": lambda t: t[torch.tensor([0, 1])],
    "mul by a frozen": lambda t: t * torch.ones(4),
    "matmul by a frozen": lambda t: t @ torch.ones(4),
    "cat": lambda t: torch.cat([t, torch.ones(2)]),
    "where": lambda t: torch.where(torch.ones(4, dtype=torch.bool), t, 0.0),
}
KEPT = {
    "sin": lambda t: t.sin(),
    "log": lambda t: t.log(),
    "square": lambda t: t.square(),
    "pow": lambda t: t**3,
    "gelu": nn.functional.gelu,  # fused: higher orders run its composition, which wants the input
}


@pytest.mark.parametrize("name", FORGOTTEN)
def test_what_the_rule_does_not_name_dies(name):
    assert dies(lambda x: x * 2, FORGOTTEN[name])


@pytest.mark.parametrize("name", KEPT)
def test_what_the_rule_names_lives_until_backward(name):
    assert not dies(lambda x: x * 2 + 1, KEPT[name])


def test_buffers_are_freed_by_backward_and_kept_on_request():
    x = torch.rand(4, requires_grad=True)
    y = (x * 2).sin()
    inner = y.grad_fn.saved[0]
    ref = weakref.ref(inner)
    del inner
    y.sum().backward(retain_graph=True)
    assert ref() is not None
    y.sum().backward()
    gc.collect()
    assert ref() is None


def test_without_recording_nothing_is_kept():
    x = torch.rand(4, requires_grad=True)
    with torch.no_grad():
        y = x.sin()
    assert y.grad_fn is None and not y.requires_grad
    z = torch.rand(4).sin().cos()
    assert z.grad_fn is None


def test_a_graph_is_freed_without_the_garbage_collector():
    gc.disable()
    try:
        x = torch.rand(4, requires_grad=True)
        y = (x.sin() * x).sum()
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()

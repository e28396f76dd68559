"""The backward pass: accumulation, retained graphs, hooks, modes, errors, very deep graphs."""

import threading

import numpy as np
import pytest

import tensor_core as torch


def leaf(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_gradients_accumulate_over_calls_and_uses():
    x = leaf(1.0, 2.0)
    (x * x + 3 * x).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]
    held = x.grad
    (x * 10).sum().backward()
    assert x.grad is held and held.tolist() == [15.0, 17.0]


def test_a_second_backward_over_freed_buffers_raises_and_names_the_op():
    x = leaf(1.0, 2.0)
    y = x.exp().sum()
    y.backward()
    with pytest.raises(RuntimeError, match=r"^exp: .*second time.*retain_graph=True"):
        y.backward()
    assert x.grad.tolist() == pytest.approx(np.exp([1.0, 2.0]).tolist())


def test_retain_graph_keeps_them():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4.0, 8.0]
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(y, x)


def test_grad_touches_no_grad_and_frees_too():
    x, w = leaf(1.0), leaf(2.0)
    y = (x * w).sum()
    assert torch.autograd.grad(y, [x, w], retain_graph=True)[1].tolist() == [1.0]
    assert x.grad is None and w.grad is None
    torch.autograd.grad(y, x)
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_grad_of_inner_values_stops_there():
    x = leaf(3.0)
    a = x * x
    b = a * 5
    ga, gx = torch.autograd.grad(b.sum(), [a, x])
    assert ga.item() == 5.0 and gx.item() == 30.0


def test_unused_inputs():
    x, z = leaf(1.0), leaf(1.0)
    y = (x * 2).sum()
    with pytest.raises(RuntimeError, match=r"input 1\) appears to not have been used"):
        torch.autograd.grad(y, [x, z], retain_graph=True)
    assert torch.autograd.grad(y, [x, z], allow_unused=True, retain_graph=True)[1] is None
    zero = torch.autograd.grad(y, [x, z], materialize_grads=True)[1]
    assert zero.tolist() == [0.0]
    with pytest.raises(RuntimeError, match="does not require grad"):
        torch.autograd.grad(leaf(1.0).sum(), torch.zeros(1))


def test_what_backward_refuses():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="only for scalar outputs"):
        (x * 2).backward()
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        (x * 2).backward(torch.ones(3, dtype=torch.float64))
    with pytest.raises(RuntimeError, match="does not require grad"):
        torch.zeros(1).backward()
    with pytest.raises(RuntimeError, match="cannot be empty"):
        torch.autograd.backward(x.sum(), inputs=[])


def test_several_roots_and_chosen_inputs():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    a, b = x * w, x * x
    ones = torch.ones(2, dtype=torch.float64)
    torch.autograd.backward([a, b], [ones, 10 * ones], inputs=[x])
    assert x.grad.tolist() == [23.0, 44.0] and w.grad is None


def test_create_graph_to_the_fourth_order():
    x = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    y = x**5
    for expected in (80.0, 160.0, 240.0, 240.0):
        (y,) = torch.autograd.grad(y, x, create_graph=True)
        assert y.item() == expected
    y.backward()
    assert x.grad.item() == 120.0


def test_backward_with_create_graph_leaves_a_differentiable_gradient():
    x = leaf(2.0)
    (x**3).sum().backward(create_graph=True)
    assert x.grad.requires_grad and x.grad.item() == 12.0
    first = x.grad
    x.grad = None
    first.sum().backward()
    assert x.grad.item() == 12.0


# -- hooks ---------------------------------------------------------------------------------------


def test_hooks_see_the_whole_gradient_once_and_may_replace_it():
    x = leaf(1.0)
    a = x * 2
    seen = []
    a.register_hook(lambda g: seen.append(g.item()))
    a.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: g + 0.5)
    (a * 3 + a * 4).sum().backward()
    assert seen == [7.0] and x.grad.item() == 140.5


def test_a_removed_hook_is_not_called():
    x = leaf(1.0)
    seen = []
    handle = x.register_hook(lambda g: seen.append(g.item()))
    x.sum().backward()
    handle.remove()
    handle.remove()
    x.sum().backward()
    with x.register_hook(lambda g: seen.append(-1)):
        x.sum().backward()
    x.sum().backward()
    assert seen == [1.0, -1]


def test_hooks_need_a_gradient():
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        torch.zeros(1).register_hook(print)
    with pytest.raises(RuntimeError, match="can't retain_grad"):
        torch.zeros(1).retain_grad()


def test_retain_grad_keeps_the_gradient_of_an_inner_value():
    x = leaf(3.0)
    a = x * x
    b = a * 1
    a.retain_grad()
    a.retain_grad()
    (b * a).sum().backward()
    assert a.grad.item() == 18.0 and a.retains_grad and b.grad is None
    assert not np.shares_memory(a.grad.numpy(), x.grad.numpy())


# -- modes ---------------------------------------------------------------------------------------


def test_modes_nest_and_decorate():
    x = leaf(1.0)

    @torch.no_grad()
    def frozen():
        with torch.enable_grad():
            inner = x * 2
        return (x * 2).requires_grad, inner.requires_grad

    @torch.no_grad
    def bare():
        return torch.is_grad_enabled()

    assert frozen() == (False, True) and bare() is False
    with torch.inference_mode():
        assert torch.is_inference_mode_enabled() and not (x * 2).requires_grad
    with torch.inference_mode(False):
        assert (x * 2).requires_grad
    torch.set_grad_enabled(False)
    assert not (x * 2).requires_grad
    torch.set_grad_enabled(True)
    with torch.set_grad_enabled(False):
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()


def test_a_mode_ends_with_its_block_also_when_it_fails():
    with pytest.raises(ZeroDivisionError), torch.no_grad():
        1 / 0
    assert torch.is_grad_enabled()


def test_the_mode_belongs_to_its_thread():
    x = leaf(1.0)
    inside, outside = threading.Event(), threading.Event()
    seen = {}

    def other():
        with torch.no_grad():
            inside.set()
            outside.wait()
            seen["other"] = (x * 2).requires_grad

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait()
    seen["main"] = (x * 2).requires_grad
    outside.set()
    thread.join()
    assert seen == {"main": True, "other": False}


def test_threads_may_work_on_graphs_of_one_leaf():
    x = leaf(1.0, 2.0)
    found = [None] * 4

    def work(k):
        y = (x * (k + 1)).sum()
        for _ in range(50):
            y = y + (x * 0).sum()
        found[k] = torch.autograd.grad(y, x)[0].tolist()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == [[k + 1.0] * 2 for k in range(4)]


# -- depth ---------------------------------------------------------------------------------------


def test_a_graph_too_deep_for_any_recursion():
    x = torch.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(200_000):
        y = -y
    y.backward()
    assert x.grad.item() == 1.0
    y = None  # freed without recursion, or this overflows the stack


def test_a_deep_graph_that_is_never_run_is_freed():
    x = torch.tensor(1.0, requires_grad=True)
    y = x
    for k in range(30_000):
        y = y * 1.0 if k % 2 else torch.stack([y, x]).sum()
    del y
    assert x.grad is None


def test_the_same_value_used_often_costs_no_more_than_its_edges():
    x = leaf(1.0)
    y = x
    for _ in range(200):
        y = y + y  # 2**200 paths
    y.sum().backward()
    assert x.grad.item() == 2.0**200

"""Hooks around forward and backward: order, replacement, removal."""

import pytest

import tensor_core as torch
from tensor_core import nn


class Times(nn.Module):
    """Multiplies, and can be told to fail."""

    def forward(self, x, by=2.0, fail=False):
        if fail:
            raise ValueError("as told")
        return x * by


def test_forward_hooks_see_and_replace():
    m = Times()
    m.register_forward_pre_hook(lambda mod, args: args[0] + 1)
    m.register_forward_hook(lambda mod, args, out: out * 10)
    assert m(torch.tensor(1.0)).item() == 40.0


def test_hooks_with_kwargs():
    m = Times()
    m.register_forward_pre_hook(
        lambda mod, args, kw: (args, {"by": kw["by"] + 1}), with_kwargs=True
    )
    m.register_forward_hook(lambda mod, args, kw, out: out + kw["by"], with_kwargs=True)
    assert m(torch.tensor(1.0), by=3.0).item() == 8.0
    m.register_forward_pre_hook(lambda mod, args, kw: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="new_args, new_kwargs"):
        m(torch.tensor(1.0), by=3.0)


def test_order_prepend_and_removal():
    m, seen = Times(), []
    first = m.register_forward_hook(lambda *a: seen.append("first"))
    m.register_forward_hook(lambda *a: seen.append("second"))
    with m.register_forward_hook(lambda *a: seen.append("zeroth"), prepend=True):
        m(torch.tensor(1.0))
    first.remove()
    first.remove()
    m(torch.tensor(1.0))
    assert seen == ["zeroth", "first", "second", "second"]


def test_always_call_runs_after_an_error_and_only_once():
    m, seen = Times(), []
    m.register_forward_hook(lambda mod, args, out: seen.append(out), always_call=True)
    with pytest.raises(ValueError, match="as told"):
        m(torch.tensor(1.0), fail=True)
    assert seen == [None]
    m(torch.tensor(1.0))
    assert len(seen) == 2 and seen[1].item() == 2.0


def test_backward_hook_sees_both_gradients_and_replaces_one():
    m, seen = Times(), []

    def hook(module, grad_input, grad_output):
        seen.append((grad_input[0].item(), grad_output[0].item()))
        return (grad_input[0] * 100,)

    m.register_full_backward_hook(hook)
    x = torch.tensor(3.0, requires_grad=True)
    (m(x) * 5).backward()
    assert seen == [(10.0, 5.0)] and x.grad.item() == 1000.0


def test_backward_pre_hook_replaces_what_comes_in():
    m = nn.Linear(1, 1, bias=False)
    m.register_full_backward_pre_hook(lambda module, grad_output: (grad_output[0] * 7,))
    x = torch.ones(1, 1, requires_grad=True)
    m(x).sum().backward()
    assert m.weight.grad.item() == 7.0
    assert x.grad.item() == pytest.approx(7 * m.weight.item())


def test_backward_hook_without_input_gradient_still_sees_the_output():
    m, seen = nn.Linear(2, 1), []
    m.register_full_backward_hook(lambda mod, gi, go: seen.append((gi, go[0].tolist())))
    m(torch.ones(1, 2)).sum().backward()
    assert seen == [((None,), [[1.0]])]
    assert m.weight.grad.tolist() == [[1.0, 1.0]]


def test_backward_hook_of_several_inputs_and_outputs():
    class Swap(nn.Module):
        def forward(self, a, note, b):
            return b * 2, note, a * 3

    m, seen = Swap(), []
    m.register_full_backward_hook(lambda mod, gi, go: seen.append((gi, go)))
    a, b = torch.tensor(1.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
    one, note, two = m(a, "note", b)
    assert note == "note"
    (one + two * 10).backward()
    (gi, go) = seen[0]
    assert [None if g is None else g.item() for g in gi] == [30.0, None, 2.0]
    assert [None if g is None else g.item() for g in go] == [1.0, None, 10.0]
    m.register_full_backward_hook(lambda mod, gi, go: (gi[0],))
    with pytest.raises(RuntimeError, match="returned 1 gradients, expected 3"):
        m(a, "note", b)[0].backward()


def test_the_old_backward_hook_sees_the_gradient_of_the_output_alone():
    layer, seen = nn.Linear(2, 1), []

    def hook(module, grad_input, grad_output):
        seen.append(grad_output[0].tolist())
        with pytest.raises(RuntimeError, match="register_full_backward_hook"):
            grad_input[0]

    layer.register_backward_hook(hook)
    with pytest.warns(FutureWarning, match="last operation"):
        out = layer(torch.ones(1, 2))
    (out * 3).sum().backward()
    assert seen == [[[3.0]]]

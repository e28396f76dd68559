"""What a tensor prints: torch's layout, written out by hand from its rules."""

import pytest

import tensor_core as torch

NAN, INF = float("nan"), float("inf")

SHOWN = [
    ([1.0, 2.0], "tensor([1., 2.])"),
    ([1.5, -2.0], "tensor([ 1.5000, -2.0000])"),
    ([1, 20, -3], "tensor([ 1, 20, -3])"),
    ([True, False], "tensor([ True, False])"),
    (3.0, "tensor(3.)"),
    (0.1, "tensor(0.1000)"),
    (7, "tensor(7)"),
    ([], "tensor([])"),
    ([[1.0, 2.0], [3.0, 4.5]], "tensor([[1.0000, 2.0000],\n        [3.0000, 4.5000]])"),
    ([[[1], [2]], [[3], [4]]], "tensor([[[1],\n         [2]],\n\n        [[3],\n         [4]]])"),
    ([1e-5, 1.0], "tensor([1.0000e-05, 1.0000e+00])"),
    ([1e9, 1.0], "tensor([1.0000e+09, 1.0000e+00])"),
    ([1.0, 999.0], "tensor([  1., 999.])"),
    ([NAN, 1.0, -INF], "tensor([nan, 1., -inf])"),
    ([NAN, 1.5, INF], "tensor([   nan, 1.5000,    inf])"),
    ([0.0, 0.00012], "tensor([0.0000, 0.0001])"),
    ([0.0, 10.0, -0.0], "tensor([ 0., 10., -0.])"),
    ([1 + 2j, 3 - 4j], "tensor([1.+2.j, 3.-4.j])"),
    ([1 + 2j, 1 - 0.5j], "tensor([1.+2.0000j, 1.-0.5000j])"),
]


@pytest.mark.parametrize("data, text", SHOWN)
def test_layout(data, text):
    assert repr(torch.tensor(data)) == text == str(torch.tensor(data))


def test_types_that_are_not_usual_are_named():
    assert repr(torch.tensor([1.0], dtype=torch.float64)) == "tensor([1.], dtype=torch.float64)"
    assert repr(torch.tensor([1], dtype=torch.int32)) == "tensor([1], dtype=torch.int32)"
    assert repr(torch.zeros(0, dtype=torch.int64)) == "tensor([], dtype=torch.int64)"
    assert repr(torch.zeros(0, 3)) == "tensor([], size=(0, 3))"


def test_the_graph_is_named():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    assert repr(x) == "tensor([1., 2.], requires_grad=True)"
    assert repr(x * 2) == "tensor([2., 4.], grad_fn=<MulBackward0>)"
    assert repr(x.detach()) == "tensor([1., 2.])"
    assert repr(x.sum().double()).startswith("tensor(3., dtype=torch.float64, grad_fn=<")


def test_long_rows_break_at_80_columns():
    lines = repr(torch.arange(40)).splitlines()
    assert len(lines) > 1 and all(len(line) <= 80 for line in lines)
    assert all(line.startswith(" " * 8) for line in lines[1:])


def test_what_does_not_fit_beside_the_numbers_goes_below():
    row = [4e-4, 0.2, 0.1, -3e-6]
    text = repr(torch.tensor(row, dtype=torch.float64))
    first, second = text.splitlines()
    assert first.endswith("-3.0000e-06],") and second == "       dtype=torch.float64)"


def test_large_tensors_show_their_edges():
    text = repr(torch.arange(2000))
    assert text == "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"
    grid = repr(torch.zeros(40, 40))
    assert grid.count("\n") == 6 and grid.count("...") == 7


def test_options():
    x = torch.tensor([1 / 3, 1000.0])
    torch.set_printoptions(precision=2)
    try:
        assert repr(x) == "tensor([3.33e-01, 1.00e+03])"
        torch.set_printoptions(sci_mode=False)
        assert repr(x) == "tensor([   0.33, 1000.00])"
        torch.set_printoptions(threshold=3, edgeitems=1)
        assert repr(torch.arange(9)) == "tensor([0,  ..., 8])"
    finally:
        torch.set_printoptions(profile="default", linewidth=80)
    assert repr(torch.tensor(1 / 3)) == "tensor(0.3333)"

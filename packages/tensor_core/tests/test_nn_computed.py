"""Parameters that are computed, pruned, replaced for a call, or wait for their shape."""

import copy

import numpy as np
import pytest

import tensor_core as torch
from tensor_core import nn


def singular(weight):
    return np.linalg.svd(weight.detach().numpy(), compute_uv=False)


def test_weight_norm_keeps_the_function_and_learns_length_and_direction():
    layer, x = nn.Linear(3, 2), torch.ones(4, 3)
    before = layer(x)
    nn.utils.parametrizations.weight_norm(layer)
    assert torch.allclose(layer(x), before, atol=1e-6)
    layer(x).sum().backward()
    names = [name for name, p in layer.named_parameters() if p.grad is not None]
    assert names == ["bias", *(f"parametrizations.weight.original{i}" for i in (0, 1))]


def test_spectral_norm_brings_the_largest_singular_value_to_one():
    layer = nn.utils.parametrizations.spectral_norm(nn.Linear(5, 4), n_power_iterations=50)
    assert singular(layer.weight)[0] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("orthogonal_map", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2)])
def test_an_orthogonal_weight_stays_orthogonal_while_it_learns(shape, orthogonal_map):
    layer = nn.Linear(*shape)
    nn.utils.parametrizations.orthogonal(layer, orthogonal_map=orthogonal_map)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        layer(torch.ones(2, shape[0])).square().sum().backward()
        optimizer.step()
    np.testing.assert_allclose(singular(layer.weight), 1, atol=1e-4)


def test_a_parametrized_module_copies_and_refuses_pickling():
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    twin = copy.deepcopy(layer)
    twin.parametrizations.weight.original0.data.zero_()
    assert float(layer.weight.abs().sum()) > 0 == float(twin.weight.abs().sum())
    with pytest.raises(RuntimeError, match="state_dict"):
        copy.copy(layer).__getstate__()


def test_pruned_weights_stay_zero_while_they_learn():
    layer = nn.utils.prune.l1_unstructured(nn.Linear(4, 3), "weight", 5)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    layer(torch.ones(2, 4)).square().sum().backward()
    optimizer.step()
    layer(torch.ones(2, 4))
    assert int((layer.weight == 0).sum()) == 5


def test_functional_call_leaves_the_module_as_it_was():
    layer = nn.Linear(2, 1)
    weight = layer.weight
    with pytest.raises(RuntimeError):
        torch.func.functional_call(layer, {"weight": torch.ones(1, 9)}, torch.ones(1, 2))
    assert layer.weight is weight


def test_a_lazy_layer_waits_for_its_first_input():
    layer = nn.LazyLinear(2)
    with pytest.raises(ValueError, match="uninitialized"):
        layer.weight.sum()
    assert layer(torch.ones(1, 3)).shape == (1, 2)
    assert type(layer) is nn.Linear and layer.weight.shape == (2, 3)


def test_hooks_of_all_modules_are_heard_until_they_are_removed():
    heard = []
    handle = nn.modules.module.register_module_forward_hook(lambda m, a, y: heard.append(y))
    nn.Identity()(1)
    handle.remove()
    nn.Identity()(2)
    assert heard == [1]

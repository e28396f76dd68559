"""nn.utils beside torch: computed parameters, norms, pruning, other tensors in a call."""

import numpy as np
import pytest
import torch.nn.utils.prune  # noqa: F401  (torch wants it imported by name)
from side_by_side import BOTH, array
from test_modules_against_torch import both, net, seen


def trained(t, model, x=None, steps=3):
    """Outputs, state and gradients over a few steps."""
    x = t.linspace(-1, 1, 12).reshape(4, 3) if x is None else x
    optimizer, outputs = t.optim.SGD(model.parameters(), lr=0.1), []
    for _ in range(steps):
        optimizer.zero_grad()
        y = model(x)
        y.square().sum().backward()
        optimizer.step()
        outputs.append(seen(y.detach()))
    model.eval()
    return outputs, seen(model(x).detach()), list(model.state_dict()), seen(model.state_dict())


def layer(t):
    return t.nn.Linear(3, 4)


def old_weight_norm(t, dim=0):
    model = t.nn.utils.weight_norm(layer(t), dim=dim)
    found = trained(t, model)
    removed = t.nn.utils.remove_weight_norm(model)
    return found, list(removed.state_dict()), removed.weight, len(removed._forward_pre_hooks)


def old_spectral_norm(t):
    model = t.nn.utils.spectral_norm(layer(t), n_power_iterations=2)
    found = trained(t, model), dict(model.state_dict()._metadata[""])
    removed = t.nn.utils.remove_spectral_norm(model)
    return found, list(removed.state_dict()), removed.weight


def weight_norm_of_older_state(t):
    old = t.nn.utils.weight_norm(layer(t)).state_dict()
    new = t.nn.utils.parametrizations.weight_norm(layer(t))
    return repr(new.load_state_dict(old)), new(t.ones(1, 3))


def computed(name, **options):
    def program(t):
        made = getattr(t.nn.utils.parametrizations, name)(layer(t), **options)
        found = trained(t, made), repr(made), type(made).__name__
        t.nn.utils.parametrize.remove_parametrizations(made, "weight")
        return found, repr(made), list(made.state_dict()), made.weight

    return program


def symmetric(t):
    class Symmetric(t.nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).mT

        def right_inverse(self, x):
            return x.triu()

    return Symmetric()


def own_parametrization(t):
    parametrize = t.nn.utils.parametrize
    square = t.nn.Linear(3, 3)
    parametrize.register_parametrization(square, "weight", symmetric(t))
    square.weight = t.arange(9.0).reshape(3, 3)
    with parametrize.cached():
        once = square.weight is square.weight
    told = [parametrize.is_parametrized(square), parametrize.is_parametrized(square, "bias")]
    kind = parametrize.type_before_parametrizations(square).__name__
    other = parametrize.transfer_parametrizations_and_params(square, t.nn.Linear(3, 3))
    return once, told, kind, trained(t, square), repr(square), list(other.state_dict())


def shape_changes(t):
    t.nn.utils.parametrize.register_parametrization(layer(t), "weight", t.nn.Flatten(0))


def pruned(t):
    prune, model = t.nn.utils.prune, net(t)
    prune.l1_unstructured(model[0], "weight", amount=3)
    prune.random_unstructured(model[0], "weight", amount=0.4)
    prune.ln_structured(model[2], "weight", amount=2, n=2, dim=1)
    prune.random_structured(model[2], "weight", amount=1, dim=0)
    found = trained(t, model), prune.is_pruned(model)
    prune.remove(model[0], "weight")
    return found, list(model.state_dict()), model[0].weight


def pruned_together(t):
    prune, model = t.nn.utils.prune, net(t)
    pairs = [(model[0], "weight"), (model[2], "weight")]
    prune.global_unstructured(pairs, prune.L1Unstructured, amount=0.3)
    prune.custom_from_mask(model[0], "bias", t.tensor([1, 0, 1, 0]))
    prune.identity(model[2], "bias")
    return list(model.state_dict()), seen(model.state_dict()), model(t.ones(1, 3))


def with_other_tensors(t):
    model = net(t)
    weights = {k: v * 2 for k, v in model.named_parameters()}
    x = t.ones(1, 3)
    out = t.func.functional_call(model, weights, (x,))
    out.sum().backward()
    some = t.nn.utils.stateless.functional_call(model, {"0.weight": t.zeros(4, 3)}, x)
    return out, some, model(x), model[0].weight.grad


def with_missing_tensors(t):
    t.nn.utils.stateless.functional_call(net(t), {"0.weight": 1}, t.ones(1, 3), strict=True)


def tied(t):
    model = t.nn.Sequential(t.nn.Linear(2, 2), t.nn.Linear(2, 2))
    model[1].weight = model[0].weight
    given = {"0.weight": t.ones(2, 2)}
    call = t.nn.utils.stateless.functional_call
    return call(model, given, t.ones(1, 2)), call(model, given, t.ones(1, 2), tie_weights=False)


def skipped(t):
    made = t.nn.utils.skip_init(t.nn.Linear, 3, 4)
    return made, made.weight.shape[0], t.rand(2)  # nothing was drawn


def clipped(t):
    model = net(t)
    model(t.ones(2, 3)).sum().backward()
    norms = [t.nn.utils.clip_grad_norm(model.parameters(), 0.5)]
    norms.append(t.nn.utils.clip_grad_norm_(list(model.parameters()), 0.1, foreach=False))
    model[0].weight.grad.fill_(float("inf"))
    return norms, t.nn.utils.clip_grad_norm_(model.parameters(), 1, error_if_nonfinite=True)


PROGRAMS = {
    "weight norm": old_weight_norm,
    "weight norm, last dimension": lambda t: old_weight_norm(t, 1),
    "weight norm, all": lambda t: old_weight_norm(t, None),
    "weight norm, twice": lambda t: t.nn.utils.weight_norm(t.nn.utils.weight_norm(layer(t))),
    "no weight norm": lambda t: t.nn.utils.remove_weight_norm(layer(t)),
    "spectral norm": old_spectral_norm,
    "weight norm of older states": weight_norm_of_older_state,
    "computed weight norm": computed("weight_norm"),
    "computed spectral norm": computed("spectral_norm", n_power_iterations=2),
    "computed spectral norm, dim": computed("spectral_norm", dim=1),
    "orthogonal": computed("orthogonal"),
    "orthogonal by cayley": computed("orthogonal", orthogonal_map="cayley"),
    "orthogonal by reflections": computed("orthogonal", orthogonal_map="householder"),
    "orthogonal by reflections alone": computed("orthogonal", use_trivialization=False),
    "orthogonal, unknown": computed("orthogonal", orthogonal_map="magic"),
    "own parametrization": own_parametrization,
    "shape changes": shape_changes,
    "pruned": pruned,
    "pruned together": pruned_together,
    "pruned too much": lambda t: t.nn.utils.prune.l1_unstructured(layer(t), "weight", 99),
    "pruned by half an element": lambda t: t.nn.utils.prune.l1_unstructured(layer(t), "bias", 1.5),
    "not pruned": lambda t: t.nn.utils.prune.remove(layer(t), "weight"),
    "other tensors": with_other_tensors,
    "missing tensors": with_missing_tensors,
    "tied tensors": tied,
    "skipped": skipped,
    "clipped": clipped,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    theirs, ours = both(PROGRAMS[name])
    assert ours == theirs


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("shape", [(4, 2, 3), (2, 3, 3, 3), (6, 1, 2, 2, 2)])
def test_dirac(groups, shape):
    filled = [array(t.nn.init.dirac_(t.empty(*shape), groups)) for t in BOTH]
    assert np.array_equal(*filled)


def test_sparse_draws_alike():
    filled = []
    for t in BOTH:
        t.manual_seed(3)
        generator = t.Generator().manual_seed(4)
        filled.append(array(t.nn.init.sparse_(t.empty(9, 5), 0.4, generator=generator)))
    assert np.array_equal(*filled)

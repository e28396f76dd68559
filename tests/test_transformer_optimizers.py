"""The optimizers of transformer: the same numbers on both engines, and beside torch's own."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch as reference

from transformer import TrainConfig
from transformer._engine import nn, torch
from transformer.train.optimizer import OPTIMIZERS, make_optimizer
from transformer.train.optimizers import Muon

# Trains one model with each optimizer on the engine of the environment; the weights go to a file.
PROGRAM = f"""
import sys
import numpy as np
from transformer import TrainConfig, build_model
from transformer._engine import torch
from transformer.train.optimizer import make_optimizer
ids = torch.tensor([[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]])
found = {{}}
for name in {sorted(OPTIMIZERS)!r}:
    torch.manual_seed(0)
    model = build_model("gpt", vocab_size=7, block_size=5, n_layer=1, n_head=2, n_embd=8)
    model.double()
    optimizer = make_optimizer(model, TrainConfig(optimizer=name, lr=0.01, weight_decay=0.1))
    for step in range(8):
        if step == 4:  # through a state saved and loaded
            state, optimizer = optimizer.state_dict(), make_optimizer(
                model, TrainConfig(optimizer=name, lr=0.01, weight_decay=0.1)
            )
            optimizer.load_state_dict(state)
        optimizer.zero_grad()
        model(ids[:, :-1], ids[:, 1:])[1].backward()
        optimizer.step()
    for key, p in model.named_parameters():
        found[name + " " + key] = p.detach().numpy()
np.savez(sys.argv[1], **found)
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The weights after training, by optimizer and parameter, on tensor_core and on torch."""
    results = []
    for engine in ("tensor_core", "torch"):
        out = tmp_path_factory.mktemp("optimizers") / f"{engine}.npz"
        environment = {
            **os.environ,
            "GRADINE_ENGINE": engine,
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        }
        subprocess.run([sys.executable, "-c", PROGRAM, str(out)], env=environment, check=True)
        with np.load(out) as found:
            results.append(dict(found))
    return results


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_both_engines_train_to_the_same_weights(pair, name):
    ours, theirs = pair
    keys = [key for key in theirs if key.startswith(f"{name} ")]
    assert len(keys) == 16 and {key for key in ours if key.startswith(f"{name} ")} == set(keys)
    for key in keys:
        if key.endswith("c_attn.bias"):
            # The key's bias has no slope but rounding errors, of which Adam and Lion take the sign.
            query_and_value = np.r_[0:8, 16:24]
            ours[key], theirs[key] = ours[key][query_and_value], theirs[key][query_and_value]
        # The models themselves agree to about 1e-7 (their constants are float32).
        np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-4, atol=1e-6, err_msg=key)


class Net(nn.Module):
    """Two matrices and a vector, whose gradients are given."""

    def __init__(self):
        super().__init__()
        rng = np.random.default_rng(1)
        self.wide = nn.Parameter(torch.tensor(rng.normal(size=(6, 10))))
        self.tall = nn.Parameter(torch.tensor(rng.normal(size=(10, 4))))
        self.gain = nn.Parameter(torch.tensor(rng.normal(size=7)))


def compared(optimizer, net, theirs, references):
    """Give both the same gradients for some steps."""
    rng = np.random.default_rng(2)
    for _ in range(6):
        for p, q in zip(net.parameters(), references, strict=True):
            gradient = rng.normal(size=tuple(p.shape))
            p.grad, q.grad = torch.tensor(gradient), reference.tensor(gradient)
        optimizer.step()
        for each in theirs:
            each.step()
    return [
        (p.detach().numpy(), q.detach().numpy())
        for p, q in zip(net.parameters(), references, strict=True)
    ]


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_what_torch_has_is_torchs(name):
    net = Net()
    copies = [
        reference.tensor(p.detach().numpy().copy(), requires_grad=True) for p in net.parameters()
    ]
    groups = [
        {"params": copies[:2], "weight_decay": 0.2},
        {"params": copies[2:], "weight_decay": 0},
    ]
    theirs = {
        "sgd": lambda: reference.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True),
        "adam": lambda: reference.optim.Adam(groups, lr=0.1, betas=(0.8, 0.95)),
        "adamw": lambda: reference.optim.AdamW(groups, lr=0.1, betas=(0.8, 0.95)),
    }[name]()
    config = TrainConfig(optimizer=name, lr=0.1, betas=(0.8, 0.95), momentum=0.9, weight_decay=0.2)
    for ours, expected in compared(make_optimizer(net, config), net, [theirs], copies):
        np.testing.assert_allclose(ours, expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("scale", "adjusted"), [("adamw", "match_rms_adamw"), ("shape", "original")]
)
def test_muon_is_torchs_up_to_its_bfloat16(scale, adjusted):
    net = Net()
    copies = [
        reference.tensor(p.detach().numpy().copy(), requires_grad=True) for p in net.parameters()
    ]
    start = [p.detach().numpy().copy() for p in net.parameters()]
    options = {"lr": 0.1, "weight_decay": 0.2}
    theirs = [
        reference.optim.Muon(copies[:2], momentum=0.95, adjust_lr_fn=adjusted, **options),
        reference.optim.AdamW(copies[2:], betas=(0.9, 0.99), **options),
    ]
    matrices, vectors = list(net.parameters())[:2], list(net.parameters())[2:]
    groups = [{"params": matrices}, {"params": vectors, "muon": False}]
    pairs = compared(Muon(groups, scale=scale, **options), net, theirs, copies)
    for begun, (ours, expected) in zip(start, pairs, strict=True):
        moved = np.linalg.norm(expected - begun)
        assert np.linalg.norm(ours - expected) < 0.02 * moved
    np.testing.assert_allclose(*pairs[2], rtol=1e-9)

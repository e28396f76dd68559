"""Networks and losses, a program written for micrograd, and the two moons."""

from __future__ import annotations

import copy
import math
import random
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalar_value import Value, nn, tanh
from scalar_value.datasets import make_moons
from scalar_value.losses import binary_cross_entropy, cross_entropy, hinge, mse

EXAMPLE = Path(__file__).parents[1] / "examples" / "two_moons.py"
LOGITS = st.floats(-30, 30)


def test_a_neuron_is_a_weighted_sum() -> None:
    neuron = nn.Neuron(2, nonlin=False)
    neuron.w[0].data, neuron.w[1].data, neuron.b.data = 2.0, -3.0, 0.5
    assert neuron([1.0, Value(10.0)]).data == 2 - 30 + 0.5
    assert repr(neuron) == "LinearNeuron(2)"


def test_shapes_names_and_parameters_of_a_network() -> None:
    model = nn.MLP(3, [2, 1, 2], activation=tanh)
    assert [len(layer.neurons) for layer in model.layers] == [2, 1, 2]
    assert len(model.parameters()) == (3 + 1) * 2 + (2 + 1) + (1 + 1) * 2
    assert len({*model.parameters()}) == len(model.parameters())
    assert len(model([1.0, 2.0, 3.0])) == 2  # through a layer of a single neuron
    assert repr(model.layers[1]) == "Layer of [TanhNeuron(2)]"
    assert repr(model.layers[2]) == "Layer of [LinearNeuron(1), LinearNeuron(1)]"
    assert repr(model).startswith("MLP of [Layer of [TanhNeuron(3), TanhNeuron(3)], Layer of")


def test_weights_come_from_pythons_seed() -> None:
    random.seed(7)
    expected = [random.uniform(-1, 1) for _ in range(2)]
    random.seed(7)
    assert [w.data for w in nn.Neuron(2).w] == expected


def test_zero_grad_and_deepcopy() -> None:
    model = nn.MLP(2, [2, 1])
    model([1.0, 2.0]).backward()
    twin = copy.deepcopy(model)
    assert [p.grad for p in twin.parameters()] == [p.grad for p in model.parameters()]
    twin.zero_grad()
    assert all(p.grad == 0.0 for p in twin.parameters())
    assert any(p.grad != 0.0 for p in model.parameters())
    assert nn.Module().parameters() == []


@given(st.lists(st.tuples(LOGITS, LOGITS), min_size=1, max_size=5))
def test_mse_and_its_gradient(pairs: list[tuple[float, float]]) -> None:
    values = [Value(p) for p, _ in pairs]
    loss = mse(values, [t for _, t in pairs])
    loss.backward()
    n = len(pairs)
    assert loss.data == pytest.approx(sum((p - t) ** 2 for p, t in pairs) / n)
    assert [v.grad for v in values] == pytest.approx([2 * (p - t) / n for p, t in pairs])


def test_hinge_and_its_gradient() -> None:
    scores = [Value(2.0), Value(0.5), Value(-3.0)]
    loss = hinge(scores, [1, -1, 1])
    loss.backward()
    assert loss.data == pytest.approx((0 + 1.5 + 4) / 3)
    assert [s.grad for s in scores] == pytest.approx([0, 1 / 3, -1 / 3])


@given(LOGITS, st.floats(0, 1))
def test_binary_cross_entropy_and_its_gradient(logit: float, target: float) -> None:
    x = Value(logit)
    loss = binary_cross_entropy([x], [target])
    loss.backward()
    p, q = 1 / (1 + math.exp(-logit)), 1 / (1 + math.exp(logit))
    assert loss.data == pytest.approx(
        -target * math.log(p) - (1 - target) * math.log(q), rel=1e-9, abs=1e-9
    )
    assert x.grad == pytest.approx(p - target, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("logit", "target", "slope"), [(0, 0, 0.5), (900, 0, 1), (-900, 1, -1)])
def test_binary_cross_entropy_where_others_break(logit: float, target: int, slope: float) -> None:
    x = Value(logit)
    loss = binary_cross_entropy([x], [target])
    loss.backward()
    assert x.grad == slope
    assert loss.data == pytest.approx(abs(logit) or math.log(2))


@given(st.lists(LOGITS, min_size=1, max_size=6), st.integers(0, 5))
def test_cross_entropy_and_its_gradient(logits: list[float], target: int) -> None:
    target %= len(logits)
    row = [Value(x) for x in logits]
    loss = cross_entropy([row], [target])
    loss.backward()
    total = sum(map(math.exp, logits))
    assert loss.data == pytest.approx(math.log(total) - logits[target], abs=1e-9)
    expected = [math.exp(x) / total - (i == target) for i, x in enumerate(logits)]
    assert [x.grad for x in row] == pytest.approx(expected, abs=1e-12)


def test_cross_entropy_of_huge_logits_and_of_several_rows() -> None:
    rows = [[Value(1e300), Value(-1e300)], [Value(0.0), Value(0.0)]]
    loss = cross_entropy(rows, [0, 1])
    loss.backward()
    assert loss.data == pytest.approx(math.log(2) / 2)
    assert [x.grad for row in rows for x in row] == [0.0, 0.0, 0.25, -0.25]


MICROGRAD_PROGRAM = """
import random
from micrograd.engine import Value
from micrograd.nn import MLP, Layer, Module, Neuron

a = Value(-4.0)
b = Value(2.0)
c = a + b
d = a * b + b**3
c += c + 1
c += 1 + c + (-a)
d += d * 2 + (b + a).relu()
d += 3 * d + (b - a).relu()
e = c - d
f = e**2
g = f / 2.0
g += 10.0 / f
g.backward()
print(f'{g.data:.4f} {a.grad:.4f} {b.grad:.4f}')

def trace(root):
    nodes, edges = set(), set()
    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)
    build(root)
    return nodes, edges

n = Neuron(2)
y = n([Value(1.0), Value(-2.0)])
nodes, edges = trace(y)
assert all("{ data %.4f | grad %.4f }" % (v.data, v.grad) for v in nodes) and edges
assert any(v._op == 'ReLU' for v in nodes)

random.seed(42)
model = MLP(2, [4, 1])
print(model, len(model.parameters()))
assert isinstance(model, Module) and isinstance(model.layers[0], Layer)
xs, ys = [[2.0, 3.0], [-1.0, 0.5], [0.5, -1.0]], [1, -1, 1]
for k in range(20):
    inputs = [list(map(Value, x)) for x in xs]
    scores = list(map(model, inputs))
    losses = [(1 + -yi*si).relu() for yi, si in zip(ys, scores)]
    total = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum((p*p for p in model.parameters()))
    model.zero_grad()
    total.backward()
    for p in model.parameters():
        p.data -= 0.1 * p.grad
print(f'{total.data:.9f}')
"""

# What the program printed with micrograd 0.1.0 itself.
MICROGRAD_OUTPUT = """\
24.7041 138.8338 645.5773
MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)], \
Layer of [LinearNeuron(4)]] 17
0.168568789
"""


def test_a_program_for_micrograd_runs_with_only_its_imports_changed() -> None:
    program = MICROGRAD_PROGRAM.replace("from micrograd.", "from scalar_value.")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout == MICROGRAD_OUTPUT


def test_moons_lie_on_their_circles() -> None:
    points, labels = make_moons(101, noise=0.0)
    assert (len(points), labels.count(0), labels.count(1)) == (101, 51, 50)
    for (x, y), label in zip(points, labels, strict=True):
        cx, cy, above = (0.0, 0.0, 1) if label == 0 else (1.0, 0.5, -1)
        assert math.hypot(x - cx, y - cy) == pytest.approx(1.0)
        assert above * (y - cy) >= -1e-12
    assert make_moons(10) == make_moons(10) != make_moons(10, seed=2)
    assert labels != sorted(labels)


def test_two_moons_are_learnt_perfectly() -> None:
    example = runpy.run_path(str(EXAMPLE))
    model, history = example["train"]()
    assert len(history) == 101
    assert history[-1][1] == 1.0 and history[-1][0] < 0.05 < history[0][0]
    picture = example["picture"](model).splitlines()
    assert len(picture) == 16 and {*"".join(picture)} == {"#", "."}

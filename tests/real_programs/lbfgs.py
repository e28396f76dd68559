"""Fit a small network and Rosenbrock's valley with L-BFGS, whose steps ask for a closure."""

import numpy as np
import torch
import torch.nn as nn

# a sine continued: two coupled layers on noisy waves, in double precision -------------------------
np.random.seed(2)
torch.manual_seed(0)
t = torch.linspace(-1, 1, 120, dtype=torch.double).unsqueeze(1)
y = torch.sin(4 * t) * torch.exp(-t) + 0.05 * torch.from_numpy(np.random.randn(120, 1))
model = nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 12), nn.Tanh(), nn.Linear(12, 1))
model.double()
criterion = nn.MSELoss()
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.8, max_iter=6, history_size=8,
                              line_search_fn="strong_wolfe")  # fmt: skip
calls = 0


def closure():
    global calls
    calls += 1
    optimizer.zero_grad()
    loss = criterion(model(t), y) + 1e-5 * sum((p**2).sum() for p in model.parameters())
    loss.backward()
    return loss


for step in range(15):
    loss = optimizer.step(closure)
    print(f"step {step} loss {loss.item():.8f} calls {calls}")
with torch.no_grad():
    print(f"after {criterion(model(t), y).item():.8f}", model(t[::30]).flatten())

# the valley, with and without a line search ------------------------------------------------------
for search in (None, "strong_wolfe"):
    x = torch.tensor([-1.2, 1.0], dtype=torch.double, requires_grad=True)
    rate = 1.0 if search else 0.02
    optimizer = torch.optim.LBFGS([x], lr=rate, max_iter=5, line_search_fn=search)

    def valley():
        optimizer.zero_grad()
        value = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        value.backward()
        return value

    for step in range(12):
        value = optimizer.step(valley)
        print(f"{search} {step} loss {value.item():.8f} x {x.tolist()[0]:.6f} {x[1].item():.6f}")
    print(optimizer.state[x]["func_evals"], optimizer.state[x]["n_iter"])

# logistic regression, to the end ------------------------------------------------------------------
points = torch.randn(100, 4, dtype=torch.double)
labels = (points @ torch.tensor([1.0, -2.0, 0.5, 0.0], dtype=torch.double) > 0.3).double()
w = torch.zeros(4, dtype=torch.double, requires_grad=True)
b = torch.zeros((), dtype=torch.double, requires_grad=True)
optimizer = torch.optim.LBFGS(
    [w, b], max_iter=100, tolerance_grad=1e-9, line_search_fn="strong_wolfe"
)


def logistic():
    optimizer.zero_grad()
    loss = nn.functional.binary_cross_entropy_with_logits(points @ w + b, labels)
    loss = loss + 0.01 * w.square().sum()
    loss.backward()
    return loss


print(f"first {optimizer.step(logistic).item():.8f} last {logistic().item():.10f}")
print(w, b, w.grad.abs().max() < 1e-6)

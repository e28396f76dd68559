"""LoRA (Hu and others 2021): adapt a frozen network to a new task by low-rank additions."""

import copy
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.nn.utils.parametrize as parametrize

torch.manual_seed(0)


class LoRALinear(nn.Module):
    """A linear layer that stays as it is, plus a product of two thin matrices that learns."""

    def __init__(self, base: nn.Linear, rank: int = 4, alpha: float = 8.0, dropout: float = 0.0):
        super().__init__()
        self.base = base
        for p in self.base.parameters():
            p.requires_grad_(False)
        self.lora_A = nn.Parameter(torch.empty(rank, base.in_features))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))
        self.scaling = alpha / rank
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.base(x) + self.dropout(x) @ self.lora_A.T @ self.lora_B.T * self.scaling

    @torch.no_grad()
    def merge(self):
        merged = nn.Linear(self.base.in_features, self.base.out_features)
        merged.weight.copy_(self.base.weight + self.scaling * self.lora_B @ self.lora_A)
        merged.bias.copy_(self.base.bias)
        return merged

    def extra_repr(self):
        return f"rank={self.lora_A.shape[0]}, scaling={self.scaling}"


class LowRank(nn.Module):
    """The same as a parametrization of a weight."""

    def __init__(self, out_features, in_features, rank):
        super().__init__()
        self.A = nn.Parameter(torch.randn(rank, in_features) / rank)
        self.B = nn.Parameter(torch.zeros(out_features, rank))
        self.enabled = True

    def forward(self, W):
        return W + self.B @ self.A if self.enabled else W


def replace_linears(module, **options):
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, LoRALinear(child, **options))
        else:
            replace_linears(child, **options)


def task(n, shift):
    """Points of the plane; the label is the ring they lie in, the rings' centre is shifted."""
    x = torch.rand(n, 2) * 4 - 2
    radius = (x - shift).norm(dim=1)
    return x, (radius * 2).long().clamp(max=3)


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        right = (model(x).argmax(1) == y).float().mean().item()
    model.train()
    return right


model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
x, y = task(512, torch.zeros(2))
for step in range(100):
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 8 == 0:
        print(f"pretrain {step} loss {loss.item():.8f}")
print("accuracy before", accuracy(model, x, y))

x2, y2 = task(512, torch.tensor([0.5, -0.3]))
print("accuracy on the new task", accuracy(model, x2, y2))
before = copy.deepcopy(model.state_dict())
adapted = copy.deepcopy(model)
replace_linears(adapted, rank=4, alpha=8.0, dropout=0.05)
print(adapted)
learning = [(n, tuple(p.shape)) for n, p in adapted.named_parameters() if p.requires_grad]
total = sum(p.numel() for p in adapted.parameters())
count = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
print(f"{count} of {total} learn ({100 * count / total:.2f}%)", learning)

optimizer = torch.optim.AdamW([p for p in adapted.parameters() if p.requires_grad], lr=1e-2)
for step in range(100):
    loss = F.cross_entropy(adapted(x2), y2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 8 == 0:
        print(f"adapt {step} loss {loss.item():.8f}")
print("accuracy adapted", accuracy(adapted, x2, y2))
print("frozen:", all(torch.equal(before[f"{i}.weight"], adapted[i].base.weight) for i in (0, 2, 4)))

merged = nn.Sequential(*(m.merge() if isinstance(m, LoRALinear) else m for m in adapted))
adapted.eval()
print("merged equals adapted:", torch.allclose(merged(x2), adapted(x2), atol=1e-4))
print([k for k in adapted.state_dict() if "lora" in k])

parametrized = copy.deepcopy(model)
for p in parametrized.parameters():
    p.requires_grad_(False)
for layer in parametrized:
    if isinstance(layer, nn.Linear):
        low = LowRank(*layer.weight.shape, rank=2)
        parametrize.register_parametrization(layer, "weight", low)
print(parametrized[0])
optimizer = torch.optim.SGD(
    [p for p in parametrized.parameters() if p.requires_grad], lr=0.1, momentum=0.9, nesterov=True
)
for step in range(40):
    loss = F.cross_entropy(parametrized(x2), y2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 5 == 0:
        print(f"parametrized {step} loss {loss.item():.8f}")
on = accuracy(parametrized, x2, y2)
for layer in parametrized:
    if parametrize.is_parametrized(layer):
        layer.parametrizations.weight[0].enabled = False
print("with", on, "without", accuracy(parametrized, x2, y2))
for layer in parametrized:
    if parametrize.is_parametrized(layer):
        layer.parametrizations.weight[0].enabled = True
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
print("kept", accuracy(parametrized, x2, y2), list(parametrized.state_dict()))

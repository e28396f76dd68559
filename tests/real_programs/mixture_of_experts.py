"""A sparse mixture of experts: noisy top-k gating, index_add_, a loss that balances loads."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(11)


class Expert(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.w1 = nn.Linear(dim, hidden, bias=False)
        self.w2 = nn.Linear(hidden, dim, bias=False)
        self.w3 = nn.Linear(dim, hidden, bias=False)

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class MoE(nn.Module):
    def __init__(self, dim, hidden, experts, top_k):
        super().__init__()
        self.experts = nn.ModuleList([Expert(dim, hidden) for _ in range(experts)])
        self.gate = nn.Linear(dim, experts, bias=False)
        self.noise = nn.Linear(dim, experts, bias=False)
        nn.init.zeros_(self.noise.weight)
        self.top_k, self.count = top_k, experts

    def forward(self, x):
        B, T, C = x.shape
        flat = x.reshape(-1, C)  # (N, C)
        logits = self.gate(flat)
        if self.training:
            logits = logits + torch.randn_like(logits) * F.softplus(self.noise(flat)) * 0.5
        probs = logits.softmax(dim=-1)
        weights, chosen = torch.topk(probs, self.top_k, dim=-1)  # (N, k)
        weights = weights / weights.sum(dim=-1, keepdim=True)
        out = torch.zeros_like(flat)
        for i, expert in enumerate(self.experts):
            token, slot = torch.where(chosen == i)
            if token.numel() == 0:
                continue
            out.index_add_(0, token, expert(flat[token]) * weights[token, slot, None])
        # balance (Switch Transformer, eq. 4): share of tokens times share of probability
        hits = torch.zeros(self.count).scatter_add_(
            0, chosen.flatten(), torch.ones(chosen.numel(), dtype=torch.float)
        )
        share = hits / chosen.numel()
        self.balance = self.count * (share * probs.mean(dim=0)).sum()
        self.z_loss = torch.logsumexp(logits, dim=-1).square().mean()
        self.hits = torch.bincount(chosen.flatten(), minlength=self.count)
        return out.view(B, T, C)


class Model(nn.Module):
    def __init__(self, vocab, dim, experts, top_k):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        self.mix = nn.Conv1d(dim, dim, kernel_size=3, padding=2)
        self.norm = nn.RMSNorm(dim)
        self.moe = MoE(dim, 2 * dim, experts, top_k)
        self.head = nn.Linear(dim, vocab)

    def forward(self, idx):
        x = self.embed(idx)
        x = x + self.mix(x.transpose(1, 2))[..., : idx.shape[1]].transpose(1, 2)  # causal
        x = x + self.moe(self.norm(x))
        return self.head(x)


def batch(size, length, vocab):
    """Four rules, one a row: each continues in its own way from two numbers."""
    first, second = torch.randint(vocab, (2, size))
    rule = torch.randint(1, 5, (size,))
    rows = [first, second]
    for _ in range(length - 1):
        rows.append((rows[-1] * rule + rows[-2]) % vocab)
    return torch.stack(rows, dim=1)


vocab = 12
model = Model(vocab, 24, experts=6, top_k=2)
optimizer = torch.optim.AdamW(model.parameters(), lr=8e-3, weight_decay=0.01, amsgrad=True)
print(sum(p.numel() for p in model.parameters()), "parameters")
for step in range(60):
    data = batch(32, 12, vocab)
    x, y = data[:, :-1], data[:, 1:]
    logits = model(x)
    task = F.cross_entropy(logits.flatten(0, 1), y.flatten(), label_smoothing=0.05)
    loss = task + 0.02 * model.moe.balance + 1e-3 * model.moe.z_loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step} loss {loss.item():.8f} balance {model.moe.balance.item():.6f}")
print("hits", model.moe.hits.tolist())
unused = [n for n, p in model.named_parameters() if p.grad is None]
print("without gradient:", unused)

model.eval()
with torch.no_grad():
    data = batch(6, 12, vocab)
    said = model(data[:, :-1]).argmax(-1)
    print(said.tolist())
    print("right:", (said == data[:, 1:]).float().mean().item(), model.moe.hits)

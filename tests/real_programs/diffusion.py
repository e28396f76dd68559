"""Denoising diffusion (Ho, Jain and Abbeel 2020) of points on two moons."""

import copy
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

torch.manual_seed(12)


def two_moons(n, noise=0.05):
    angle = torch.rand(n) * math.pi
    upper = torch.rand(n) < 0.5
    x = torch.where(upper, angle.cos(), 1 - angle.cos())
    y = torch.where(upper, angle.sin(), 0.5 - angle.sin())
    points = torch.stack((x, y), dim=-1)
    return (points - points.mean(0)) / points.std(0) + noise * torch.randn_like(points)


class TimeEmbedding(nn.Module):
    def __init__(self, dim):
        super().__init__()
        half = dim // 2
        freqs = torch.exp(torch.arange(half) * -(math.log(10000.0) / (half - 1)))
        self.register_buffer("freqs", freqs)
        self.mlp = nn.Sequential(nn.Linear(dim, dim), nn.Mish(), nn.Linear(dim, dim))

    def forward(self, t):
        angles = t[:, None].float() * self.freqs[None]
        return self.mlp(torch.cat((angles.sin(), angles.cos()), dim=-1))


class Residual(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.GroupNorm(4, dim)
        self.shift_scale = nn.Linear(dim, 2 * dim)
        self.net = nn.Sequential(nn.SiLU(), nn.Linear(dim, dim))

    def forward(self, x, emb):
        shift, scale = self.shift_scale(emb).chunk(2, dim=-1)
        return x + self.net(self.norm(x) * (1 + scale) + shift)


class Denoiser(nn.Module):
    def __init__(self, dim=32, depth=3):
        super().__init__()
        self.time = TimeEmbedding(dim)
        self.enter, self.leave = nn.Linear(2, dim), nn.Linear(dim, 2)
        self.blocks = nn.ModuleList([Residual(dim) for _ in range(depth)])
        nn.init.zeros_(self.leave.weight)

    def forward(self, x, t):
        emb, h = self.time(t), self.enter(x)
        for block in self.blocks:
            h = block(h, emb)
        return self.leave(F.silu(h))


class Diffusion:
    def __init__(self, steps):
        self.steps = steps
        scale = torch.linspace(0, steps, steps + 1) / steps
        bar = torch.cos((scale + 0.008) / 1.008 * math.pi / 2) ** 2
        self.betas = (1 - bar[1:] / bar[:-1]).clip(0.0001, 0.999)
        self.alphas = 1.0 - self.betas
        self.bar = torch.cumprod(self.alphas, dim=0)
        self.bar_before = F.pad(self.bar[:-1], (1, 0), value=1.0)
        self.variance = self.betas * (1 - self.bar_before) / (1 - self.bar)

    @staticmethod
    def extract(a, t, shape):
        return a.gather(-1, t).reshape(t.shape[0], *((1,) * (len(shape) - 1)))

    def noised(self, x, t, noise):
        bar = self.extract(self.bar, t, x.shape)
        return bar.sqrt() * x + (1 - bar).sqrt() * noise

    @torch.no_grad()
    def sample(self, model, n):
        x = torch.randn(n, 2)
        for i in reversed(range(self.steps)):
            t = torch.full((n,), i, dtype=torch.long)
            eps = model(x, t)
            x = (x - self.betas[i] / torch.sqrt(1 - self.bar[i]) * eps) / self.alphas[i].sqrt()
            if i > 0:
                x += self.variance[i].sqrt() * torch.randn_like(x)
        return x


class EMA:
    """A model's average over its steps."""

    def __init__(self, model, decay):
        self.decay, self.shadow = decay, copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        for kept, now in zip(self.shadow.parameters(), model.parameters()):
            kept.lerp_(now, 1 - self.decay)
        for kept, now in zip(self.shadow.buffers(), model.buffers()):
            kept.copy_(now)


data = TensorDataset(two_moons(512))
sampler = BatchSampler(RandomSampler(data, replacement=True, num_samples=64 * 60), 64, True)
loader = DataLoader(data, batch_sampler=sampler)
diffusion, model = Diffusion(20), Denoiser()
ema = EMA(model, 0.9)
print(diffusion.betas[:4], diffusion.bar[-3:])
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-3)
scheduler = torch.optim.lr_scheduler.SequentialLR(
    optimizer,
    [
        torch.optim.lr_scheduler.LinearLR(optimizer, 0.2, total_iters=10),
        torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50, eta_min=1e-4),
    ],
    milestones=[10],
)
for step, (x,) in enumerate(loader):
    t = torch.randint(0, diffusion.steps, (len(x),))
    noise = torch.randn_like(x)
    loss = F.huber_loss(model(diffusion.noised(x, t, noise), t), noise, delta=1.5)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
    optimizer.step()
    scheduler.step()
    ema.update(model)
    print(f"step {step} loss {loss.item():.8f} lr {scheduler.get_last_lr()[0]:.6f}")

points = diffusion.sample(ema.shadow, 400)
print(f"mean {points.mean(0).tolist()[0]:.4f}, std {points.std(0)[1].item():.4f}")
cells = ((points + 2.5) / 5 * 12).long().clamp(0, 11)
table = torch.zeros(12, 12, dtype=torch.long)
table.index_put_((cells[:, 1], cells[:, 0]), torch.ones(400, dtype=torch.long), accumulate=True)
for row in table.flip(0).tolist():
    print("".join(" .:*#"[min(4, (n + 2) // 3)] for n in row) + "|")

"""A vision transformer (Dosovitskiy and others 2021) counts blobs; its attention is looked at."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(31)
SIDE, PATCH = 12, 3


def pictures(n):
    """Pictures with one to four blobs, and how many. Shapes: (n, 1, SIDE, SIDE), (n,)."""
    count = torch.randint(1, 5, (n,))
    cells = torch.rand(n, 16).argsort(dim=1)  # an order of the 4 x 4 cells for each
    chosen = torch.zeros(n, 16).scatter_(1, cells, (torch.arange(16) < count[:, None]).float())
    image = F.interpolate(chosen.view(n, 1, 4, 4), scale_factor=3, mode="nearest")
    image = F.avg_pool2d(image, 3, stride=1, padding=1)
    return image + 0.05 * torch.randn_like(image), count - 1


class Patches(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.unfold = nn.Unfold(kernel_size=PATCH, stride=PATCH)
        self.project = nn.Linear(PATCH * PATCH, dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.positions = nn.Parameter(torch.empty(1, (SIDE // PATCH) ** 2 + 1, dim))
        nn.init.trunc_normal_(self.positions, std=0.02)

    def forward(self, x):
        x = self.project(self.unfold(x).transpose(1, 2))  # (B, 16, D)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1)
        return x + self.positions


class Block(nn.Module):
    """A pre-norm block of our own, with stochastic depth."""

    def __init__(self, dim, heads, drop_path):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = nn.MultiheadAttention(dim, heads, dropout=0.0, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
        self.drop_path = drop_path
        self.weights = None

    def keep(self, x):
        if not self.training or self.drop_path == 0:
            return x
        mask = x.new_empty(x.shape[0], 1, 1).bernoulli_(1 - self.drop_path)
        return x * mask / (1 - self.drop_path)

    def forward(self, x):
        h = self.norm1(x)
        h, self.weights = self.attn(h, h, h, need_weights=not self.training)
        x = x + self.keep(h)
        return x + self.keep(self.mlp(self.norm2(x)))


class ViT(nn.Module):
    def __init__(self, dim=32, heads=4, classes=4):
        super().__init__()
        self.patches = Patches(dim)
        layer = nn.TransformerEncoderLayer(
            dim, heads, 2 * dim, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.block = Block(dim, heads, drop_path=0.1)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, classes))

    def forward(self, x):
        x = self.block(self.encoder(self.patches(x)))
        return self.head(x[:, 0])


model = ViT()
decay, no_decay = [], []
for name, p in model.named_parameters():
    (no_decay if p.ndim == 1 or "positions" in name or "cls" in name else decay).append(p)
optimizer = torch.optim.AdamW(
    [{"params": decay, "weight_decay": 0.05}, {"params": no_decay, "weight_decay": 0.0}], lr=3e-3
)
scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=20, T_mult=2)
print(len(decay), len(no_decay), sum(p.numel() for p in model.parameters()))
for step in range(50):
    x, y = pictures(32)
    lam = float(torch.rand(()).mul(0.2).add(0.8))  # mixup, mildly
    order = torch.randperm(len(x))
    logits = model(lam * x + (1 - lam) * x[order])
    loss = lam * F.cross_entropy(logits, y, label_smoothing=0.1)
    loss = loss + (1 - lam) * F.cross_entropy(logits, y[order], label_smoothing=0.1)
    model.zero_grad()
    loss.backward()
    total = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, norm_type=float("inf"))
    optimizer.step()
    scheduler.step(step + 1)
    print(f"step {step} loss {loss.item():.8f} lr {optimizer.param_groups[0]['lr']:.6f}")

model.eval()
with torch.no_grad():
    x, y = pictures(64)
    logits = model(x)
    top = logits.topk(2, dim=1)
    print("right:", (top.indices[:, 0] == y).sum().item(), "of 64; in the first two:",
          (top.indices == y[:, None]).any(dim=1).sum().item())  # fmt: skip
    print((logits.argmax(1) + 1)[:16].tolist(), (y + 1)[:16].tolist())
    attention = model.block.weights[:, 0, 1:]  # of the class token
    print(attention.shape, attention[0].view(4, 4))
    print(F.max_pool2d(x[:1], PATCH)[0, 0])
    on = F.avg_pool2d(x, PATCH).flatten(1) > 0.3
    print(f"attention on blobs {attention[on].mean():.6f}, elsewhere {attention[~on].mean():.6f}")

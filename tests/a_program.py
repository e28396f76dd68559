"""A training program as they are written for one GPU or many; test_runner_against_torch runs it.

It knows nothing of Gradine: its idioms are those of public GPT training scripts.
"""

import math
import os
import sys
from contextlib import nullcontext
from dataclasses import dataclass

import torch
import torch._dynamo
import torch._inductor.config as inductor
import torch.distributed as dist
import torch.nn as nn
from torch.distributed import destroy_process_group, init_process_group
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel as DDP

torch.backends.cuda.matmul.allow_tf32 = True
torch.backends.cudnn.allow_tf32 = True
torch.set_float32_matmul_precision("high")
inductor.coordinate_descent_tuning = True

device = "cpu"
if torch.cuda.is_available():
    device = "cuda"
elif hasattr(torch.backends, "mps") and torch.backends.mps.is_available():
    device = "mps"
device_type = torch.device(device).type
ddp = int(os.environ.get("RANK", -1)) != -1
if ddp:
    init_process_group(backend="gloo")
torch.manual_seed(1337)
torch.cuda.manual_seed_all(1337)
autocast = torch.amp.autocast(device_type, dtype=torch.bfloat16)
context = nullcontext() if device_type == "cpu" else autocast
scaler = torch.cuda.amp.GradScaler(enabled=False)


@dataclass
class Config:
    vocab: int = 13
    block: int = 8
    heads: int = 2
    width: int = 16


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads = c.heads
        self.norm = nn.LayerNorm(c.width)
        self.qkv = nn.Linear(c.width, 3 * c.width, bias=False)
        self.out = nn.Linear(c.width, c.width)
        self.mlp = nn.Sequential(nn.Linear(c.width, 4 * c.width), nn.GELU(),
                                 nn.Linear(4 * c.width, c.width), nn.Dropout(0.1))  # fmt: skip

    def forward(self, x):
        B, T, C = x.size()
        q, k, v = self.qkv(self.norm(x)).split(C, dim=2)
        q, k, v = (t.view(B, T, self.heads, C // self.heads).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).contiguous().view(B, T, C))
        return x + self.mlp(x)


class GPT(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.tok, self.pos = nn.Embedding(c.vocab, c.width), nn.Embedding(c.block, c.width)
        self.blocks = nn.ModuleList([Block(c) for _ in range(2)])
        self.head = nn.Linear(c.width, c.vocab, bias=False)
        self.tok.weight = self.head.weight

    @torch.no_grad()
    def init_weights(self):
        for name, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, mean=0.0, std=0.2 / math.sqrt(1 + name.count(".")))
            else:
                p.fill_(1.0 if "norm.weight" in name else 0.0)

    def forward(self, idx, targets=None):
        x = self.tok(idx) + self.pos(torch.arange(idx.shape[1], device=idx.device))
        for block in self.blocks:
            x = block(x)
        logits = self.head(x)
        if targets is None:
            return logits, None
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))


config = Config()
with torch.device("meta"):
    model = GPT(config)
model.to_empty(device=device)
model.tok.weight = model.head.weight
model.init_weights()
raw = model
model = torch.compile(model, backend="eager", dynamic=False)
if ddp:
    model = DDP(model)
optimizer = torch.optim.AdamW(raw.parameters(), lr=1e-2, betas=(0.9, 0.95), weight_decay=0.1)
data = torch.randint(config.vocab, (400,), dtype=torch.long)
for step in range(12):
    at = torch.randint(len(data) - config.block, (4,))
    x = torch.stack([data[i : i + config.block] for i in at]).to(device, non_blocking=True)
    y = torch.stack([data[i + 1 : i + 1 + config.block] for i in at]).to(device)
    with context:
        _, loss = model(x, y)
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad(set_to_none=True)
    if ddp:
        dist.all_reduce(loss.detach(), op=dist.ReduceOp.AVG)
    print(f"step {step} | loss {loss.item():.4f} | norm {norm:.4f}")
if device_type == "cuda":
    torch.cuda.synchronize()
print(f"peak {torch.cuda.max_memory_allocated() / 1e6:.1f} MB", len(model.state_dict()))
print(next(iter(model.state_dict())), sys.argv[1:])
model.eval()
idx = torch.zeros((1, 1), dtype=torch.long)
for _ in range(10):
    with torch.inference_mode():
        logits, _ = raw(idx[:, -config.block :])
    top, _ = torch.topk(logits[:, -1], 5)
    logits = logits[:, -1].masked_fill(logits[:, -1] < top[:, [-1]], -float("inf"))
    idx = torch.cat((idx, torch.multinomial(F.softmax(logits, dim=-1), num_samples=1)), dim=1)
print(idx.tolist())
if ddp:
    destroy_process_group()

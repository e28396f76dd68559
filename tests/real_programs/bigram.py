"""Names one letter after another: bigrams by counting, then the same table by gradient descent."""

import torch
import torch.nn.functional as F

STARTS = ["ma", "el", "jo", "an", "ri", "so", "ka", "le", "no", "ti"]
MIDDLES = ["ri", "la", "n", "sa", "mi", "", "do", "ve"]
ENDS = ["a", "na", "el", "us", "ine", "o", "ah"]

generator = torch.Generator().manual_seed(2147483647)


def make_name():
    parts = []
    for pieces in (STARTS, MIDDLES, ENDS):
        parts.append(pieces[torch.randint(len(pieces), (1,), generator=generator).item()])
    return "".join(parts)


words = [make_name() for _ in range(300)]
letters = sorted(set("".join(words)))
stoi = {letter: i + 1 for i, letter in enumerate(letters)}
stoi["."] = 0
itos = {i: letter for letter, i in stoi.items()}
V = len(stoi)
print(f"{len(words)} names, {V} letters, the first: {words[:5]}")

# counts ------------------------------------------------------------------------------------------
N = torch.zeros((V, V), dtype=torch.int32)
for word in words:
    chain = ["."] + list(word) + ["."]
    for first, second in zip(chain, chain[1:]):
        N[stoi[first], stoi[second]] += 1
print(N.shape, N.dtype, N.sum().item(), N[0].tolist())

P = (N + 1).float()
P /= P.sum(1, keepdim=True)
print("rows sum to", P.sum(1).mean().item())

for _ in range(10):
    out, i = [], 0
    while True:
        i = torch.multinomial(P[i], num_samples=1, replacement=True, generator=generator).item()
        if i == 0:
            break
        out.append(itos[i])
    print("counted:", "".join(out))

log_likelihood, n = 0.0, 0
for word in words:
    chain = ["."] + list(word) + ["."]
    for first, second in zip(chain, chain[1:]):
        log_likelihood += torch.log(P[stoi[first], stoi[second]])
        n += 1
print(f"{log_likelihood=} average {-log_likelihood / n}")

# a network ---------------------------------------------------------------------------------------
xs, ys = [], []
for word in words:
    chain = ["."] + list(word) + ["."]
    for first, second in zip(chain, chain[1:]):
        xs.append(stoi[first])
        ys.append(stoi[second])
xs, ys = torch.tensor(xs), torch.tensor(ys)
num = xs.nelement()
W = torch.randn((V, V), generator=generator, requires_grad=True)
xenc = F.one_hot(xs, num_classes=V).float()
print(xenc.shape, xenc.dtype, W[0, :4])

for step in range(40):
    logits = xenc @ W
    counts = logits.exp()
    probs = counts / counts.sum(1, keepdims=True)
    loss = -probs[torch.arange(num), ys].log().mean() + 0.01 * (W**2).mean()
    print(f"step {step} loss {loss.item():.8f}")
    W.grad = None
    loss.backward()
    W.data += -25 * W.grad

for _ in range(10):
    out, i = [], 0
    while True:
        x = F.one_hot(torch.tensor([i]), num_classes=V).float()
        p = (x @ W).exp()
        p = p / p.sum(1, keepdims=True)
        i = torch.multinomial(p, num_samples=1, replacement=True, generator=generator).item()
        if i == 0:
            break
        out.append(itos[i])
    print("learned:", "".join(out))
print("largest step from the start:", itos[W[0].argmax().item()], W[0].max().item())

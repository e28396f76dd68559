"""The neural probabilistic language model of Bengio and others (2003), over words."""

import torch
import torch.nn as nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(21)
SUBJECTS = ["the fox", "a crow", "the old miller", "my sister", "a grey cat"]
VERBS = ["sees", "follows", "counts", "forgets"]
OBJECTS = ["the moon", "three eggs", "a long road", "the river", "her shadow"]
ENDS = [".", "at night .", "and sings .", "before the rain ."]


def choose(options):
    return options[torch.randint(len(options), ()).item()]


text = " ".join(
    f"{choose(SUBJECTS)} {choose(VERBS)} {choose(OBJECTS)} {choose(ENDS)}" for _ in range(220)
).split()
vocab = sorted(set(text))
index = {word: i for i, word in enumerate(vocab)}
n = 4  # a word follows from the three before it
ids = torch.tensor([index[w] for w in text])
grams = ids.unfold(0, n, 1)  # (N, n)
X, Y = grams[:, :-1].contiguous(), grams[:, -1].contiguous()
cut = int(0.85 * len(X))
train_loader = DataLoader(TensorDataset(X[:cut], Y[:cut]), batch_size=64, shuffle=True)
print(f"{len(text)} words, {len(vocab)} kinds, {len(X)} windows", text[:8])


class NPLM(nn.Module):
    """y = b + Wx + U tanh(d + Hx), equation 1; x are the context's features in a row."""

    def __init__(self, vocab_size, context, dim, hidden, direct):
        super().__init__()
        self.C = nn.Embedding(vocab_size, dim)
        self.H = nn.Linear(context * dim, hidden)
        self.U = nn.Linear(hidden, vocab_size, bias=False)
        self.W = nn.Linear(context * dim, vocab_size, bias=False) if direct else None
        self.b = nn.Parameter(torch.zeros(vocab_size))

    def forward(self, words):
        x = self.C(words).flatten(1)
        y = self.b + self.U(torch.tanh(self.H(x)))
        return y if self.W is None else y + self.W(x)


def perplexity(model, X, Y):
    with torch.inference_mode():
        return nn.functional.cross_entropy(model(X), Y).exp()


for direct in (False, True):
    model = NPLM(len(vocab), n - 1, 12, 32, direct)
    optimizer = torch.optim.SGD(
        [
            {"params": [p for k, p in model.named_parameters() if "weight" in k]},
            {"params": [p for k, p in model.named_parameters() if "weight" not in k],
             "weight_decay": 0},
        ],
        lr=1.0, weight_decay=1e-4,
    )  # fmt: skip
    scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=0, threshold=0.05)
    for epoch in range(10):
        total = 0.0
        for i, (x, y) in enumerate(train_loader):
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
            if i % 10 == 0:
                print(f"direct {direct} epoch {epoch} batch {i} loss {loss.item():.8f}")
        valid = perplexity(model, X[cut:], Y[cut:])
        scheduler.step(valid)
        lr = optimizer.param_groups[0]["lr"]
        print(f"epoch {epoch} train {total / cut:.8f} valid {valid:.6f} lr {lr}")

    words = [index[w] for w in "the fox sees".split()]
    for _ in range(25):
        with torch.no_grad():
            p = model(torch.tensor([words[-3:]])).softmax(-1)
        words.append(torch.multinomial(p, 1).item())
    print(" ".join(vocab[i] for i in words))
print(scheduler.state_dict()["best"], scheduler.num_bad_epochs, list(model.state_dict()))

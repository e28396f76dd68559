"""Skip-gram with negative sampling (Mikolov and others 2013) on a language of four topics."""

from collections import Counter

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

TOPICS = [
    "sea wave salt boat sail tide shore gull net".split(),
    "oven bread flour salt yeast crust loaf butter jam".split(),
    "loom thread wool net needle cloth seam button dye".split(),
    "hill stone path sheep wool goat cairn gate bell".split(),
]
np.random.seed(0)
torch.manual_seed(0)
corpus = []
for _ in range(160):
    topic = TOPICS[np.random.randint(len(TOPICS))]
    corpus.append([topic[i] for i in np.random.randint(len(topic), size=7)])

counts = Counter(word for sentence in corpus for word in sentence)
vocab = [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
index = {word: i for i, word in enumerate(vocab)}
frequency = torch.tensor([counts[w] for w in vocab], dtype=torch.float)
noise = frequency.pow(0.75)
noise /= noise.sum()
window, negatives = 2, 5
pairs = []
for sentence in corpus:
    for i, word in enumerate(sentence):
        for j in range(max(0, i - window), min(len(sentence), i + window + 1)):
            if i != j:
                pairs.append((index[word], index[sentence[j]]))
pairs = torch.from_numpy(np.array(pairs, dtype=np.int64))
print(f"{len(vocab)} words, {len(pairs)} pairs", vocab[:5], noise[:5])


class SkipGram(nn.Module):
    def __init__(self, vocab_size, dim):
        super().__init__()
        self.center = nn.Embedding(vocab_size, dim)
        self.context = nn.Embedding(vocab_size, dim)
        bound = 0.5 / dim
        self.center.weight.data.uniform_(-bound, bound)
        self.context.weight.data.zero_()

    def forward(self, center, context, negative):
        v = self.center(center)  # (B, D)
        u = self.context(context)  # (B, D)
        n = self.context(negative)  # (B, K, D)
        positive = F.logsigmoid((u * v).sum(dim=1))
        others = F.logsigmoid(-torch.bmm(n, v.unsqueeze(2)).squeeze(2)).sum(dim=1)
        return -(positive + others).mean()


model = SkipGram(len(vocab), 16)
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.3)
step = 0
for epoch in range(4):
    order = torch.randperm(len(pairs))
    for batch in order.split(256):
        center, context = pairs[batch].unbind(dim=1)
        negative = torch.multinomial(noise, len(batch) * negatives, replacement=True)
        loss = model(center, context, negative.view(-1, negatives))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 2 == 0:
            print(f"step {step} loss {loss.item():.8f}")
        step += 1

with torch.no_grad():
    vectors = F.normalize(model.center.weight, dim=1)
    similar = vectors @ vectors.T
    similar.fill_diagonal_(-1)
    for word in ["boat", "bread", "needle", "sheep", "salt"]:
        values, nearest = similar[index[word]].topk(3)
        said = ", ".join(f"{vocab[i]} {v:.4f}" for i, v in zip(nearest.tolist(), values.tolist()))
        print(f"{word}: {said}")
    mean = F.cosine_similarity(vectors[index["tide"]], vectors[index["gull"]], dim=0)
    print(
        "tide, gull", mean.item(), "tide, crust", (vectors[index["tide"]] @ vectors[index["crust"]])
    )
    tables = torch.stack([vectors[[index[w] for w in t]].mean(0) for t in TOPICS])
    print(torch.cdist(tables, tables))

"""Tell kinds of short messages apart: bags of embeddings, offsets, a scheduler, a report."""

import random
from collections import OrderedDict, defaultdict

import torch
from torch import nn
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    Subset,
    WeightedRandomSampler,
    random_split,
)

KINDS = {
    "weather": "rain wind cloud sun frost storm cold warm wet dry".split(),
    "kitchen": "soup bread onion knife oven warm cold salt plate cup".split(),
    "travel": "train road ticket bag map cold bridge late north wind".split(),
}
FILLER = "the a and then some very more of in was".split()
random.seed(8)
torch.manual_seed(8)


class Messages(Dataset):
    def __init__(self, kind, n):
        self.items = []
        for _ in range(n):
            words = random.choices(KINDS[kind], k=random.randint(1, 4))
            words += random.choices(FILLER, k=random.randint(0, 3))
            random.shuffle(words)
            self.items.append((list(KINDS).index(kind), " ".join(words)))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


everything = ConcatDataset(
    [Messages("weather", 60), Messages("kitchen", 120), Messages("travel", 90)]
)
vocabulary = defaultdict(lambda: len(vocabulary))
for _, text in everything:
    for word in text.split():
        vocabulary[word]
vocabulary = dict(vocabulary)


def collate(batch):
    labels, ids, offsets = [], [], [0]
    for label, text in batch:
        tokens = torch.tensor([vocabulary[w] for w in text.split()], dtype=torch.int64)
        labels.append(label)
        ids.append(tokens)
        offsets.append(tokens.size(0))
    offsets = torch.tensor(offsets[:-1]).cumsum(dim=0)
    return torch.tensor(labels), torch.cat(ids), offsets


class Classifier(nn.Module):
    def __init__(self, vocab_size, dim, classes):
        super().__init__()
        self.embedding = nn.EmbeddingBag(vocab_size, dim, mode="mean")
        self.body = nn.Sequential(OrderedDict([
            ("norm", nn.LayerNorm(dim)), ("act", nn.PReLU()), ("fc", nn.Linear(dim, classes)),
        ]))  # fmt: skip
        self.embedding.weight.data.uniform_(-0.5, 0.5)
        self.body.fc.bias.data.zero_()

    def forward(self, text, offsets):
        return self.body(self.embedding(text, offsets))


train_set, test_set = random_split(everything, [200, 70], torch.Generator().manual_seed(1))
train_labels = torch.tensor([label for label, _ in train_set])
counts = torch.bincount(train_labels)
weights = (1.0 / counts.float())[train_labels]
sampler = WeightedRandomSampler(weights, num_samples=200, replacement=True)
loader = DataLoader(train_set, batch_size=20, sampler=sampler, collate_fn=collate)
test_loader = DataLoader(Subset(test_set, range(60)), batch_size=30, collate_fn=collate)
print(len(everything), counts.tolist(), len(vocabulary), weights.unique())

model = Classifier(len(vocabulary), 16, len(KINDS))
print(model)
criterion = nn.CrossEntropyLoss(weight=torch.tensor([1.2, 0.9, 1.0]))
optimizer = torch.optim.NAdam(model.parameters(), lr=0.02)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[2, 4], gamma=0.3)
seen = []
handle = model.body.norm.register_forward_hook(
    lambda module, args, output: seen.append(output.detach().abs().mean())
)


def evaluate(loader):
    model.eval()
    table = torch.zeros(len(KINDS), len(KINDS), dtype=torch.int64)
    with torch.inference_mode():
        for labels, text, offsets in loader:
            predicted = model(text, offsets).argmax(1)
            table += torch.bincount(labels * len(KINDS) + predicted, minlength=9).view(3, 3)
    model.train()
    return table


for epoch in range(5):
    for i, (labels, text, offsets) in enumerate(loader):
        optimizer.zero_grad()
        loss = criterion(model(text, offsets), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
        if i % 2 == 0:
            print(f"epoch {epoch} batch {i} loss {loss.item():.8f}")
    scheduler.step()
    table = evaluate(test_loader)
    right = table.diag().sum() / table.sum()
    print(f"epoch {epoch} right {right:.6f} lr {scheduler.get_last_lr()[0]:.6g}")
handle.remove()

table = evaluate(test_loader)
precision = table.diag() / table.sum(0).clamp(min=1)
recall = table.diag() / table.sum(1)
print(table)
for i, kind in enumerate(KINDS):
    print(f"{kind:>8} precision {precision[i]:.4f} recall {recall[i]:.4f}")
print(len(seen), torch.stack(seen[:4]), f"{torch.stack(seen).mean()}"[:6])
for message in ["some soup and salt", "late train in the wind", "cold"]:
    with torch.no_grad():
        text = torch.tensor([vocabulary[w] for w in message.split()])
        scores = model(text, torch.tensor([0])).softmax(dim=1)
    value, index = scores.max(dim=1)
    print(f"{message!r}: {list(KINDS)[index]} {value.item():.6f}")
norms = model.embedding.weight.norm(dim=1)
largest = torch.argsort(norms, descending=True)[:5]
print([list(vocabulary)[i] for i in largest], norms[largest])

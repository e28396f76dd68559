"""An LSTM that reads a text in order: its state is carried from batch to batch, and detached."""

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

TEXT = (
    "one potato, two potato, three potato, four; five potato, six potato, seven potato, more. "
    "one for the morning and two for the noon, three for the evening and four for the moon. "
    "round goes the kettle and round goes the wheel, nine little hammers are striking the steel. "
) * 2


class Passages(Dataset):
    """Row t holds, for every lane of the text, its t-th passage and the same one letter later."""

    def __init__(self, text, lanes, length):
        self.letters = sorted(set(text))
        index = {c: i for i, c in enumerate(self.letters)}
        ids = torch.tensor([index[c] for c in text])
        per_lane = (len(ids) - 1) // lanes
        self.x = ids[: lanes * per_lane].view(lanes, per_lane)
        self.y = ids[1 : lanes * per_lane + 1].view(lanes, per_lane)
        self.length = length

    def __len__(self):
        return self.x.size(1) // self.length

    def __getitem__(self, i):
        at = slice(i * self.length, (i + 1) * self.length)
        return self.x[:, at], self.y[:, at]


class CharLSTM(nn.Module):
    def __init__(self, vocab, embed, hidden, layers, dropout):
        super().__init__()
        self.embed = nn.Embedding(vocab, embed)
        self.lstm = nn.LSTM(embed, hidden, layers, batch_first=True, dropout=dropout)
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, vocab)

    def forward(self, x, state=None):
        out, state = self.lstm(self.embed(x), state)
        return self.head(self.drop(out)), state


torch.manual_seed(3)
lanes = 6
passages = Passages(TEXT, lanes, 12)
loader = DataLoader(passages, batch_size=1, shuffle=False, collate_fn=lambda rows: rows[0])
vocab = len(passages.letters)
model = CharLSTM(vocab, 16, 48, 2, dropout=0.1)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.RMSprop(model.parameters(), lr=4e-3, alpha=0.95)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
print(model)
print(len(passages), "passages of", passages[0][0].shape)

for epoch in range(8):
    state = None
    for i, (x, y) in enumerate(loader):
        if state is not None:
            state = tuple(s.detach() for s in state)
        logits, state = model(x, state)
        loss = criterion(logits.transpose(1, 2), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(model.parameters(), 0.2)
        optimizer.step()
        print(f"epoch {epoch} batch {i} loss {loss.item():.8f}")
    scheduler.step()
    h, c = state
    lr = scheduler.get_last_lr()[0]
    print(f"epoch {epoch} lr {lr:.6f} |h| {h.norm().item():.6f} |c| {c.norm().item():.6f}")

model.eval()
with torch.no_grad():
    state, x, out = None, torch.tensor([[passages.letters.index("o")]]), ["o"]
    for _ in range(80):
        logits, state = model(x, state)
        p = torch.softmax(logits[0, -1] / 0.7, dim=-1)
        x = torch.multinomial(p, 1)[None]
        out.append(passages.letters[x.item()])
print("".join(out))

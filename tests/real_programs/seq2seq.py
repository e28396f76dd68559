"""Reverse a word and answer in capitals: GRU encoder on packed words, decoder with attention."""

import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

PAD, SOS, EOS = 0, 1, 2
SOURCE = ["<pad>", "<sos>", "<eos>", *"abcdefgh"]
TARGET = ["<pad>", "<sos>", "<eos>", *"ABCDEFGH"]


class Encoder(nn.Module):
    def __init__(self, vocab, embed, hidden):
        super().__init__()
        self.embedding = nn.Embedding(vocab, embed, padding_idx=PAD)
        self.gru = nn.GRU(embed, hidden, bidirectional=True)
        self.fc = nn.Linear(2 * hidden, hidden)

    def forward(self, src, lengths):
        embedded = self.embedding(src)  # (S, B, E)
        packed = pack_padded_sequence(embedded, lengths, enforce_sorted=False)
        outputs, hidden = self.gru(packed)
        outputs, _ = pad_packed_sequence(outputs)  # (S, B, 2H)
        hidden = torch.tanh(self.fc(torch.cat((hidden[-2], hidden[-1]), dim=1)))
        return outputs, hidden


class Attention(nn.Module):
    """Additive attention (Bahdanau, Cho and Bengio 2015)."""

    def __init__(self, hidden):
        super().__init__()
        self.attn = nn.Linear(3 * hidden, hidden)
        self.v = nn.Linear(hidden, 1, bias=False)

    def forward(self, hidden, outputs, mask):
        hidden = hidden.unsqueeze(1).repeat(1, outputs.shape[0], 1)
        outputs = outputs.permute(1, 0, 2)
        energy = torch.tanh(self.attn(torch.cat((hidden, outputs), dim=2)))
        scores = self.v(energy).squeeze(2).masked_fill(~mask, -1e10)
        return F.softmax(scores, dim=1)  # (B, S)


class Decoder(nn.Module):
    def __init__(self, vocab, embed, hidden):
        super().__init__()
        self.embedding = nn.Embedding(vocab, embed)
        self.attention = Attention(hidden)
        self.cell = nn.GRUCell(embed + 2 * hidden, hidden)
        self.out = nn.Linear(3 * hidden + embed, vocab)

    def forward(self, token, hidden, outputs, mask):
        embedded = self.embedding(token)  # (B, E)
        weights = self.attention(hidden, outputs, mask)
        context = torch.bmm(weights.unsqueeze(1), outputs.permute(1, 0, 2)).squeeze(1)
        hidden = self.cell(torch.cat((embedded, context), dim=1), hidden)
        return self.out(torch.cat((hidden, context, embedded), dim=1)), hidden, weights


class Seq2Seq(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, src, lengths, trg, teacher_forcing=0.5):
        outputs, hidden = self.encoder(src, lengths)
        mask = (src != PAD).t()
        token, logits = trg[0], []
        for t in range(1, trg.shape[0]):
            step, hidden, _ = self.decoder(token, hidden, outputs, mask)
            logits.append(step)
            token = trg[t] if random.random() < teacher_forcing else step.argmax(1)
        return torch.stack(logits)


def make_batch(size):
    sources, targets = [], []
    for _ in range(size):
        word = [random.randint(3, 10) for _ in range(random.randint(2, 6))]
        sources.append(torch.tensor(word))
        targets.append(torch.tensor([SOS, *reversed(word), EOS]))
    lengths = torch.tensor([len(s) for s in sources])
    return pad_sequence(sources, padding_value=PAD), lengths, pad_sequence(targets)


random.seed(5)
torch.manual_seed(5)
model = Seq2Seq(Encoder(len(SOURCE), 12, 24), Decoder(len(TARGET), 12, 24))
for name, p in model.named_parameters():
    if "weight" in name:
        nn.init.normal_(p.data, mean=0, std=0.15)
    else:
        nn.init.constant_(p.data, 0)
print(sum(p.numel() for p in model.parameters() if p.requires_grad), "parameters")
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss(ignore_index=PAD)

for step in range(45):
    src, lengths, trg = make_batch(24)
    logits = model(src, lengths, trg, teacher_forcing=0.7)
    loss = criterion(logits.view(-1, logits.shape[-1]), trg[1:].reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    print(f"step {step} loss {loss.item():.8f} norm {norm:.6f}")

model.eval()
with torch.no_grad():
    src, lengths, trg = make_batch(5)
    outputs, hidden = model.encoder(src, lengths)
    mask, token = (src != PAD).t(), torch.full((5,), SOS)
    said, seen = [], []
    for _ in range(7):
        logits, hidden, weights = model.decoder(token, hidden, outputs, mask)
        token = logits.argmax(dim=1)
        said.append(token)
        seen.append(weights)
    for b, row in enumerate(torch.stack(said, dim=1).tolist()):
        if EOS in row:
            row = row[: row.index(EOS)]
        source = "".join(SOURCE[i] for i in src[: lengths[b], b].tolist())
        print(source, "->", "".join(TARGET[i] for i in row))
    print(torch.stack(seen)[:, 0].sum(1))

"""nn.Transformer translates numbers written in words into digits, with every mask there is."""

import math
import random

import torch
import torch.nn as nn
from torch import Tensor
from torch.nn import Transformer
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

UNK, PAD, BOS, EOS = 0, 1, 2, 3
SPECIAL = ["<unk>", "<pad>", "<bos>", "<eos>"]
ONES = "nil ane twa thrie fower five sax seven aucht nine".split()
SOURCE = [*SPECIAL, *ONES, "and", "tens"]
TARGET = [*SPECIAL, *"0123456789"]
random.seed(9)
torch.manual_seed(9)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def sentence():
    """'sax tens and twa' -> '62'; either part may be missing."""
    tens, ones = random.randint(1, 9), random.randint(0, 9)
    if ones and random.random() < 0.3:
        return [ONES[ones]], str(ones)
    words = [ONES[tens], "tens"]
    return (words + ["and", ONES[ones]] if ones else words), str(10 * tens + ones)


class PositionalEncoding(nn.Module):
    def __init__(self, emb_size: int, dropout: float, maxlen: int = 50):
        super().__init__()
        den = torch.exp(-torch.arange(0, emb_size, 2) * math.log(10000) / emb_size)
        pos = torch.arange(0, maxlen).reshape(maxlen, 1)
        pos_embedding = torch.zeros((maxlen, emb_size))
        pos_embedding[:, 0::2] = torch.sin(pos * den)
        pos_embedding[:, 1::2] = torch.cos(pos * den)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("pos_embedding", pos_embedding.unsqueeze(-2))

    def forward(self, token_embedding: Tensor):
        return self.dropout(token_embedding + self.pos_embedding[: token_embedding.size(0), :])


class Seq2SeqTransformer(nn.Module):
    def __init__(self, layers, emb_size, heads, feedforward, dropout):
        super().__init__()
        self.transformer = Transformer(
            d_model=emb_size,
            nhead=heads,
            num_encoder_layers=layers,
            num_decoder_layers=layers,
            dim_feedforward=feedforward,
            dropout=dropout,
        )
        self.generator = nn.Linear(emb_size, len(TARGET))
        self.src_tok_emb = nn.Embedding(len(SOURCE), emb_size)
        self.tgt_tok_emb = nn.Embedding(len(TARGET), emb_size)
        self.scale = math.sqrt(emb_size)
        self.positional_encoding = PositionalEncoding(emb_size, dropout=dropout)

    def source(self, src):
        return self.positional_encoding(self.src_tok_emb(src.long()) * self.scale)

    def target(self, trg):
        return self.positional_encoding(self.tgt_tok_emb(trg.long()) * self.scale)

    def forward(self, src, trg, src_mask, tgt_mask, src_padding, tgt_padding, memory_padding):
        outs = self.transformer(
            self.source(src), self.target(trg), src_mask, tgt_mask, None,
            src_padding, tgt_padding, memory_padding,
        )  # fmt: skip
        return self.generator(outs)

    def encode(self, src, src_mask):
        return self.transformer.encoder(self.source(src), src_mask)

    def decode(self, tgt, memory, tgt_mask):
        return self.transformer.decoder(self.target(tgt), memory, tgt_mask)


def square_subsequent_mask(size):
    mask = torch.triu(torch.ones((size, size), device=device), diagonal=1)
    return mask == 1


def create_mask(src, tgt):
    src_mask = torch.zeros((src.shape[0], src.shape[0]), device=device).type(torch.bool)
    tgt_mask = square_subsequent_mask(tgt.shape[0])
    return src_mask, tgt_mask, (src == PAD).transpose(0, 1), (tgt == PAD).transpose(0, 1)


def collate(pairs):
    src = [torch.tensor([BOS, *(SOURCE.index(w) for w in words), EOS]) for words, _ in pairs]
    tgt = [torch.tensor([BOS, *(TARGET.index(c) for c in digits), EOS]) for _, digits in pairs]
    return pad_sequence(src, padding_value=PAD), pad_sequence(tgt, padding_value=PAD)


model = Seq2SeqTransformer(layers=1, emb_size=32, heads=4, feedforward=64, dropout=0.05)
for p in model.parameters():
    if p.dim() > 1:
        nn.init.xavier_uniform_(p)
model = model.to(device)
loss_fn = nn.CrossEntropyLoss(ignore_index=PAD)
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3, betas=(0.9, 0.98), eps=1e-9)
warm = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=10)
pairs = [sentence() for _ in range(240)]
loader = DataLoader(pairs, batch_size=24, shuffle=True, collate_fn=collate)

step = 0
for epoch in range(5):
    model.train()
    for src, tgt in loader:
        src, tgt = src.to(device), tgt.to(device)
        tgt_input, tgt_out = tgt[:-1, :], tgt[1:, :]
        src_mask, tgt_mask, src_padding, tgt_padding = create_mask(src, tgt_input)
        logits = model(src, tgt_input, src_mask, tgt_mask, src_padding, tgt_padding, src_padding)
        optimizer.zero_grad()
        loss = loss_fn(logits.reshape(-1, logits.shape[-1]), tgt_out.reshape(-1))
        loss.backward()
        optimizer.step()
        warm.step()
        print(f"step {step} loss {loss.item():.8f}")
        step += 1


def greedy_decode(model, src, max_len):
    src_mask = torch.zeros(src.shape[0], src.shape[0]).type(torch.bool)
    memory = model.encode(src, src_mask)
    ys = torch.ones(1, 1).fill_(BOS).type(torch.long).to(device)
    for _ in range(max_len - 1):
        tgt_mask = nn.Transformer.generate_square_subsequent_mask(ys.size(0)).to(device)
        out = model.decode(ys, memory, tgt_mask).transpose(0, 1)
        _, next_word = torch.max(model.generator(out[:, -1]), dim=1)
        ys = torch.cat([ys, torch.ones(1, 1).type_as(src.data).fill_(next_word.item())], dim=0)
        if next_word.item() == EOS:
            break
    return ys


model.eval()
right = 0
with torch.no_grad():
    for _ in range(12):
        words, digits = sentence()
        src = torch.tensor([BOS, *(SOURCE.index(w) for w in words), EOS]).view(-1, 1)
        said = greedy_decode(model, src, 5).flatten()
        answer = "".join(TARGET[i] for i in said.tolist() if i > EOS)
        print(" ".join(words), "->", answer)
        right += answer == digits
print(f"{right} of 12 right")

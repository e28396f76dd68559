"""A language model in a table: which letter follows which, first counted, then learned.

python examples/bigram_from_scratch.py          # 200 steps: seconds
python examples/bigram_from_scratch.py 10
"""

import re
import sys
from pydoc_data.topics import topics

import tensor_core as torch
import tensor_core.nn.functional as F

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 200

# Every word of Python's help pages; a dot marks where a word begins and ends.
words = sorted(set(re.findall(r"\b[a-z]{3,}\b", " ".join(topics.values()))))
letters = ".abcdefghijklmnopqrstuvwxyz"
number = {letter: i for i, letter in enumerate(letters)}
print(f"{len(words)} words, such as {', '.join(words[:: len(words) // 5][:5])}")

# All pairs of neighbours: xs[i] is followed by ys[i].
pairs = [(a, b) for word in words for a, b in zip("." + word, word + ".", strict=True)]
xs = torch.tensor([number[a] for a, _ in pairs])
ys = torch.tensor([number[b] for _, b in pairs])

# Counting. Row a of P says how likely each letter is after a. The loss is the mean surprise,
# -log of the probability given to the letter that did come.
N = torch.ones(27, 27)  # as if each pair had been seen once: nothing is impossible
for a, b in zip(xs.tolist(), ys.tolist(), strict=True):
    N[a, b] += 1
P = N / N.sum(1, keepdim=True)
print(f"counted: loss {-P[xs, ys].log().mean().item():.4f}")

# Learning. The same table as scores W, from random ones, by going downhill. No one tells it to
# count, yet it arrives at the same place.
generator = torch.Generator().manual_seed(2147483647)
W = torch.randn((27, 27), generator=generator, requires_grad=True)
for step in range(steps):
    loss = F.cross_entropy(W[xs], ys)
    W.grad = None
    loss.backward()
    W.data -= 50 * W.grad
    if step % 50 == 0 or step == steps - 1:
        print(f"learned: loss {loss.item():.4f} after {step} steps")

# Writing. Start at the dot; draw letters until the dot comes again.
for _ in range(8):
    word, at = "", 0
    while True:
        p = F.softmax(W[at], dim=0)
        at = torch.multinomial(p, num_samples=1, generator=generator).item()
        if at == 0:
            break
        word += letters[at]
    print(word)

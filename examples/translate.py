"""Teach a transformer an invented language from parallel sentences, then have it translate.

python examples/translate.py            # 1000 steps: under a minute on two cores
python examples/translate.py 20         # just to see it run
"""

import sys
from random import Random

from transformer import torch
from transformer.data.synthetic import parallel_corpus
from transformer.generate.translate import translate
from transformer.models import IGNORE, EncoderDecoder, EncoderDecoderConfig
from transformer.models.translation import BEGIN, END
from transformer.train import Stepper
from transformer.train.inverse_root import inverse_square_root

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1000

# Sentences with their translations, no two alike. The last 500 are held out: whether those come
# out right says whether the grammar was learned, not the sentences.
corpus = parallel_corpus(20_000)
pairs, held_out = corpus[:-500], corpus[-500:]
for english, there in pairs[:3]:
    print(f"{' '.join(english)}  =  {' '.join(there)}")

# Words become numbers. The translation has two more: where it begins, and where it ends.
words = sorted({word for english, _ in corpus for word in english})
words_there = ["<begin>", "<end>", *sorted({word for _, there in corpus for word in there})]
number = {word: i for i, word in enumerate(words)}
number_there = {word: i for i, word in enumerate(words_there)}
assert (number_there["<begin>"], number_there["<end>"]) == (BEGIN, END)


def batch(pairs):
    """The sentences as two tensors of numbers, short ones filled up with what is to be ignored."""
    sources = [[number[word] for word in english] for english, _ in pairs]
    targets = [[*(number_there[word] for word in there), END] for _, there in pairs]
    return filled(sources), filled(targets)


def filled(rows):
    longest = max(len(row) for row in rows)
    return torch.tensor([row + [IGNORE] * (longest - len(row)) for row in rows])


torch.manual_seed(0)
config = EncoderDecoderConfig(
    vocab_size=len(words_there), source_vocab_size=len(words), block_size=20,
    n_layer=2, n_head=4, n_embd=64, n_hidden=256, dropout=0.0,
)  # fmt: skip
model = EncoderDecoder(config)
print(f"{model.num_parameters():,} parameters")

# The recipe of the paper: Adam, and a learning rate that rises, then falls; half as high here.
optimizer = torch.optim.Adam(model.parameters(), lr=0.0, betas=(0.9, 0.98), eps=1e-9)
random = Random(0)
with Stepper(model, optimizer, workers=2) as stepper:
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 0.5 * inverse_square_root(step, config.n_embd, warmup_steps=200)
        loss, _ = stepper.step(*batch(random.sample(pairs, 64)))
        if step % 100 == 0 or step == steps - 1:
            print(f"step {step:4d}  loss {loss:.3f}")

sources, _ = batch(held_out)
written = [[words_there[i] for i in row] for row in translate(model, sources)]
right = sum(ours == there for ours, (_, there) in zip(written, held_out, strict=True))
for ours, (english, _) in zip(written[:5], held_out[:5], strict=True):
    print(f"{' '.join(english)}  =  {' '.join(ours)}")
print(f"{right} of {len(held_out)} sentences never seen before are translated without a mistake")

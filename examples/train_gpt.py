"""Train a small GPT on Python's own documentation, then let it write.

python examples/train_gpt.py            # 1000 steps: about a minute on two cores
python examples/train_gpt.py 20         # just to see it run
"""

import sys

from transformer import CharTokenizer, build_model, generate, get_batch, load_text, train_val_split
from transformer.train import Stepper, TrainConfig, evaluate, learning_rate, make_optimizer

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1000

# A text becomes a row of numbers, one a character. The last tenth is held out: the model never
# learns from it, so how well it predicts there says how well it would predict a new text.
text = load_text("python-reference")
tokenizer = CharTokenizer.from_text(text)
train_data, val_data = train_val_split(tokenizer.encode(text), val_fraction=0.1)
print(f"{len(text):,} characters, {tokenizer.vocab_size} of them distinct")

# The model reads up to 64 characters and scores every character that might come next.
model = build_model(
    "gpt", vocab_size=tokenizer.vocab_size, block_size=64, n_layer=4, n_head=4, n_embd=128
)
print(f"{model.num_parameters():,} parameters")

# Learning is: look at some text, see how wrong the scores were (the loss), find out how each
# parameter moves the loss (the gradient), and move all of them a little the other way.
config = TrainConfig(steps=steps, lr=3e-3, warmup_steps=min(100, steps // 5))
optimizer = make_optimizer(model, config)
with Stepper(model, optimizer) as stepper:
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, config)
        x, y = get_batch(train_data, batch_size=12, block_size=64)  # y is x, one character later
        loss, _ = stepper.step(x, y)
        if step % 100 == 0 or step == steps - 1:
            held_out = evaluate(model, val_data, batch_size=12, block_size=64, batches=10)
            print(f"step {step:4d}  loss {loss:.3f}  held out {held_out:.3f}")

# Writing is: score the next character, draw one by its score, append it, again.
print(generate(model, "\n", 500, temperature=0.8, tokenizer=tokenizer))

"""The part of test_one_source_two_engines.py that runs in a process of its own.

Usage: GRADINE_ENGINE=... python one_engine.py WEIGHTS_IN RESULTS_OUT, both .npz files; without
weights (``-``) the model keeps those its seed gives it.
"""

import sys

import numpy as np

import transformer
from transformer import CharTokenizer, build_model, generate, get_batch, torch, train_val_split
from transformer.train import Stepper, TrainConfig, learning_rate, make_optimizer

TEXT = "the quick brown fox jumps over the lazy dog; she sells sea shells by the sea shore. " * 12
STEPS = 20
SIZES = {"block_size": 16, "n_layer": 2, "n_head": 4, "n_embd": 32}
CONFIG = TrainConfig(steps=STEPS, warmup_steps=5, lr=1e-2, batch_size=8, block_size=16, workers=1)


def numbers(tensor):
    """A tensor's values as an array of its own."""
    return np.array(tensor.detach().numpy())


def main(weights: str, results: str) -> None:
    """Build, load, evaluate, differentiate, sample and train; write all of it down."""
    tokenizer = CharTokenizer.from_text(TEXT)
    torch.manual_seed(1337)
    model = build_model("gpt", vocab_size=tokenizer.vocab_size, **SIZES)
    found = {f"initial {k}": numbers(v) for k, v in model.state_dict().items()}
    if weights != "-":
        with np.load(weights) as given:
            state = {k[8:]: torch.from_numpy(given[k]) for k in given if k.startswith("initial ")}
        model.load_state_dict(state)
    train, _ = train_val_split(tokenizer.encode(TEXT))
    generator = torch.Generator()
    generator.manual_seed(7)
    batches = [get_batch(train, 8, 16, generator) for _ in range(STEPS)]
    found["batches"] = np.stack([numbers(x) for pair in batches for x in pair])
    logits, loss = model(*batches[0])
    found["logits"], found["loss"] = numbers(logits), numbers(loss)
    loss.backward()
    found |= {f"grad {k}": numbers(p.grad) for k, p in model.named_parameters()}
    for p in model.parameters():
        p.grad = None
    written = generate(model, "the ", 120, seed=3, tokenizer=tokenizer)
    found["text"] = np.array(written)
    found["losses"], found["norms"] = trained(model, batches)
    found |= {f"trained {k}": numbers(v) for k, v in model.state_dict().items()}
    found["text after"] = np.array(generate(model, "the ", 120, seed=3, tokenizer=tokenizer))
    found["engine"] = np.array(transformer.engine_name())
    np.savez(results, **found)


def trained(model, batches):
    """The losses and gradient norms of the steps, one a batch."""
    optimizer = make_optimizer(model, CONFIG)
    history = []
    with Stepper(model, optimizer, grad_clip=CONFIG.grad_clip) as stepper:
        for step, (x, y) in enumerate(batches):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, CONFIG)
            history.append(stepper.step(x, y))
    losses, norms = zip(*history, strict=True)
    return np.array(losses), np.array(norms)


if __name__ == "__main__":
    main(*sys.argv[1:])

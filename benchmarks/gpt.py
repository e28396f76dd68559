"""A GPT's training step, from the same source on either engine.

``transformer`` binds its engine once, at import, from ``GRADINE_ENGINE``; the process that calls
this was started with it set.
"""

from __future__ import annotations

from benchmarks.overhead import Step

# Small enough to be all overhead, a teaching run, and as large as a laptop's patience.
SIZES: dict[str, dict[str, int]] = {
    "S: L3 H4 C32 T8 B64": {"layers": 3, "heads": 4, "width": 32, "context": 8, "batch": 64},
    "M: L4 H4 C128 T64 B12": {"layers": 4, "heads": 4, "width": 128, "context": 64, "batch": 12},
    "L: L6 H6 C384 T256 B4": {"layers": 6, "heads": 6, "width": 384, "context": 256, "batch": 4},
}
VOCABULARY = 65


def training_step(
    engine: str, threads: int, *, layers: int, heads: int, width: int, context: int, batch: int
) -> tuple[Step, str]:
    """Return one step of the trainer on random tokens, and which threads share it.

    A step is forward, backward, clip and AdamW. The trainer decides itself whether its threads
    share the batch (``tensor_core``); PyTorch brings its own threads.
    """
    from transformer import build_model, engine_name
    from transformer._engine import torch
    from transformer.train.config import TrainConfig
    from transformer.train.optimizer import make_optimizer
    from transformer.train.parallel import choose_workers
    from transformer.train.stepper import Stepper

    assert engine_name() == engine, f"GRADINE_ENGINE gave {engine_name()}, not {engine}"
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    model = build_model(
        "gpt",
        vocab_size=VOCABULARY,
        block_size=context,
        n_layer=layers,
        n_head=heads,
        n_embd=width,
        dropout=0.0,
        bias=False,
        gelu="none",  # nanoGPT's; GPT-2's own is the tanh approximation
    )
    optimizer = make_optimizer(model, TrainConfig())
    parameters = sum(p.numel() for p in model.parameters())
    workers = choose_workers("auto", parameters, batch, context)
    stepper = Stepper(model, optimizer, grad_clip=1.0, workers=workers)
    x, y = torch.randint(VOCABULARY, (2, batch, context)).unbind(0)  # (B, T) each
    sharing = f"{workers} workers, a slice of the batch each" if workers > 1 else "1 worker"
    return lambda: stepper.step(x, y), sharing

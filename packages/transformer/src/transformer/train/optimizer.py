"""AdamW with weight decay on matrices only."""

from transformer._engine import nn, torch
from transformer.train.config import TrainConfig


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """Return AdamW (Loshchilov and Hutter 2019) over a model's trainable parameters.

    Matrices and embeddings decay; biases and norm gains, which have one dimension, do not:
    pulling a gain to zero would switch its feature off rather than keep it simple.
    """
    trainable = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {
            "params": [p for p in trainable if p.dim() >= 2],
            "weight_decay": config.weight_decay,
        },
        {"params": [p for p in trainable if p.dim() < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=config.lr, betas=config.betas)

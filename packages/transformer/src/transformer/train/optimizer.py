"""The optimizer a config asks for, over groups of parameters that decay and that do not."""

from collections.abc import Callable, Iterator
from typing import Any

from transformer._engine import nn, torch
from transformer.layers import PositionEmbedding
from transformer.train.config import TrainConfig
from transformer.train.optimizers import Lion, Muon

Group = dict[str, Any]


def make_optimizer(
    model: nn.Module, config: TrainConfig, decay_embeddings: bool = True
) -> torch.optim.Optimizer:
    """Return the optimizer ``config.optimizer`` names, over a model's trainable parameters.

    One of ``OPTIMIZERS``. Matrices decay by ``config.weight_decay``; biases and norm gains, which
    have one dimension, do not: pulling a gain to zero would switch its feature off rather than
    keep it simple. Embeddings decay unless ``decay_embeddings`` is False. Raises ``ValueError``
    when nothing is trainable.

    >>> model = nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3))
    >>> optimizer = make_optimizer(model, TrainConfig(weight_decay=0.1))
    >>> [(group["weight_decay"], len(group["params"])) for group in optimizer.param_groups]
    [(0.1, 1), (0.0, 3)]
    """
    decay = config.weight_decay
    embeddings = [] if decay_embeddings else list(_outer_matrices(model, of_output=False))
    return OPTIMIZERS[config.optimizer](model, config, _groups(model, decay, embeddings))


def _groups(model: nn.Module, decay: float, without: list[Any]) -> list[Group]:
    """Return the trainable parameters in two groups: what decays, and what does not."""
    trainable = [p for p in model.parameters() if p.requires_grad]
    if not trainable:
        raise ValueError("no parameter of the model is trainable: all have requires_grad=False")
    exempt = {id(p) for p in without} | {id(p) for p in trainable if p.dim() < 2}
    groups: list[Group] = [
        {"params": [p for p in trainable if id(p) not in exempt], "weight_decay": decay},
        {"params": [p for p in trainable if id(p) in exempt], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def _sgd(model: nn.Module, config: TrainConfig, groups: list[Group]) -> torch.optim.Optimizer:
    momentum = config.momentum
    nesterov = config.nesterov and momentum > 0
    return torch.optim.SGD(groups, lr=config.lr, momentum=momentum, nesterov=nesterov)


def _adam(model: nn.Module, config: TrainConfig, groups: list[Group]) -> torch.optim.Optimizer:
    return torch.optim.Adam(groups, lr=config.lr, betas=config.betas)


def _adamw(model: nn.Module, config: TrainConfig, groups: list[Group]) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, lr=config.lr, betas=config.betas)


def _lion(model: nn.Module, config: TrainConfig, groups: list[Group]) -> torch.optim.Optimizer:
    return Lion(groups, lr=config.lr, betas=config.betas)


def _muon(model: nn.Module, config: TrainConfig, groups: list[Group]) -> torch.optim.Optimizer:
    """Muon for the matrices between hidden states; the rest in the groups it has, as AdamW."""
    outer = {id(p) for p in _outer_matrices(model, of_output=True)}
    split: list[Group] = []
    for group in groups:
        params = group["params"]
        maps = [p.dim() >= 2 and min(p.shape[-2:]) > 1 and id(p) not in outer for p in params]
        inner = [p for p, is_map in zip(params, maps, strict=True) if is_map]
        rest = [p for p, is_map in zip(params, maps, strict=True) if not is_map]
        split += [{**group, "params": inner, "muon": True}] if inner else []
        split += [{**group, "params": rest, "muon": False}] if rest else []
    return Muon(
        split,
        lr=config.lr,
        momentum=config.momentum,
        nesterov=config.nesterov,
        betas=config.betas,
    )


def _outer_matrices(model: nn.Module, of_output: bool) -> Iterator[torch.Tensor]:
    """Yield the tables that tokens and positions are looked up in and, if asked, the output's.

    These do not map one hidden state to another: their rows belong to single tokens. What makes
    the scores stands at the top of a model and has as many rows as there are tokens.
    """
    for module in model.modules():
        if isinstance(module, nn.Embedding | PositionEmbedding):
            yield from module.parameters(recurse=False)
    vocab_size = getattr(getattr(model, "config", None), "vocab_size", None)
    for module in model.children() if of_output else ():
        if isinstance(module, nn.Linear) and module.weight.shape[0] == vocab_size:
            yield module.weight


# optimizer -> what makes it. Sources: Sutskever et al. 2013 (momentum, and Nesterov's); Kingma and
# Ba 2015; Loshchilov and Hutter 2019; Chen et al. 2023; Jordan et al. 2024.
OPTIMIZERS: dict[str, Callable[[nn.Module, TrainConfig, list[Group]], torch.optim.Optimizer]] = {
    "sgd": _sgd,
    "adam": _adam,
    "adamw": _adamw,
    "lion": _lion,
    "muon": _muon,
}

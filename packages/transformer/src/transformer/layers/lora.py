"""Low-rank adapters: training a large model by a small correction to each of its matrices.

Source for all of it: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021,
section 4.1.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from math import sqrt
from typing import Any

from transformer._engine import F, nn, torch


class LoRALinear(nn.Module):
    """A frozen linear map and a correction of low rank: ``x W^T + b + alpha / rank x A^T B^T``.

    Shapes: (..., in) -> (..., out), with W (out, in), A (rank, in) and B (out, rank). Only A and
    B are trained. B begins as zeros, so the layer begins as the map it was made from, whose
    weights it shares and never writes to. Raises ValueError for a rank below 1 or above what W's
    shape can have, or a dropout (on the correction's input) outside [0, 1).

    >>> layer = LoRALinear(nn.Linear(8, 6), rank=2, alpha=4)
    >>> layer.lora_A.shape, layer.lora_B.shape, layer.scale
    (torch.Size([2, 8]), torch.Size([6, 2]), 2.0)
    """

    def __init__(
        self, plain: nn.Linear, rank: int = 8, alpha: float = 16.0, dropout: float = 0.0
    ) -> None:
        super().__init__()
        W = plain.weight
        if not 1 <= rank <= min(W.shape):
            raise ValueError(
                f"LoRA: rank {rank} is not from 1 to {min(W.shape)}, the smaller side of a weight "
                f"of shape {tuple(W.shape)}"
            )
        if not 0 <= dropout < 1:
            raise ValueError(f"LoRA: dropout is {dropout}, not in [0, 1)")
        self.weight, self.bias = W, plain.bias  # under the names the plain layer has them
        like: dict[str, Any] = {"dtype": W.dtype, "device": W.device}
        self.lora_A = nn.Parameter(torch.empty(rank, W.shape[1], **like))
        self.lora_B = nn.Parameter(torch.zeros(W.shape[0], rank, **like))
        nn.init.kaiming_uniform_(self.lora_A, a=sqrt(5))
        self.rank, self.alpha, self.scale, self.dropout = rank, alpha, alpha / rank, dropout
        self._plain = (plain,)  # a tuple hides it from the modules that are walked and saved

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.linear(x, self.weight, self.bias)  # (..., out)
        if self.dropout and self.training:
            x = F.dropout(x, self.dropout)
        narrow = F.linear(x, self.lora_A) * self.scale  # (..., rank)
        return y + F.linear(narrow, self.lora_B)

    def merged(self) -> nn.Linear:
        """Return the plain layer, its weight now W + alpha / rank B A, in memory of its own.

        >>> layer = LoRALinear(nn.Linear(2, 2, bias=False), rank=1, alpha=1)
        >>> with torch.no_grad():
        ...     before = layer(torch.ones(1, 2))
        ...     torch.allclose(layer.merged()(torch.ones(1, 2)), before)
        True
        """
        (plain,) = self._plain
        with torch.no_grad():
            change = (self.lora_B @ self.lora_A).mul_(self.scale)  # (out, in)
            plain.weight = nn.Parameter(change.add_(self.weight))
        plain.bias = self.bias
        return plain


def add_lora(
    model: nn.Module,
    rank: int = 8,
    alpha: float = 16.0,
    targets: str | Iterable[str] | None = None,
    dropout: float = 0.0,
) -> list[str]:
    """Give linear layers of ``model`` adapters and freeze all else; return the layers' names.

    ``targets`` are names, whole or their last parts (``"q_proj"``), or one regular expression for
    whole names. Without any, all linear layers get one but those at the top of the model, which
    make the scores. Raises ``ValueError`` when a target is not there or shares its weight with
    another layer, or when the model has adapters already.

    >>> from transformer import build_model
    >>> model = build_model("gpt", vocab_size=65, n_layer=1, n_head=2, n_embd=16)
    >>> add_lora(model, rank=2, targets=["c_attn"])
    ['h.0.attn.c_attn']
    >>> sum(p.numel() for p in model.parameters() if p.requires_grad)
    128
    """
    if any(True for _ in _adapted(model)):
        raise ValueError("the model has LoRA adapters already: merge them first, merge_lora(model)")
    chosen = _chosen(model, targets)
    _check_unshared(model, chosen)
    adapted = {name: LoRALinear(layer, rank, alpha, dropout) for name, layer in chosen.items()}
    model.requires_grad_(False)
    for name, layer in adapted.items():
        layer.lora_A.requires_grad_(True)
        layer.lora_B.requires_grad_(True)
        layer.train(model.training)
        _put(model, name, layer)
    return list(adapted)


def merge_lora(model: nn.Module) -> nn.Module:
    """Add the adapters to the weights they correct; return the model, plain again and trainable.

    Where a weight was memory-mapped, the sum is new memory, and the file stays as it is.

    >>> model = nn.Sequential(nn.Sequential(nn.Linear(4, 3)))
    >>> add_lora(model, rank=1), merge_lora(model)[0][0]
    (['0.0'], Linear(in_features=4, out_features=3, bias=True))
    """
    for name, layer in list(_adapted(model)):
        _put(model, name, layer.merged())
    return model.requires_grad_(True)


def lora_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return what is trained, by name: every adapter's A and B, sharing memory with the model.

    >>> model = nn.Sequential(nn.Sequential(nn.Linear(4, 3)))
    >>> names = add_lora(model, rank=1)
    >>> sorted(lora_state(model))
    ['0.0.lora_A', '0.0.lora_B']
    """
    state = {}
    for name, layer in _adapted(model):
        state[f"{name}.lora_A"] = layer.lora_A.detach()
        state[f"{name}.lora_B"] = layer.lora_B.detach()
    return state


@torch.no_grad()
def load_lora_state(model: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """Copy adapters saved by :func:`lora_state` into a model that has the same ones.

    Raises ``ValueError`` naming what is missing, too much or of another shape.

    >>> model = nn.Sequential(nn.Sequential(nn.Linear(4, 3)))
    >>> _ = add_lora(model, rank=1)
    >>> load_lora_state(model, {"0.0.lora_A": torch.ones(1, 4), "0.0.lora_B": torch.ones(3, 1)})
    >>> model[0][0].lora_A.tolist()
    [[1.0, 1.0, 1.0, 1.0]]
    """
    own = lora_state(model)
    if differing := sorted(own.keys() ^ state.keys()):
        where = "the model" if differing[0] in state else "what was saved"
        raise ValueError(f"the adapters do not fit: {where} has no {differing[0]}")
    for name, tensor in state.items():
        if tensor.shape != own[name].shape:
            raise ValueError(
                f"the adapters do not fit: {name} is {tuple(tensor.shape)}, "
                f"the model's {tuple(own[name].shape)}"
            )
        own[name].copy_(tensor)


def _adapted(model: nn.Module) -> Iterator[tuple[str, LoRALinear]]:
    for name, module in model.named_modules():
        if isinstance(module, LoRALinear):
            yield name, module


def _chosen(model: nn.Module, targets: str | Iterable[str] | None) -> dict[str, nn.Linear]:
    """Return the linear layers that the targets name, by name."""
    linear = {n: m for n, m in model.named_modules() if isinstance(m, nn.Linear) and n}
    if isinstance(targets, str):
        patterns = [targets]
    else:
        patterns = [rf"(.*\.)?{re.escape(target)}" for target in targets or ()]
        patterns = patterns or [r".*\..*"]
    chosen: dict[str, nn.Linear] = {}
    for pattern in patterns:
        found = {name: layer for name, layer in linear.items() if re.fullmatch(pattern, name)}
        if not found:
            there = ", ".join(dict.fromkeys(name.rsplit(".")[-1] for name in linear)) or "none"
            what = repr(targets) if targets else "layer below the top"
            raise ValueError(f"LoRA: no linear layer matches {what}; there are {there}")
        chosen |= found
    return {name: layer for name, layer in linear.items() if name in chosen}


def _check_unshared(model: nn.Module, chosen: Mapping[str, nn.Linear]) -> None:
    holders: dict[int, list[str]] = {}
    for name, module in model.named_modules():
        for p in module.parameters(recurse=False):
            holders.setdefault(id(p), []).append(name)
    for name, layer in chosen.items():
        others = [other for other in holders[id(layer.weight)] if other != name]
        if others:
            raise ValueError(
                f"LoRA: {name} shares its weight with {others[0]}, which would not be corrected"
            )


def _put(model: nn.Module, name: str, layer: nn.Module) -> None:
    """Replace the module of that name."""
    parent, _, own = name.rpartition(".")
    place: Any = model.get_submodule(parent)
    setattr(place, own, layer)

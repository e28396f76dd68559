"""A mixture of experts: many feed-forward nets, of which each token is sent to a few."""

from threading import local

from transformer._engine import F, nn, torch


class Expert(nn.Module):
    """One gated feed-forward net, ``w2(silu(w1 x) * w3 x)``. Shapes: (N, C) -> (N, C).

    Source: Shazeer, "GLU Variants Improve Transformer", 2020, equation 6 (SwiGLU).

    >>> Expert(n_embd=4, n_hidden=8)(torch.zeros(3, 4)).shape
    torch.Size([3, 4])
    """

    def __init__(self, n_embd: int, n_hidden: int) -> None:
        super().__init__()
        self.w1 = nn.Linear(n_embd, n_hidden, bias=False)  # how far each hidden unit opens
        self.w2 = nn.Linear(n_hidden, n_embd, bias=False)
        self.w3 = nn.Linear(n_embd, n_hidden, bias=False)  # what passes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class MoE(nn.Module):
    """``n_expert`` feed-forward nets; each token is computed by the ``n_active`` it fits best.

    A router scores the experts for each token, ``p = softmax(gate x)``; the best ``n_active`` run,
    and their outputs are added in proportion to p. So the net has the knowledge of all experts at
    the cost of a few. Shapes: (B, T, C) -> (B, T, C). Tokens do not see each other; but how many
    an expert is given together decides how its products are rounded, in the last bits.

    In training :attr:`aux_loss` then tells how unevenly each sequence used the experts. It does so
    by the sequence (DeepSeek-AI, "DeepSeek-V2", 2024, section 2.2.3), so that a batch computed in
    pieces, or by several workers, learns what the whole batch does. The parameters have
    the names of Mixtral's (``gate``, ``experts.0.w1``). Raises ValueError when ``n_active`` is
    not from 1 to ``n_expert``. Sources: Shazeer et al., "Outrageously Large Neural Networks",
    2017; Jiang et al., "Mixtral of Experts", 2024, section 2.1.

    >>> layer = MoE(n_embd=4, n_hidden=8, n_expert=3, n_active=2)
    >>> layer(torch.zeros(2, 5, 4)).shape
    torch.Size([2, 5, 4])
    """

    def __init__(self, n_embd: int, n_hidden: int, n_expert: int, n_active: int) -> None:
        super().__init__()
        if not 1 <= n_active <= n_expert:
            raise ValueError(f"MoE: n_active is {n_active}, not from 1 to n_expert {n_expert}")
        self.n_active = n_active
        self.gate = nn.Linear(n_embd, n_expert, bias=False)
        self.experts = nn.ModuleList(Expert(n_embd, n_hidden) for _ in range(n_expert))
        self._last = _PerThread()

    @property
    def aux_loss(self) -> torch.Tensor | None:
        """The load-balancing losses (B,) of this thread's last forward in training; else None."""
        return self._last.aux_loss

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.reshape(-1, x.shape[-1])  # (N, C), N = B T tokens
        chances = F.softmax(self.gate(rows), dim=-1)  # (N, E)
        best, chosen = torch.topk(chances, self.n_active, dim=-1)  # (N, K) each
        shares = best / best.sum(dim=-1, keepdim=True)  # (N, K), a token's sum to 1
        y = torch.zeros_like(rows)
        for e, expert in enumerate(self.experts):
            token, place = torch.where(chosen == e)  # who comes to this expert, as which choice
            if self.training or len(token):  # in training each parameter gets a gradient, if of 0
                part = expert(rows[token]) * shares[token, place].unsqueeze(-1)
                y = y.index_add(0, token, part)  # a token comes to an expert once at most
        self._last.aux_loss = None
        if self.training:
            by_sequence = (t.view(*x.shape[:-1], -1) for t in (chances, chosen))  # (B, T, E or K)
            self._last.aux_loss = load_balance(*by_sequence)
        return y.view(x.shape)


def load_balance(chances: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """``E * sum_e f_e P_e``: 1 when all experts are used alike, E when one does everything.

    ``f_e`` is the share of the choices that fell on expert e, which has no slope, ``P_e`` its mean
    chance, which has. Without this loss a router favours the experts that learned first. Shapes:
    chances (..., N, E), chosen (..., N, K) int64 -> (...). Source: Fedus, Zoph and Shazeer, "Switch
    Transformers", 2021, equations 4 to 6, where K is 1.

    >>> load_balance(torch.tensor([[0.5, 0.5]]), torch.tensor([[0, 1]])).item()
    1.0
    """
    n_expert = chances.shape[-1]
    used = F.one_hot(chosen, n_expert).to(chances.dtype).mean(dim=(-3, -2))  # f: (..., E)
    return n_expert * (used * chances.mean(dim=-2)).sum(dim=-1)


class _PerThread(local):
    """A note each thread keeps for itself: slices of a batch are computed side by side."""

    aux_loss: torch.Tensor | None = None

    def __reduce__(self) -> tuple[type, tuple[()]]:  # a copy of the model begins without a note
        return type(self), ()

"""What may be done to scores before a token is drawn: one function each, (B, V) -> (B, V).

A token that may not be drawn gets -inf. Order, thresholds and ties are those of the classes named
``...LogitsWarper`` and ``...LogitsProcessor`` in Hugging Face's transformers, so that settings
found for a model there mean the same here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from transformer._engine import F, torch
from transformer.generate.checks import check_scores
from transformer.generate.settings import Sampling

COLDEST = 1e-30  # a smaller temperature could be 0 in float32, and 0 / 0 is no score
NEVER = float("-inf")


def add_bias(scores: torch.Tensor, bias: Mapping[int, float]) -> torch.Tensor:
    """Each named token's score moved by its number; -inf forbids a token, +100 all but demands it.

    Raises ValueError for an id outside the vocabulary.

    >>> add_bias(torch.zeros(1, 3), {1: -2.0}).tolist()
    [[0.0, -2.0, 0.0]]
    """
    V = scores.shape[-1]
    if wrong := [i for i in bias if not 0 <= i < V]:
        raise ValueError(
            f"generate: logit_bias names the ids {wrong}, the vocabulary has 0 to {V - 1}"
        )
    scores = scores.clone()
    scores[:, list(bias)] += torch.tensor(list(bias.values()), dtype=scores.dtype)
    return scores


def penalise_repetition(
    scores: torch.Tensor, rows: Sequence[Sequence[int]], penalty: float
) -> torch.Tensor:
    """The score of every token a row already holds, once, divided by ``penalty``.

    A negative score is multiplied instead, so that it falls, too. Source: Keskar et al., "CTRL",
    2019, section 4.1, which leaves the sign aside.

    >>> penalise_repetition(torch.tensor([[2.0, -2.0, 2.0]]), [[0, 1, 1]], 2.0).tolist()
    [[1.0, -4.0, 2.0]]
    """
    scores = scores.clone()
    for row, ids in enumerate(rows):
        held = sorted(set(ids))
        score = scores[row, held]
        scores[row, held] = torch.where(score < 0, score * penalty, score / penalty)
    return scores


def penalise_presence(
    scores: torch.Tensor, rows: Sequence[Sequence[int]], presence: float, frequency: float
) -> torch.Tensor:
    """``presence`` taken off the score of every token a row holds, ``frequency`` once a time.

    The rows are the answers without their prompts. Source: the definition in the reference of
    OpenAI's interface: ``score - count * frequency - (count > 0) * presence``.

    >>> penalise_presence(torch.zeros(1, 3), [[0, 1, 1]], 0.5, 1.0).tolist()
    [[-1.5, -2.5, 0.0]]
    """
    scores = scores.clone()
    for row, ids in enumerate(rows):
        counts = Counter(ids)
        taken = [presence + frequency * n for n in counts.values()]
        if taken:
            scores[row, list(counts)] -= torch.tensor(taken, dtype=scores.dtype)
    return scores


def heat(scores: torch.Tensor, temperature: float) -> torch.Tensor:
    """The distances from the best score, divided by ``temperature``.

    The best becomes 0 first: a tiny temperature then cannot overflow to inf - inf. Raises
    ValueError where the best is not finite, so that nothing could be drawn.

    >>> heat(torch.tensor([[1.0, 3.0]]), 0.5).tolist()
    [[-4.0, 0.0]]
    """
    top = torch.amax(scores, dim=-1, keepdim=True)  # (B, 1)
    check_scores(top)
    return (scores - top) / max(temperature, COLDEST)


def keep_top_k(scores: torch.Tensor, k: int) -> torch.Tensor:
    """Only the ``k`` best, and whatever equals the last of them.

    >>> keep_top_k(torch.tensor([[0.3, 0.1, 0.5, 0.3]]), 2).isfinite().tolist()
    [[True, False, True, True]]
    """
    if k >= scores.shape[-1]:
        return scores
    kept, _ = torch.topk(scores, k, dim=-1)  # (B, k), falling
    return scores.masked_fill(scores < kept[:, -1:], NEVER)


def keep_top_p(scores: torch.Tensor, p: float) -> torch.Tensor:
    """The fewest tokens, likeliest first, whose probabilities add up to ``p``; at least one.

    Source: Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020, section 3.1.

    >>> keep_top_p(torch.tensor([[0.1, 0.2, 0.3, 0.4]]).log(), 0.65).isfinite().tolist()
    [[False, False, True, True]]
    """
    probs = F.softmax(scores.double(), dim=-1)  # (B, V); three sixths are a half
    # Together these are less than half of what is to go, so most of a vocabulary needs no sorting.
    rare = probs <= (1 - p) / (2 * scores.shape[-1])
    drop = rare.clone()
    for row in range(len(scores)):
        likely = (~rare[row]).nonzero()[:, 0]  # (n,)
        rising, order = torch.sort(probs[row, likely], stable=True)
        reached = torch.cumsum(rising, dim=0) + (probs[row] * rare[row]).sum()
        gone = reached <= 1 - p
        gone[-1] = False
        drop[row, likely[order[gone]]] = True
    return scores.masked_fill(drop, NEVER)


def keep_min_p(scores: torch.Tensor, p: float) -> torch.Tensor:
    """Tokens at least ``p`` times as probable as the likeliest.

    Source: Nguyen et al., "Turning Up the Heat: Min-p Sampling", 2024, section 3.

    >>> keep_min_p(torch.tensor([[0.1, 0.2, 0.3, 0.4]]).log(), 0.6).isfinite().tolist()
    [[False, False, True, True]]
    """
    probs = F.softmax(scores, dim=-1)  # (B, V)
    return scores.masked_fill(probs < p * torch.amax(probs, dim=-1, keepdim=True), NEVER)


def keep_typical(scores: torch.Tensor, mass: float) -> torch.Tensor:
    """The tokens whose surprise is nearest to the expected one, up to probability ``mass``.

    Source: Meister et al., "Locally Typical Sampling", 2023, equation 6.

    >>> keep_typical(torch.tensor([[0.5, 0.3, 0.1, 0.1]]).log(), 0.2).isfinite().tolist()
    [[False, True, False, False]]
    """
    logs = F.log_softmax(scores, dim=-1)  # (B, V)
    p = logs.exp()
    entropy = -(p * logs.masked_fill(p == 0, 0.0)).sum(dim=-1, keepdim=True)  # 0 log 0 is 0
    rising, order = torch.sort((-logs - entropy).abs(), dim=-1, stable=True)  # (B, V)
    reached = torch.cumsum(p.gather(1, order), dim=-1, dtype=torch.float64)
    last = (reached < mass).sum(dim=-1, keepdim=True).clamp(max=scores.shape[-1] - 1)  # (B, 1)
    drop = rising > rising.gather(1, last)
    drop[:, 0] = False
    return scores.masked_fill(torch.zeros_like(drop).scatter(1, order, drop), NEVER)


def adjust(
    scores: torch.Tensor, settings: Sampling, rows: Sequence[Sequence[int]], prompt: int
) -> torch.Tensor:
    """The scores after bias and penalties, before temperature: what greedy decoding looks at.

    ``rows`` hold the ids of prompt and answer, the first ``prompt`` of them the prompt's.

    >>> adjust(torch.zeros(1, 2), Sampling(presence_penalty=1.0), [[0, 1]], 1).tolist()
    [[0.0, -1.0]]
    """
    s = settings
    if s.logit_bias:
        scores = add_bias(scores, s.logit_bias)
    if s.repetition_penalty != 1:
        scores = penalise_repetition(scores, rows, s.repetition_penalty)
    if s.presence_penalty or s.frequency_penalty:
        new = [row[prompt:] for row in rows]
        scores = penalise_presence(scores, new, s.presence_penalty, s.frequency_penalty)
    return scores


def narrow(scores: torch.Tensor, settings: Sampling) -> torch.Tensor:
    """The scores after temperature, then top-k, top-p, min-p and typical, each on what is left.

    >>> narrow(torch.tensor([[1.0, 3.0]]), Sampling(temperature=0.5, top_k=1)).tolist()
    [[-inf, 0.0]]
    """
    s = settings
    scores = heat(scores, s.temperature)
    if s.top_k is not None:
        scores = keep_top_k(scores, s.top_k)
    if s.top_p is not None and s.top_p < 1:
        scores = keep_top_p(scores, s.top_p)
    if s.min_p:
        scores = keep_min_p(scores, s.min_p)
    if s.typical_p is not None and s.typical_p < 1:
        scores = keep_typical(scores, s.typical_p)
    return scores

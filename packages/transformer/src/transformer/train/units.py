"""A loss in nats, in the units people compare."""

from math import exp, log


def perplexity_of(loss: float) -> float:
    """e to the loss, in nats per token: as unsure as between so many equally likely tokens.

    >>> round(perplexity_of(1.386), 2), perplexity_of(float("inf")) < float("inf")
    (4.0, True)
    """
    return exp(min(loss, 700.0))  # float64 ends at e**709


def bits_per_byte(loss: float, bytes_per_token: float) -> float:
    """A loss in nats per token as bits per byte, which compares models of different tokenizers.

    >>> bits_per_byte(log(2), bytes_per_token=4.0)
    0.25
    """
    return loss / log(2) / bytes_per_token

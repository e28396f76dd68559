"""The learning rate of "Attention Is All You Need": up in a straight line, then down slowly."""


def inverse_square_root(step: int, n_embd: int, warmup_steps: int) -> float:
    """Return the learning rate of update number ``step``, counted from 0.

    ``n_embd**-0.5 * min(n**-0.5, n * warmup_steps**-1.5)`` with n = step + 1: it rises for
    ``warmup_steps`` updates and then falls as one over the square root of their number, without
    having to know when training will end. Source: Vaswani et al., 2017, equation 3.

    >>> [round(inverse_square_root(step, n_embd=100, warmup_steps=4), 4) for step in (0, 3, 15)]
    [0.0125, 0.05, 0.025]
    """
    n = step + 1
    return float(n_embd**-0.5 * min(n**-0.5, n * warmup_steps**-1.5))

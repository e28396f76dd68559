"""What kind of thing an argument is: said in one sentence before it fails somewhere deep."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from transformer._engine import torch


def check_kinds(values: Any, whole: Sequence[str] = (), real: Sequence[str] = ()) -> None:
    """Raises TypeError unless these attributes are whole or real numbers.

    NumPy's numbers are numbers; True and False are none.

    >>> class Asked: n = 2.5
    >>> check_kinds(Asked, whole=["n"])
    Traceback (most recent call last):
    TypeError: generate: n must be a whole number, got 2.5
    """
    for names, kind, said in ((whole, Integral, "a whole number"), (real, Real, "a number")):
        for name in names:
            value = getattr(values, name)
            if isinstance(value, bool) or not isinstance(value, kind):
                raise TypeError(f"generate: {name} must be {said}, got {value!r}")


def check_model(model: Any, called: str = "model") -> None:
    """Raises TypeError unless it is one that can be asked for scores.

    >>> check_model("smollm2")
    Traceback (most recent call last):
    TypeError: generate: the model must be a model, got str; transformer.load(name) returns one
    """
    if not (callable(model) and hasattr(model, "block_size")):
        raise TypeError(
            f"generate: the {called} must be a model, got {type(model).__name__}; "
            f"transformer.load(name) returns one"
        )


def check_scores(best: torch.Tensor) -> None:
    """Raises ValueError unless each row's best score is a number to draw by.

    >>> check_scores(torch.tensor([[float("-inf")]]))
    Traceback (most recent call last):
    ValueError: generate: every token is forbidden, by logit_bias or by the model's own scores
    """
    for score in best.reshape(-1).tolist():
        if score == float("-inf"):
            raise ValueError(
                "generate: every token is forbidden, by logit_bias or by the model's own scores"
            )
        if not abs(score) < float("inf"):  # NaN, too
            raise ValueError(
                f"generate: the best score is {score}: the model's weights are not finite, or a "
                f"bias or penalty is too large"
            )

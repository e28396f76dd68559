"""Text from a model: all at once, or piece by piece as it is decided."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from transformer._engine import torch
    from transformer.tokenizers import Tokenizer

__all__ = ["generate", "stream"]

Prompt = TypeVar("Prompt", str, list[int], "torch.Tensor")

# Both functions import what they need when called: importing this package must not bind the
# engine, which a program may still choose (see transformer/__init__.py).


def generate(
    model: Any,
    prompt: Prompt,
    max_new_tokens: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    generator: "torch.Generator | None" = None,
    seed: int | None = None,
    stop: str | Sequence[str] | None = None,
    tokenizer: "Tokenizer | None" = None,
    on_token: Callable[[int], object] | None = None,
) -> Prompt:
    """The prompt and what the model writes after it, in the kind the prompt came in.

    The prompt is a string (needs ``tokenizer``), a list of ids, or an int64 tensor (B, T), which
    becomes (B, T + new). ``temperature`` divides the scores, 0 takes the likeliest token;
    ``top_k`` leaves only the k likeliest. The model reads the last ``block_size`` tokens, in eval
    mode, and is put back. ``on_token`` is called with each id as it is drawn.

    ``stop`` (needs ``tokenizer``; one sequence) ends the writing when a stop string appears in the
    new text. The text ends right before it; ids end before the token it begins in.

    Raises ValueError or TypeError when an argument cannot be.

    >>> import transformer
    >>> tokenizer = transformer.CharTokenizer.from_text("ab")
    >>> model = transformer.build_model("bigram", vocab_size=2)
    >>> len(generate(model, "a", 5, seed=1, tokenizer=tokenizer))
    6
    """
    from transformer.generate.answer import answer
    from transformer.generate.sampling import Sampler

    pick = Sampler(temperature, top_k, generator, seed)
    return answer(model, prompt, max_new_tokens, pick, tokenizer, stop, on_token)


def stream(
    model: Any,
    prompt: "str | list[int] | torch.Tensor",
    max_new_tokens: int,
    *,
    tokenizer: "Tokenizer",
    temperature: float = 1.0,
    top_k: int | None = None,
    generator: "torch.Generator | None" = None,
    seed: int | None = None,
    stop: str | Sequence[str] | None = None,
) -> Iterator[str]:
    """The new text, without the prompt, in pieces as soon as each is decided.

    Joined, the pieces are what ``generate`` writes for the same arguments. Text that may yet turn
    out to be the beginning of a stop string, or half a character, is held back until it is not.

    Raises ValueError or TypeError when an argument cannot be, before the first piece is asked for.

    >>> import transformer
    >>> tokenizer = transformer.CharTokenizer.from_text("ab")
    >>> model = transformer.build_model("bigram", vocab_size=2)
    >>> len("".join(stream(model, "a", 5, seed=1, tokenizer=tokenizer)))
    5
    """
    from transformer.generate.answer import pieces
    from transformer.generate.sampling import Sampler

    pick = Sampler(temperature, top_k, generator, seed)
    return pieces(model, prompt, max_new_tokens, pick, tokenizer, stop)

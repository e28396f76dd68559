"""Text from a model: all at once, or piece by piece as it is decided."""

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, Unpack

if TYPE_CHECKING:
    from transformer.generate.prompt_cache import PromptCache
    from transformer.generate.request import Options
    from transformer.generate.result import Generation
    from transformer.generate.settings import Sampling

__all__ = ["Generation", "PromptCache", "Sampling", "generate", "stream"]

_HOME = {
    "Generation": "transformer.generate.result",
    "PromptCache": "transformer.generate.prompt_cache",
    "Sampling": "transformer.generate.settings",
}

# Both functions import what they need when called: importing this package must not bind the
# engine, which a program may still choose (see transformer/__init__.py).


def generate(model: Any, *given: Any, **options: "Unpack[Options]") -> Any:
    """The prompt and what the model writes after it, in the kind the prompt came in.

    ``generate(model, tokenizer, prompt, max_new_tokens)``, or ``generate(model, prompt,
    max_new_tokens, tokenizer=...)``. The prompt is a string (needs the tokenizer), a list of ids,
    an int64 tensor (B, T), which becomes (B, T + new), or a list of strings or of lists of ids:
    each is answered as if it were alone, those of one length together. ``max_new_tokens`` is 256
    unless given.

    *Choosing.* ``temperature`` (0: the likeliest), ``top_k``, ``top_p``, ``min_p``, ``typical_p``,
    ``repetition_penalty``, ``presence_penalty``, ``frequency_penalty``, ``logit_bias``: see
    ``Sampling``. ``seed`` or ``generator`` decide the draws. ``n`` answers are written at once, as
    a list; the first is what ``n=1`` writes. ``num_beams`` above 1 searches the likeliest text
    instead (``length_penalty``, ``early_stopping``: see ``transformer.generate.beam.Beams``).

    *Stopping.* ``stop``, one string or several, ends an answer when it appears in the new text;
    ``stop_tokens`` end it, too, and are those of the tokenizer unless given or ``ignore_eos``. The
    text ends right before; ids end before the token the stop begins in.

    *Speed.* ``draft``, a smaller model of the same vocabulary, or ``lookup=True``, the text so
    far, guess ``guesses`` tokens ahead, which the model checks in one reading; what is written
    follows the same distribution, and is the same when greedy. ``prompt_cache``, a file or a
    ``PromptCache``, spares reading again what this prompt shares with the one before.

    *Reports.* ``return_details`` gives ``Generation`` objects; ``logprobs=k`` adds each token's
    log-probability and the k likeliest. ``on_token`` is called with each id as it is drawn.

    The model is in eval mode meanwhile. Past ``block_size`` tokens it reads the last
    ``block_size``. Raises ValueError or TypeError when an argument cannot be.

    >>> import transformer
    >>> tokenizer = transformer.CharTokenizer.from_text("ab")
    >>> model = transformer.build_model("bigram", vocab_size=2)
    >>> len(generate(model, tokenizer, "a", 5, seed=1))
    6
    >>> [len(ids) for ids in generate(model, [0, 1], 5, n=3)]
    [7, 7, 7]
    """
    from transformer.generate.answer import answer

    return answer(model, given, options)


def stream(model: Any, *given: Any, **options: "Unpack[Options]") -> Iterator[str]:
    """The new text, without the prompt, in pieces as soon as each is decided.

    Takes what ``generate`` takes for one plain text. Joined, the pieces are what ``generate``
    writes for the same arguments. Text that may yet turn out to be the beginning of a stop string,
    or half a character, is held back until it is not.

    Raises ValueError or TypeError when an argument cannot be, before the first piece is asked for.

    >>> import transformer
    >>> tokenizer = transformer.CharTokenizer.from_text("ab")
    >>> model = transformer.build_model("bigram", vocab_size=2)
    >>> len("".join(stream(model, tokenizer, "a", 5, seed=1)))
    5
    """
    from transformer.generate.answer import pieces

    return pieces(model, given, options)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'transformer.generate' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)

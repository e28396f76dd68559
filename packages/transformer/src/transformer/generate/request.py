"""What one call of ``generate`` or ``stream`` asks for, checked as a whole."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from transformer.generate.checks import check_kinds, check_model
from transformer.generate.settings import Sampling
from transformer.tokenizers import Tokenizer

if TYPE_CHECKING:
    from transformer._engine import torch
    from transformer.generate.prompt_cache import PromptCache

DEFAULT_NEW_TOKENS = 256


class Options(TypedDict, total=False):
    """The keyword arguments of ``generate``; ``stream`` takes all but the last five."""

    max_new_tokens: int
    tokenizer: Tokenizer | None
    temperature: float
    top_k: int | None
    top_p: float | None
    min_p: float | None
    typical_p: float | None
    repetition_penalty: float
    presence_penalty: float
    frequency_penalty: float
    logit_bias: Mapping[int, float] | None
    generator: "torch.Generator | None"
    seed: int | None
    stop: str | Sequence[str] | None
    stop_tokens: int | Iterable[int] | None
    ignore_eos: bool
    draft: Any
    lookup: bool
    guesses: int
    prompt_cache: "str | Path | PromptCache | None"
    on_token: Callable[[int], object] | None
    n: int
    logprobs: int | None
    return_details: bool
    num_beams: int
    length_penalty: float
    early_stopping: bool | str


@dataclass(frozen=True)
class Request:
    """One call's settings. Raises ValueError or TypeError for what cannot be.

    >>> Request(Sampling(), n=0)
    Traceback (most recent call last):
    ValueError: generate: n 0 must be 1 or more
    """

    sampling: Sampling
    tokenizer: Tokenizer | None = None
    max_new_tokens: int = DEFAULT_NEW_TOKENS
    generator: "torch.Generator | None" = None
    seed: int | None = None
    stop: str | Sequence[str] | None = None
    stop_tokens: Iterable[int] | None = None
    ignore_eos: bool = False
    draft: Any = None
    lookup: bool = False
    guesses: int = 4
    prompt_cache: "str | Path | PromptCache | None" = None
    on_token: Callable[[int], object] | None = None
    n: int = 1
    logprobs: int | None = None
    return_details: bool = False
    num_beams: int = 1
    length_penalty: float = 1.0
    early_stopping: bool | str = False

    def __post_init__(self) -> None:
        self._check_kinds()
        for name, least in {"max_new_tokens": 0, "n": 1, "guesses": 1, "num_beams": 1}.items():
            if getattr(self, name) < least:
                raise ValueError(f"generate: {name} {getattr(self, name)} must be {least} or more")
        if self.logprobs is not None and self.logprobs < 0:
            raise ValueError(
                f"generate: logprobs {self.logprobs} is how many alternatives to report: 0 or more"
            )
        if self.generator is not None and self.seed is not None:
            raise ValueError("generate: give a generator or a seed, not both")
        if "" in self.stop_strings:
            raise ValueError("generate: an empty stop string would stop before the first token")
        if self.tokenizer is None and self.stop_strings:
            raise ValueError("generate: stop is looked for in the text, so give tokenizer= as well")
        if self.draft is not None and self.lookup:
            raise ValueError("generate: give a draft model or lookup, not both")
        if self.num_beams > 1:
            self._check_beams()

    @property
    def stop_strings(self) -> tuple[str, ...]:
        """The stop strings."""
        if isinstance(self.stop, Iterable) and not isinstance(self.stop, (str, bytes)):
            return tuple(self.stop)
        return () if self.stop is None else (self.stop,)

    @property
    def stop_ids(self) -> frozenset[int]:
        """The ids that end an answer: those given, or the tokenizer's own."""
        if self.stop_tokens is not None:
            return frozenset(self.stop_tokens)
        if self.ignore_eos or self.tokenizer is None:
            return frozenset()
        return frozenset(self.tokenizer.stop_ids)

    @property
    def speculates(self) -> bool:
        """Whether tokens are guessed and checked."""
        return self.draft is not None or self.lookup

    def _check_kinds(self) -> None:
        """Raises TypeError for an argument that is not of its kind."""
        may_lack = [name for name in ("seed", "logprobs") if getattr(self, name) is not None]
        whole = ["max_new_tokens", "n", "guesses", "num_beams", *may_lack]
        check_kinds(self, whole, real=["length_penalty"])
        if wrong := [s for s in self.stop_strings if not isinstance(s, str)]:
            raise TypeError(f"generate: stop is a string or several, got {wrong[0]!r}")
        if strange := [i for i in self.stop_tokens or () if not isinstance(i, Integral)]:
            raise TypeError(f"generate: stop_tokens are ids, got {strange[0]!r}; stop takes text")
        if self.on_token is not None and not callable(self.on_token):
            raise TypeError(f"generate: on_token must be a function, got {self.on_token!r}")
        if self.draft is not None:
            check_model(self.draft, "draft")
        if self.generator is not None and not hasattr(self.generator, "manual_seed"):
            raise TypeError(f"generate: generator is a torch.Generator, got {self.generator!r}")

    def _check_beams(self) -> None:
        if self.n > self.num_beams:
            raise ValueError(f"generate: {self.num_beams} beams give no {self.n} answers")
        asked = {
            "a draft model or lookup": self.speculates,
            "on_token": self.on_token is not None,
            "logprobs": self.logprobs is not None,
            "seed or generator": self.seed is not None or self.generator is not None,
        }
        if wrong := [name for name, is_asked in asked.items() if is_asked]:
            raise ValueError(f"generate: beam search goes without {' and '.join(wrong)}")


def read_request(
    given: Sequence[Any], options: Mapping[str, Any], call: str
) -> tuple[Any, Request]:
    """The prompt and the rest, from ``(tokenizer, prompt, n)`` or ``(prompt, n)`` and keywords.

    Raises TypeError for arguments that are unknown, missing or given twice.

    >>> prompt, request = read_request(["abc", 5], {"temperature": 0}, "generate")
    >>> prompt, request.max_new_tokens, request.sampling.greedy
    ('abc', 5, True)
    """
    given, options = list(given), dict(options)
    if given and hasattr(given[0], "encode") and hasattr(given[0], "decode"):  # strings encode only
        _place(options, "tokenizer", given.pop(0), call)
    elif len(given) > 1 and given[0] is None:  # a model that came without one
        given.pop(0)
    for name in ("prompt", "max_new_tokens"):
        if given:
            _place(options, name, given.pop(0), call)
    if given:
        raise TypeError(f"{call}: too many arguments; name what comes after max_new_tokens")
    if "prompt" not in options:
        raise TypeError(f"{call}: no prompt given: {call}(model, tokenizer, prompt)")
    prompt = options.pop("prompt")
    sampling_names = [field.name for field in fields(Sampling)]
    known = [*sampling_names, *(f.name for f in fields(Request) if f.name != "sampling")]
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
            raise TypeError(f"{call}: there is no argument {name!r}{hint}")
    if options.get("max_new_tokens", 0) is None:
        options.pop("max_new_tokens")
    if (ends := options.get("stop_tokens")) is not None:
        options["stop_tokens"] = frozenset(ends if isinstance(ends, Iterable) else [ends])
    sampling = Sampling(**{k: options.pop(k) for k in sampling_names if k in options})
    return prompt, Request(sampling, **options)


def _place(options: dict[str, Any], name: str, value: Any, call: str) -> None:
    if name in options:
        raise TypeError(f"{call}: {name} is given twice")
    options[name] = value

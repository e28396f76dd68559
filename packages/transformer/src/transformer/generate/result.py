"""What ``generate`` knows about a text it has written."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Generation:
    """One answer, with ``return_details=True``.

    ``ids`` and ``text`` are new, without prompt and stop; ``text`` is None without tokenizer.
    ``finish_reason`` is ``"stop"`` (``stopped_by`` names the stop token or string) or
    ``"length"``. ``logprobs`` are natural logarithms of the model's own probabilities, before
    temperature and all else, of each of ``ids``; ``top_logprobs`` the likeliest at each place.
    ``score`` is the beam's. ``acceptance_rate`` is the share of proposed tokens that speculation
    kept. Seconds are of the whole batch that this answer was part of.

    >>> Generation([1], [2, 3], decode_seconds=0.5).tokens_per_second
    4.0
    """

    prompt_ids: list[int]
    ids: list[int]
    text: str | None = None
    finish_reason: str = "length"
    stopped_by: int | str | None = None
    logprobs: list[float] | None = None
    top_logprobs: list[dict[int, float]] | None = None
    score: float | None = None
    acceptance_rate: float | None = None
    prompt_seconds: float = 0.0
    decode_seconds: float = 0.0

    @property
    def tokens_per_second(self) -> float:
        """New tokens of this answer a second, the reading of the prompt apart."""
        return len(self.ids) / self.decode_seconds if self.decode_seconds else 0.0

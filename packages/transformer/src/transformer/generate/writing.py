"""One answer as it is written: its ids, its text, and when it is done."""

from collections.abc import Sequence

from transformer.generate.decoding import Token
from transformer.generate.request import Request
from transformer.generate.result import Generation
from transformer.generate.text import TextStream


class Answer:
    """Takes tokens one by one until a stop token, a stop string or the last one allowed.

    There is text when the request has a tokenizer.

    >>> from transformer.generate.settings import Sampling
    >>> answer = Answer([7], Request(Sampling(), max_new_tokens=2))
    >>> [answer.add(Token(0, i)) for i in (3, 4, 5)], answer.result().ids
    (['', '', ''], [3, 4])
    """

    def __init__(self, prompt: Sequence[int], request: Request) -> None:
        self.prompt, self.request = list(prompt), request
        self.text: TextStream | None = None
        if request.tokenizer is not None:
            self.text = TextStream(request.tokenizer, request.stop_strings, prompt)
        self.stop_ids = request.stop_ids
        self.tokens: list[Token] = []
        self.stopped_by: int | str | None = None
        self.done = request.max_new_tokens == 0

    def add(self, token: Token) -> str:
        """Takes the next token; returns the text that has become certain."""
        if self.done:
            return ""
        if self.request.on_token is not None:
            self.request.on_token(token.id)
        if token.id in self.stop_ids:
            self.stopped_by, self.done = token.id, True
            return self.text.finish() if self.text else ""
        self.tokens.append(token)
        piece = self.text.push(token.id) if self.text else ""
        if self.text and self.text.stopped_by is not None:
            self.stopped_by, self.done = self.text.stopped_by, True
        elif len(self.tokens) >= self.request.max_new_tokens:
            self.done = True
            piece += self.text.finish() if self.text else ""
            # The last piece may have been held back as half a character.
            self.stopped_by = self.text.stopped_by if self.text else None
        return piece

    def result(self, score: float | None = None) -> Generation:
        """What was written; ids end before the token that a stop string begins in."""
        tokens = self.tokens
        if isinstance(self.stopped_by, str) and self.text is not None:
            tokens = tokens[: self.text.tokens_within_text()]
        asked = self.request.logprobs is not None
        return Generation(
            prompt_ids=self.prompt,
            ids=[token.id for token in tokens],
            text=None if self.text is None else self.text.text,
            finish_reason="length" if self.stopped_by is None else "stop",
            stopped_by=self.stopped_by,
            logprobs=[t.logprob for t in tokens if t.logprob is not None] if asked else None,
            top_logprobs=[t.top for t in tokens if t.top is not None] if asked else None,
            score=score,
        )

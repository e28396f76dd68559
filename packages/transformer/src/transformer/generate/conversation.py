"""A conversation with a chat model: its turns, and the cache that spares reading them again."""

from collections.abc import Iterator
from typing import Any

from transformer.generate.context import Context, endless
from transformer.generate.prompt_cache import PromptCache
from transformer.tokenizers.chat import encode_chat


class Conversation:
    """Turns of user and assistant; each answer is streamed and remembered.

    What the user types is text: a special token's name in it has no effect. When the context is
    full, the oldest turns are left out (``left_out`` counts their messages), never ``system``.
    ``max_tokens`` is the longest answer; ``options`` are those of ``stream``. Raises ValueError
    when the tokenizer has no way to write conversations.

    >>> import transformer
    >>> from transformer.tokenizers.chat import CHATML_TOKENS
    >>> tokenizer = transformer.BPETokenizer.train("", 258, special_tokens=CHATML_TOKENS)
    >>> model = transformer.build_model("llama", vocab_size=258, block_size=200, n_layer=1)
    >>> talk = Conversation(model, tokenizer, max_tokens=5, seed=1)
    >>> answer = "".join(talk.say("Hello"))
    >>> [message["role"] for message in talk.messages]
    ['user', 'assistant']
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        system: str | None = None,
        max_tokens: int = 512,
        **options: Any,
    ) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.max_tokens, self.options = max_tokens, options
        self.system = [] if system is None else [{"role": "system", "content": system}]
        self.messages = list(self.system)
        self.left_out = 0
        self._kept = PromptCache(model)
        self._ids([*self.system, {"role": "user", "content": ""}])  # complains now if it cannot

    def say(self, text: str) -> Iterator[str]:
        """Adds the user's turn; the answer in pieces, which becomes the assistant's turn.

        Closing the iterator early, or an interruption, keeps what was written so far. Raises
        ValueError, before anything is added, when the turn alone is longer than the context.
        """
        from transformer.generate import stream

        turn = {"role": "user", "content": text}
        ids = self._fitting(turn)
        room = self.max_tokens
        if (free := Context(self.model, [ids]).room) is not None:
            room = min(room, free)
        self.messages.append(turn)
        pieces = stream(
            *(self.model, self.tokenizer, ids, max(1, room)),
            prompt_cache=self._kept,
            **self._this_turn(),
        )
        return self._remembered(pieces)

    def reset(self) -> None:
        """Begins anew."""
        self.messages = list(self.system)

    def _remembered(self, pieces: Iterator[str]) -> Iterator[str]:
        answer = {"role": "assistant", "content": ""}
        self.messages.append(answer)
        for piece in pieces:
            answer["content"] += piece
            yield piece

    def _this_turn(self) -> dict[str, Any]:
        """The options; a seed gives each turn draws of its own."""
        seed = self.options.get("seed")
        if seed is None:
            return self.options
        return {**self.options, "seed": seed + len(self.messages) // 2}

    def _fitting(self, turn: dict[str, str]) -> list[int]:
        """The ids of the conversation with this turn, oldest turns dropped until they fit."""
        limit = self.model.block_size
        first = len(self.system)
        room = min(self.max_tokens, limit // 4)  # for the answer
        while True:
            ids = self._ids([*self.messages, turn])
            if endless(self.model) or len(ids) + room <= limit:
                return ids
            if len(self.messages) == first:
                break
            self.left_out += len(self.messages[first : first + 2])
            del self.messages[first : first + 2]
        if len(ids) < limit:
            return ids
        raise ValueError(
            f"the message makes {len(ids):,} tokens and the model reads {limit:,} at most (its "
            f"block_size): shorten it"
        )

    def _ids(self, messages: list[dict[str, str]]) -> list[int]:
        return encode_chat(messages, self.tokenizer, add_generation_prompt=True)

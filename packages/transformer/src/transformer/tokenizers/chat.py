"""Conversations: as the text (chat_text.py) and the tokens (chat_ids.py) a chat model expects.

>>> render_chat([{"role": "user", "content": "Hi"}], CHATML)
'<|im_start|>user\\nHi<|im_end|>\\n'
"""

from transformer.tokenizers.chat_ids import chat_tokens, encode_chat
from transformer.tokenizers.chat_text import CHATML, CHATML_TOKENS, Message, render_chat

__all__ = ["CHATML", "CHATML_TOKENS", "Message", "chat_tokens", "encode_chat", "render_chat"]

"""tiktoken's rank files: each line a token in base64 and its rank, which is also its id.

There are no merges in such a file: two neighbours join when together they are a token, the lowest
rank first. The file says neither where words are cut nor which tokens are special; that belongs to
the encoding, known by name.
"""

import base64
import binascii
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from transformer.io.atomic import replace_file
from transformer.tokenizers.bpe import BPETokenizer
from transformer.tokenizers.patterns import Pattern

_END = "<|endoftext|>"
_R50K = {_END: 50256}
_CL100K = {
    _END: 100257,
    "<|fim_prefix|>": 100258,
    "<|fim_middle|>": 100259,
    "<|fim_suffix|>": 100260,
    "<|endofprompt|>": 100276,
}

# The encodings by name: where they cut words, and their special tokens.
ENCODINGS: dict[str, tuple[str, dict[str, int]]] = {
    "gpt2": ("gpt2", _R50K),
    "r50k_base": ("gpt2", _R50K),
    "p50k_base": ("gpt2", _R50K),
    "cl100k_base": ("gpt4", _CL100K),
    "o200k_base": ("o200k", {_END: 199999, "<|endofprompt|>": 200018}),
}


def load_tiktoken(
    path: str | Path,
    encoding: str | None = None,
    *,
    pattern: Pattern | None = None,
    special_tokens: Mapping[str, int] | None = None,
) -> BPETokenizer:
    """The tokenizer of a rank file, of the encoding that ``encoding`` or the file's name says.

    ``pattern`` and ``special_tokens`` take the place of the encoding's; a file of no known encoding
    needs a ``pattern``. Raises ValueError for a line that is no token with its rank, a rank or
    token that stands twice, and an encoding that is not known.

    >>> import tempfile
    >>> file = tempfile.mkdtemp() + "/r50k_base.tiktoken"
    >>> save_tiktoken(BPETokenizer.train("to be to be", 258), file)
    >>> load_tiktoken(file).decode(load_tiktoken(file).encode("to be<|endoftext|>"))
    'to be<|endoftext|>'
    """
    path = Path(path)
    name = encoding or path.name.removesuffix(".tiktoken")
    if name not in ENCODINGS and (encoding is not None or pattern is None):
        raise ValueError(
            f"load_tiktoken: {name!r} is no encoding known here ({', '.join(ENCODINGS)}); name "
            f"one with encoding=, or give the pattern that cuts words, such as pattern='gpt4'"
        )
    known_pattern, known_specials = ENCODINGS.get(name, (None, {}))
    specials = dict(known_specials if special_tokens is None else special_tokens)
    cuts = known_pattern if pattern is None else pattern
    assert cuts is not None  # or the name would have been refused
    ranks = read_ranks(path)
    return BPETokenizer(ranks, None, cuts, specials, eos=_END if _END in specials else None)


def read_ranks(path: str | Path) -> dict[bytes, int]:
    """The ranks in a file. Raises ValueError as ``load_tiktoken`` does.

    >>> import tempfile
    >>> file = tempfile.mkdtemp() + "/ab.tiktoken"
    >>> _ = Path(file).write_text("YQ== 0\\nYg== 1\\nYWI= 2\\n")
    >>> read_ranks(file)
    {b'a': 0, b'b': 1, b'ab': 2}
    """
    ranks: dict[bytes, int] = {}
    lines = Path(path).read_bytes().splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            token64, rank = line.split()
            token, i = base64.b64decode(token64, validate=True), int(rank)
        except (ValueError, binascii.Error):
            raise ValueError(
                f"{path}, line {number}: {line[:60]!r} is not a token in base64 and its rank"
            ) from None
        if token in ranks:
            raise ValueError(f"{path}, line {number}: the token {token!r} stands there twice")
        ranks[token] = i
    if len(set(ranks.values())) != len(ranks):
        raise ValueError(f"{path}: {len(ranks)} tokens share {len(set(ranks.values()))} ranks")
    if not ranks:
        raise ValueError(f"{path} is empty, or no file of ranks")
    return ranks


def save_tiktoken(tokenizer: BPETokenizer, path: str | Path) -> None:
    """Write the ranks of ``tokenizer``; its pattern and special tokens have no place in the file.

    Raises ValueError when its ids do not follow its merges, so that they are no ranks.

    >>> import tempfile
    >>> file = tempfile.mkdtemp() + "/t.tiktoken"
    >>> save_tiktoken(BPETokenizer.train("to be to be", 258), file)
    >>> len(read_ranks(file))
    258
    """
    vocab = tokenizer.vocab
    made = [vocab[left + right] for left, right in tokenizer.merges or ()]
    if any(later < earlier for earlier, later in pairwise(made)):
        raise ValueError(
            "save_tiktoken: the ids of this tokenizer are not in the order of its merges, and a "
            "rank file can say no other order; save it as tokenizer.json"
        )
    lines = (
        b"%s %d\n" % (base64.b64encode(token), i)
        for token, i in sorted(vocab.items(), key=lambda item: item[1])
    )
    replace_file(path, lambda file: file.writelines(lines))

"""Byte-pair encoding of one word: from its bytes to ids, the best pair first.

Sennrich, Haddow and Birch 2016, "Neural Machine Translation of Rare Words with Subword Units".
Among the pairs of neighbours that can be merged, the one of the lowest rank goes first, the
leftmost among equals, until none is left.
"""

from collections.abc import Callable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise

from transformer.tokenizers.utf8 import to_bytes

NEVER = 1 << 60  # the rank of two neighbours that do not merge
SHORT = 128  # up to here, looking through all pairs each time is faster than a heap

Rank = Callable[[int, int], int]


class Merger:
    """Merges by a list of merges, in its order, or, without one, by the ids of the tokens.

    With ``merges=None`` any two neighbours merge whose bytes together are a token, the lowest id
    first: how tiktoken's files of ranks are meant. With ``whole``, a word that is a token is that
    token without further ado. Bytes that have no token are refused, or left out with ``drop``.
    Raises ValueError when a merge names a token that is none.

    >>> merger = Merger({b"a": 0, b"b": 1, b"ab": 2}, [(b"a", b"b")])
    >>> merger(b"abba")
    [2, 1, 0]
    """

    def __init__(
        self,
        vocab: Mapping[bytes, int],
        merges: Sequence[tuple[bytes, bytes]] | None,
        whole: bool = False,
        drop: bool = False,
    ) -> None:
        self._vocab = vocab
        self._whole, self._drop = whole, drop
        self._byte = [vocab.get(bytes([byte]), -1) for byte in range(256)]
        self._complete = min(self._byte) >= 0
        if merges is None:
            tokens = {i: token for token, i in vocab.items()}
            self._made: Sequence[int] = range(max(tokens, default=-1) + 1)
            self._rank: Rank = lambda a, b: vocab.get(tokens[a] + tokens[b], NEVER)
        else:
            pairs, self._made = _ranked(vocab, merges)
            self._rank = lambda a, b: pairs.get((a, b), NEVER)

    def __call__(self, word: bytes) -> list[int]:
        """The ids of ``word``. Raises ValueError for a byte that has no token."""
        if self._whole and word in self._vocab:
            return [self._vocab[word]]
        ids = [self._byte[byte] for byte in word]
        if not self._complete and -1 in ids:
            if not self._drop:
                byte = word[ids.index(-1)]
                raise ValueError(f"encode: the vocabulary has no token for the byte 0x{byte:02x}")
            ids = [i for i in ids if i >= 0]
        merge = merge_short if len(ids) <= SHORT else merge_long
        return merge(ids, self._rank, self._made)


def merge_short(ids: list[int], rank: Rank, made: Sequence[int]) -> list[int]:
    """Merge in quadratic time with a small constant; ``made[r]`` is what rank ``r`` makes.

    >>> merge_short([0, 1, 1, 0, 1], lambda a, b: 0 if (a, b) == (0, 1) else NEVER, [2])
    [2, 1, 2]
    """
    ranks = [rank(a, b) for a, b in pairwise(ids)]
    while ranks:
        best = min(ranks)
        if best == NEVER:
            break
        i = ranks.index(best)
        ids[i : i + 2] = [made[best]]
        del ranks[i]
        if i > 0:
            ranks[i - 1] = rank(ids[i - 1], ids[i])
        if i < len(ranks):
            ranks[i] = rank(ids[i], ids[i + 1])
    return ids


def merge_long(ids: list[int], rank: Rank, made: Sequence[int]) -> list[int]:
    """The same in n log n steps: a heap of pairs over a doubly linked list of ids.

    >>> merge_long([0, 1, 1, 0, 1], lambda a, b: 0 if (a, b) == (0, 1) else NEVER, [2])
    [2, 1, 2]
    """
    end = len(ids)
    after, before = [*range(1, end + 1)], [*range(-1, end - 1)]
    heap = [(r, i) for i in range(end - 1) if (r := rank(ids[i], ids[i + 1])) != NEVER]
    heapify(heap)
    while heap:
        best, i = heappop(heap)
        j = after[i]
        if j == end or ids[i] < 0 or rank(ids[i], ids[j]) != best:
            continue  # one of the two has been merged since
        ids[i], ids[j], after[i] = made[best], -1, after[j]
        if after[i] < end:
            before[after[i]] = i
            if (r := rank(ids[i], ids[after[i]])) != NEVER:
                heappush(heap, (r, i))
        if i > 0 and (r := rank(ids[before[i]], ids[i])) != NEVER:
            heappush(heap, (r, before[i]))
    return [i for i in ids if i >= 0]


def _ranked(
    vocab: Mapping[bytes, int], merges: Sequence[tuple[bytes, bytes]]
) -> tuple[dict[tuple[int, int], int], list[int]]:
    """The rank of each pair of ids, and the id that each rank makes."""
    pairs, made = {}, []
    for rank, (left, right) in enumerate(merges):
        try:
            pairs[vocab[left], vocab[right]] = rank
            made.append(vocab[left + right])
        except KeyError as error:
            raise ValueError(
                f"merge {rank}, {left!r} + {right!r}: {error.args[0]!r} is not in the vocabulary"
            ) from None
    return pairs, made


class WordCache(dict[str, tuple[int, ...]]):
    """The ids of words: those met before are looked up, by C code alone.

    >>> cache = WordCache(Merger({b"a": 0, b"b": 1, b"ab": 2}, [(b"a", b"b")]))
    >>> cache["abba"], len(cache)
    ((2, 1, 0), 1)
    """

    LONGEST = 64  # characters; longer words hardly come again
    LARGEST = 1 << 17  # words, some 30 MB; then the cache begins anew

    def __init__(self, merge: Callable[[bytes], list[int]]) -> None:
        self._merge = merge

    def __missing__(self, word: str) -> tuple[int, ...]:
        ids = tuple(self._merge(to_bytes(word)))
        if len(word) <= self.LONGEST:
            if len(self) >= self.LARGEST:
                self.clear()
            self[word] = ids
        return ids


def merges_of_ranks(vocab: Mapping[bytes, int]) -> list[tuple[bytes, bytes]]:
    """The merges that do what merging by rank does: every way to make each token, in order.

    >>> merges_of_ranks({b"a": 0, b"b": 1, b"ab": 2, b"aba": 3})
    [(b'a', b'b'), (b'ab', b'a')]
    """
    return [
        (token[:i], token[i:])
        for token in sorted(vocab, key=vocab.__getitem__)
        for i in range(1, len(token))
        if token[:i] in vocab and token[i:] in vocab
    ]

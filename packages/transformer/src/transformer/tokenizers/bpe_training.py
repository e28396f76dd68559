"""Learning the merges of a byte-pair encoding: again and again, the most frequent pair.

The words of all texts are counted once. Each merge then touches only the places where its pair
stands, and a heap finds the next pair. Counts of pairs only fall after a pair is first seen, so
an entry of the heap whose count has changed since is simply put back with the new one.

Among pairs equally frequent, the one with the smaller ids goes first (first token, then second);
ids are given in the order of byte_alphabet.BYTE_ORDER, then of the merges. So the same words give
the same merges, in whatever order they come.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush

from transformer.tokenizers.added import AddedToken, Finder
from transformer.tokenizers.byte_alphabet import BYTE_ORDER
from transformer.tokenizers.patterns import Pattern, words_of
from transformer.tokenizers.utf8 import to_bytes

Pair = tuple[int, int]
OnMerge = Callable[[int, int], object]


def learn(
    texts: str | Iterable[str],
    vocab_size: int,
    pattern: Pattern = "gpt2",
    special_tokens: Sequence[str] = (),
    *,
    min_frequency: int = 1,
    on_merge: OnMerge | None = None,
) -> tuple[dict[bytes, int], list[tuple[bytes, bytes]]]:
    """The vocabulary (without the special tokens) and the merges learnt from ``texts``.

    Special tokens in the texts separate words and are not learnt from. Raises ValueError when
    ``vocab_size`` is too small or a special token is empty or named twice.

    >>> learn("to be or not to be", 258)[1]
    [(b'b', b'e'), (b't', b'o')]
    """
    wanted = vocab_size - 256 - len(special_tokens)
    if wanted < 0:
        raise ValueError(
            f"BPETokenizer.train: vocab_size={vocab_size} has no room for the 256 bytes and "
            f"{len(special_tokens)} special tokens; give {256 + len(special_tokens)} or more"
        )
    if len(set(special_tokens)) != len(special_tokens) or "" in special_tokens:
        raise ValueError(
            f"BPETokenizer.train: special tokens must differ and not be empty: {special_tokens!r}"
        )
    words = count_words([texts] if isinstance(texts, str) else texts, pattern, special_tokens)
    tokens = [bytes([byte]) for byte in BYTE_ORDER]
    merges = []
    for left, right in _Corpus(words).merges(wanted, min_frequency):
        merges.append((tokens[left], tokens[right]))
        tokens.append(tokens[left] + tokens[right])
        if on_merge is not None:
            on_merge(len(merges), wanted)
    return {token: i for i, token in enumerate(tokens)}, merges


def count_words(
    texts: Iterable[str], pattern: Pattern, special_tokens: Sequence[str] = ()
) -> Counter[str]:
    """How often each word stands in the texts, between special tokens.

    >>> count_words(["to be", "<s>to be"], "gpt2", ["<s>"])
    Counter({'to': 2, ' be': 2})
    """
    split = words_of(pattern)
    finder = Finder(AddedToken(name, i) for i, name in enumerate(special_tokens))
    counts: Counter[str] = Counter()
    for text in texts:
        for piece, token in finder.split(text):
            if token is None:
                counts.update(split(piece))
    return counts


class _Corpus:
    """All words one after another as a linked list of ids, and where each pair of ids stands.

    A position is alive while its id is not negative. Words are separated by an id of -1.
    """

    def __init__(self, words: Counter[str]) -> None:
        id_of = {byte: i for i, byte in enumerate(BYTE_ORDER)}
        self.ids = array("i", [-1])
        self.weights = array("q", [0])  # how often the word of that position stands in the texts
        for word, count in words.items():
            symbols = [id_of[byte] for byte in to_bytes(word)]
            self.ids.extend([*symbols, -1])
            self.weights.extend([count] * len(symbols) + [0])
        self.after = array("q", range(1, len(self.ids) + 1))
        self.before = array("q", range(-1, len(self.ids) - 1))
        self.counts: dict[Pair, int] = {}
        self.places: dict[Pair, array[int]] = {}
        for i in range(1, len(self.ids) - 1):
            self._stands(self.ids[i], self.ids[i + 1], i, self.weights[i])

    def merges(self, wanted: int, min_frequency: int) -> Iterator[Pair]:
        """The pairs to merge in order, at most ``wanted``; the n-th makes the id 256 + n."""
        heap = [(-count, pair) for pair, count in self.counts.items()]
        heapify(heap)
        made = 0
        while heap and made < wanted:
            negative, pair = heappop(heap)
            count = self.counts[pair]
            if count != -negative:  # it has fallen since it was put here
                if count:
                    heappush(heap, (-count, pair))
                continue
            if count < min_frequency:
                return
            for new in self._merge(pair, 256 + made):
                heappush(heap, (-self.counts[new], new))
            made += 1
            yield pair

    def _merge(self, pair: Pair, new: int) -> set[Pair]:
        """Put ``new`` wherever ``pair`` stands, from left to right; the pairs that arise."""
        ids, after, before = self.ids, self.after, self.before
        left, right = pair
        arisen = set()
        for i in self.places.pop(pair):
            j = after[i]
            if ids[i] != left or ids[j] != right:
                continue  # one of the two went into another token
            h, k, weight = before[i], after[j], self.weights[i]
            self._gone(ids[h], left, weight)
            self._gone(right, ids[k], weight)
            ids[i], ids[j], after[i], before[k] = new, -2, k, i
            self._stands(ids[h], new, h, weight)
            self._stands(new, ids[k], i, weight)
            arisen |= {(ids[h], new), (new, ids[k])}
        self.counts[pair] = 0
        return {pair for pair in arisen if self.counts.get(pair, 0)}

    def _stands(self, left: int, right: int, at: int, weight: int) -> None:
        if left < 0 or right < 0:  # no pair: a word begins or ends here
            return
        pair = left, right
        if pair in self.counts:
            self.counts[pair] += weight
            self.places[pair].append(at)
        else:
            self.counts[pair] = weight
            self.places[pair] = array("q", [at])

    def _gone(self, left: int, right: int, weight: int) -> None:
        if left >= 0 and right >= 0:
            self.counts[left, right] -= weight

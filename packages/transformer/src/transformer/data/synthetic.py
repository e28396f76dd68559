"""An invented language to translate into, and its grammar: parallel sentences as many as wanted.

Each English sentence has one translation, by these rules, which no word-for-word table can follow:

- The verb comes last, "not" before it, what is done when as its ending: "sees" is ``vidas``.
- Adjectives follow their noun, in the opposite order, and agree with it: endings ``-o`` for nouns
  and ``-a`` for adjectives, then ``-j`` for more than one, then ``-n`` for whom it is done to.
- The article is ``la``; "a" is left out. The verb agrees with who does it: ``-j`` for several.
- Numbers are said from the end, ten as a word of its own: "forty two" is ``du e kvar dek``.
"""

from random import Random

NOUNS = {
    "dog": "hund", "cat": "kat", "bird": "bird", "horse": "ceval", "child": "infan",
    "teacher": "instruist", "house": "dom", "tree": "arb", "book": "libr", "river": "river",
    "king": "reg", "apple": "pom",
}  # fmt: skip
PLURALS = {"child": "children"}
ADJECTIVES = {
    "small": "malgrand", "big": "grand", "red": "rug", "old": "maljun", "young": "jun",
    "good": "bon", "white": "blank", "quiet": "kviet",
}  # fmt: skip
VERBS = {  # for one, for several, in the past; what "will" and "not" are followed by is the second
    "see": ("sees", "see", "saw", "vid"),
    "love": ("loves", "love", "loved", "am"),
    "find": ("finds", "find", "found", "trov"),
    "carry": ("carries", "carry", "carried", "port"),
    "follow": ("follows", "follow", "followed", "sekv"),
    "want": ("wants", "want", "wanted", "vol"),
}
UNITS = ("two", "three", "four", "five", "six", "seven", "eight", "nine")
UNITS_THERE = ("du", "tri", "kvar", "kvin", "ses", "sep", "ok", "nau")
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")

Words = list[str]


def parallel_sentence(random: Random) -> tuple[Words, Words]:
    """One English sentence and its translation, words each.

    >>> english, there = parallel_sentence(Random(5))
    >>> print(" ".join(english), "=", " ".join(there))
    a good river follows the birds = rivero bona la birdojn sekvas
    """
    subject, subject_there, several = _noun_phrase(random, "")
    thing, thing_there, _ = _noun_phrase(random, "n")
    verb, verb_there = _verb(random, several)
    return subject + verb + thing, subject_there + thing_there + verb_there


def parallel_corpus(count: int, seed: int = 0) -> list[tuple[Words, Words]]:
    """That many different sentences with their translations; the same for the same seed.

    >>> len(parallel_corpus(100)), parallel_corpus(3, seed=1) == parallel_corpus(3, seed=1)
    (100, True)
    """
    random = Random(seed)
    found: dict[str, tuple[Words, Words]] = {}
    while len(found) < count:
        english, there = parallel_sentence(random)
        found[" ".join(english)] = (english, there)
    return list(found.values())


def _noun_phrase(random: Random, case: str) -> tuple[Words, Words, bool]:
    """The words, those of the translation, and whether it is several."""
    noun = random.choice(list(NOUNS))
    adjectives = random.sample(list(ADJECTIVES), random.choice((0, 1, 1, 2)))
    kind = random.choice(("a", "the", "the many", "number"))
    several = kind in ("the many", "number")
    ending = ("j" if several else "") + case
    first, first_there = {"number": _number(random), "a": (["a"], [])}.get(kind, (["the"], ["la"]))
    if first == ["a"] and [*adjectives, noun][0][0] in "aeiou":
        first = ["an"]
    spelled = PLURALS.get(noun, f"{noun}s") if several else noun
    there = [f"{NOUNS[noun]}o{ending}", *(f"{ADJECTIVES[a]}a{ending}" for a in adjectives[::-1])]
    return [*first, *adjectives, spelled], [*first_there, *there], several


def _number(random: Random) -> tuple[Words, Words]:
    """From two to nine, or from twenty to ninety-nine."""
    ten, unit = random.choice((-1, random.randrange(8))), random.randrange(-1, 8)
    if ten < 0:
        unit = max(unit, 0)
        return [UNITS[unit]], [UNITS_THERE[unit]]
    tens, tens_there = [TENS[ten]], [UNITS_THERE[ten], "dek"]
    if unit < 0:
        return tens, tens_there
    return [*tens, UNITS[unit]], [UNITS_THERE[unit], "e", *tens_there]


def _verb(random: Random, several: bool) -> tuple[Words, Words]:
    one, many, past, stem = VERBS[random.choice(list(VERBS))]
    when, negated = random.choice(("now", "then", "later")), random.random() < 0.3
    if when == "later":
        words = ["will", "not", many] if negated else ["will", many]
    elif negated:
        words = ["did" if when == "then" else "do" if several else "does", "not", many]
    else:
        words = [past if when == "then" else many if several else one]
    ending = {"now": "as", "then": "is", "later": "os"}[when] + ("j" if several else "")
    return words, [*(["ne"] if negated else []), f"{stem}{ending}"]

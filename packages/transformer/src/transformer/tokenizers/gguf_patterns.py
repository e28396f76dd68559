"""Where a GGUF vocabulary cuts words: the names in ``tokenizer.ggml.pre``, as llama.cpp has them.

Each name stands for the cuts of one family of models; the patterns are those of the models' own
``tokenizer.json``, which llama.cpp follows.
"""

from transformer.tokenizers.patterns import Pattern, Split, splits_of

# GPT-2's words without the last alternative: what it would find are the gaps between the others.
_GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"

_DEFAULT = (r"[\p{P}\$\+<=>\^~\|]+", _GPT2, r"\p{N}+", r"[0-9][0-9][0-9]")
_FALCON = (r"[\p{P}\$\+<=>\^~\|`]+", _GPT2, r"[0-9][0-9][0-9]")
_TEKKEN = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*|\p{{N}}"
    + _REST
)
_QWEN35 = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"
    r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_DEEPSEEK_CODER = (r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-\ud7ff]+", r"\p{N}")
_DEEPSEEK_V3 = (
    r"\p{N}{1,3}",
    "[一-龥\u3040-ゟ゠-ヿ]+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
    r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
)
_BLOOM = r" ?[^(\s|.,!?…。，、।۔،)]+"

# The first name of each group is the one that is written.
_GROUPS: tuple[tuple[str, Pattern], ...] = (
    ("gpt-2 phi-2 mpt olmo jais trillion gigachat a.x-4.0 mellum modern-bert exaone4", "gpt2"),
    ("smollm starcoder refact command-r codeshell exaone minerva-7b mellum2", "smollm"),
    ("llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2", "llama3"),
    ("dbrx smaug-bpe glm4 chatglm-bpe", "llama3"),
    ("qwen2 deepseek-r1-qwen megrez stablelm2 hunyuan grok-2 kormo solar-open", "qwen2"),
    ("qwen35", _QWEN35),
    ("gpt-4o llama4 kanana2 minimax-m2", "o200k"),
    ("tekken", _TEKKEN),
    ("deepseek-coder", _DEEPSEEK_CODER),
    ("deepseek-v3 hunyuan-dense joyai-llm", _DEEPSEEK_V3),
    ("falcon", _FALCON),
    ("bloom poro-chat gpt3-finnish", _BLOOM),
    ("viking", (_BLOOM, r"\p{N}")),
    ("default", _DEFAULT),
)
_PATTERNS = {name: pattern for names, pattern in _GROUPS for name in names.split()}

# These take a word that is a token as it is, and begin a text with BOS unless the file says no.
WANTS_BOS = frozenset([*_GROUPS[2][0].split(), "tekken"])
IGNORES_MERGES = WANTS_BOS


def pattern_of(pre: str) -> Pattern:
    """The cuts of a name.

    Raises ValueError for a name that is not known: guessed cuts would give other tokens.

    >>> pattern_of("smollm")
    'smollm'
    """
    if pre not in _PATTERNS:
        raise ValueError(
            f"tokenizer.ggml.pre is {pre!r}, and where such a vocabulary cuts words is not known "
            f"here; known: {', '.join(sorted(_PATTERNS))}"
        )
    return _PATTERNS[pre]


def name_of(splits: tuple[Split, ...], ignore_merges: bool) -> str:
    """The name of cuts, among the names that do or do not ignore merges.

    Raises ValueError when there is none: GGUF has no place for a pattern itself.

    >>> name_of(splits_of("llama3"), ignore_merges=False), name_of(splits_of("llama3"), True)
    ('dbrx', 'llama-bpe')
    """
    for name, pattern in _PATTERNS.items():
        if splits_of(pattern) == splits and (name in IGNORES_MERGES) == ignore_merges:
            return name
    raise ValueError(
        f"GGUF knows where words are cut by name, and has none for the patterns "
        f"{[split.pattern for split in splits]} with ignore_merges={ignore_merges}; train with "
        f"pattern='gpt2', 'llama3', 'qwen2', 'o200k' or 'smollm'"
    )

"""What a check does when its call does not say."""

from dataclasses import dataclass


@dataclass
class Defaults:
    """The seed and mode of every check whose call names none; the pytest options set them.

    >>> from gradcheck import defaults
    >>> defaults.seed, defaults.mode
    (0, 'auto')
    """

    seed: int = 0
    mode: str = "auto"


defaults = Defaults()

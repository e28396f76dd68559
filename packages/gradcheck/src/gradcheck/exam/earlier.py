"""Marks of an earlier exam: slow judges need not be asked again while the questions stay."""

import json
from collections.abc import Sequence
from pathlib import Path

from gradcheck.exam.score import Half, Mark


def earlier(path: Path, halves: Sequence[Half], seed: int) -> list[Mark]:
    """The marks a ``--json`` of the same questions and seed holds.

    Raises ValueError when the file is none, or when its questions are others.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        marks = [Mark(**mark) for mark in data["marks"]]
        before = data["seed"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} holds no marks of an exam ({type(error).__name__})") from error
    if before != seed:
        raise ValueError(f"{path} was written with seed {before}, not {seed}")
    asked = {
        (half, rule.name, rule.kind)
        for half, mutants, correct in halves
        for rule in (*mutants, *correct)
    }
    for judge in {mark.judge for mark in marks}:
        if {(m.half, m.name, m.kind) for m in marks if m.judge == judge} != asked:
            raise ValueError(f"{path} holds {judge}'s marks for other questions")
    return marks

"""Sitting the exam: every judge on every rule, and what that comes to."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gradcheck.exam.judges import Answer, Judge, ask
from gradcheck.exam.rule import KINDS, Rule

Half = tuple[str, Sequence[Rule], Sequence[Rule]]
"""A half's name, its planted bugs and its correct rules."""


@dataclass(frozen=True)
class Mark:
    """One judge's answer about one rule."""

    half: str
    kind: str
    name: str
    planted: bool
    judge: str
    answer: Answer
    seconds: float
    excused: bool = False  # whether "inconclusive" is an answer one can give

    @property
    def caught(self) -> bool:
        """Whether a planted bug was found."""
        return self.planted and self.answer == "fail"

    @property
    def accused(self) -> bool:
        """Whether a correct rule was called wrong."""
        return not self.planted and self.answer == "fail"

    @property
    def undecided(self) -> bool:
        """Whether the judge could not tell, where it should have."""
        return self.answer == "inconclusive" and not self.excused


def sit(
    judges: Iterable[Judge],
    halves: Sequence[Half],
    seed: int = 0,
    progress: Callable[[str, int, int], None] = lambda judge, done, total: None,
) -> list[Mark]:
    """Ask every judge about every rule, judge by judge."""
    asked = [
        (half, rule, planted)
        for half, mutants, correct in halves
        for planted, rules in ((True, mutants), (False, correct))
        for rule in rules
    ]
    marks = []
    for judge in judges:
        for done, (half, rule, planted) in enumerate(asked):
            progress(judge.name, done, len(asked))
            answer, seconds = ask(judge, rule, seed)
            excused = rule.inconclusive and not planted
            marks.append(
                Mark(half, rule.kind, rule.name, planted, judge.name, answer, seconds, excused)
            )
        progress(judge.name, len(asked), len(asked))
    return marks


@dataclass(frozen=True)
class Tally:
    """One judge's marks counted."""

    judge: str
    planted: int
    caught: int
    correct: int
    accused: int
    inconclusive_planted: int
    inconclusive_correct: int
    unasked_planted: int
    unasked_correct: int
    seconds: float
    by_kind: dict[str, tuple[int, int]]  # caught, planted


def tally(marks: Iterable[Mark], judge: str) -> Tally:
    """Count one judge's marks.

    >>> mark = Mark("tuning", "value", "sign", True, "gradcheck", "fail", 0.5)
    >>> tally([mark], "gradcheck").by_kind
    {'value': (1, 1)}
    """
    mine = [mark for mark in marks if mark.judge == judge]
    planted = [mark for mark in mine if mark.planted]
    correct = [mark for mark in mine if not mark.planted]
    return Tally(
        judge,
        planted=len(planted),
        caught=sum(mark.caught for mark in planted),
        correct=len(correct),
        accused=sum(mark.accused for mark in correct),
        inconclusive_planted=sum(mark.answer == "inconclusive" for mark in planted),
        inconclusive_correct=sum(mark.answer == "inconclusive" for mark in correct),
        unasked_planted=sum(mark.answer == "n/a" for mark in planted),
        unasked_correct=sum(mark.answer == "n/a" for mark in correct),
        seconds=sum(mark.seconds for mark in mine),
        by_kind={
            kind: (sum(mark.caught for mark in of_kind), len(of_kind))
            for kind in KINDS
            if (of_kind := [mark for mark in planted if mark.kind == kind])
        },
    )


def table(marks: Sequence[Mark], judges: Sequence[str]) -> list[tuple[str, ...]]:
    """Rows of text, headings first: a column for every judge, a row for every class of bug."""
    tallies = [tally(marks, judge) for judge in judges]
    rows: list[tuple[str, ...]] = [("bugs caught", "of", *judges)]
    for kind, (_, total) in tallies[0].by_kind.items() if tallies else ():
        rows.append((kind, str(total), *(str(t.by_kind[kind][0]) for t in tallies)))
    silent = "  no answer: "
    lines = [
        ("all bugs", "planted", "caught"),
        (silent + "inconclusive", "planted", "inconclusive_planted"),
        (silent + "cannot be asked", "planted", "unasked_planted"),
        ("correct rules accused", "correct", "accused"),
        (silent + "inconclusive", "correct", "inconclusive_correct"),
        (silent + "cannot be asked", "correct", "unasked_correct"),
    ]
    for title, whole, count in lines:
        of = str(getattr(tallies[0], whole)) if tallies else "0"
        rows.append((title, of, *(str(getattr(t, count)) for t in tallies)))
    rows.append(("seconds", "", *(f"{t.seconds:.1f}" for t in tallies)))
    return rows


def faults(marks: Iterable[Mark], judge: str = "gradcheck") -> list[str]:
    """What a judge missed, accused or left open, by name.

    >>> faults([Mark("tuning", "value", "sign", True, "gradcheck", "pass", 0.1)])
    ['missed: sign (tuning, value): pass']
    """
    lines = []
    for mark in marks:
        if mark.judge != judge:
            continue
        where = f"{mark.name} ({mark.half}, {mark.kind})"
        if mark.planted and not mark.caught:
            lines.append(f"missed: {where}: {mark.answer}")
        elif mark.accused:
            lines.append(f"accused: {where}")
        elif not mark.planted and mark.undecided:
            lines.append(f"undecided: {where}")
    return lines


def perfect(marks: Iterable[Mark], judge: str = "gradcheck") -> bool:
    """Whether a judge caught every planted bug and accused no correct rule."""
    return all(
        mark.caught if mark.planted else not mark.accused for mark in marks if mark.judge == judge
    )


def summary(marks: Sequence[Mark], judges: Sequence[str]) -> dict[str, Any]:
    """The tallies of every half as plain values."""
    halves = dict.fromkeys(mark.half for mark in marks)
    return {
        half: {j: asdict(tally([m for m in marks if m.half == half], j)) for j in judges}
        for half in halves
    }

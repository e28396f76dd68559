"""Op cards: objects that carry a function together with the cases it must be tried on.

A card has ``name`` and ``cases(rng)``, which yields cases with ``args`` and ``kwargs`` (or plain
tuples of numbers); it may have ``forward``, ``vjp`` and ``jvp`` (NumPy functions), ``torch``
(dotted name), ``fuses`` (what it must equal), ``engine``, ``order`` and ``may_alias``, and its
cases may have ``domain``, ``wrt`` and ``max_order``. Without ``forward`` and ``vjp`` it is called
with the engine's own tensors. :class:`gradcheck.OpSpec` is one ready made.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gradcheck import asked, asked_cards
from gradcheck.card_cases import as_case, check_case, checked, engine_of, merge, precision
from gradcheck.report import Finding, Report, table
from gradcheck.settings import defaults

__all__ = ["check_all", "check_card", "check_case"]


def check_card(
    op: Any,
    engine: Any = "auto",
    *,
    seed: int | None = None,
    rng: np.random.Generator | None = None,
    order: int | None = None,
    torch: bool = False,
    case: int | None = None,
    mode: str = "auto",
    dtype: str | None = None,
) -> Report:
    """Check a card on all its cases (or the one numbered ``case``); one report for all.

    ``engine`` auto is the card's own (its ``engine``, or the package it comes from), else numpy for
    a card with ``forward`` and ``vjp``, else the one whose tensors it takes. ``order`` (or else the
    card's) goes as far as each case's ``max_order``; ``torch=True`` compares with the torch
    function the card names. A case without anything to differentiate compares outputs alone. Raises
    TypeError for what is no card and ValueError for a case there is not.

    >>> import types
    >>> case = types.SimpleNamespace(args=(np.array([1.0, 2.0]),), kwargs={})
    >>> card = types.SimpleNamespace(name="square", cases=lambda rng: [case])
    >>> card.forward = lambda x: x * x
    >>> card.vjp = lambda g, y, x: 2 * g * x
    >>> check_card(card).verdict
    'pass'
    """
    asked_cards.card(op)
    asked_cards.ways(seed, order, torch, mode, engine)
    asked_cards.generator(rng)
    dtype = precision(dtype)
    number_of = None if case is None else asked.integer(case, "case", 0)
    seed = defaults.seed if seed is None else int(seed)
    report = Report(str(op.name), engine if isinstance(engine, str) else engine.name, seed)
    try:
        drawn = op.cases(np.random.default_rng(seed) if rng is None else rng)
        cases = [asked_cards.case(as_case(one)) for one in drawn]
    except Exception as error:
        report.findings.append(Finding("cases", f"cases raises {type(error).__name__}: {error}"))
        return report
    if not cases:
        text = "the card has no cases: nothing is known of its gradient"
        report.findings.append(Finding("cases", text, verdict="inconclusive"))
        return report
    if number_of is not None and number_of >= len(cases):
        raise ValueError(f"case is {number_of}; {op.name} has {len(cases)}, counted from 0")
    adapter = engine_of(op, engine, cases[0])
    report.engine = adapter.name
    call = f"check_card(registry[{report.name!r}], {adapter.name!r}, seed={seed}"
    call += f", order={order}" if order is not None and order > 1 else ""
    call += f", dtype={dtype!r}" if dtype is not None else ""
    repeated = _Repeated()
    options: dict[str, Any] = {"seed": seed, "order": order, "torch": torch, "mode": mode}
    options["dtype"] = dtype
    for number, one in enumerate(cases):
        if number_of is None or number_of == number:
            part = checked(op, one, adapter, f"{call}, case={number})", **options)
            text = f"case {number} ({_describe(one)}): "
            part.findings = [replace(x, message=text + x.message) for x in part.findings]
            repeated.settle(part, number)
            if part.findings and not report.reproduce:
                report.reproduce = part.reproduce
            merge(report, part)
    for note in repeated.notes():
        report.note(note)
    return report


class _Repeated:
    """Findings that several cases share are reported for the first, and counted for the others."""

    def __init__(self) -> None:
        self.cases: dict[tuple[Any, ...], list[int]] = {}

    def settle(self, part: Report, number: int) -> None:
        """Drop from the report of a case what an earlier case said already."""
        fresh = []
        for x in part.findings:
            why = x.diagnosis.partition(" (")[
                0
            ]  # what one case alone could mean stands in brackets
            key = (x.probe, x.input, x.verdict, why, x.order)
            if not any(number != case for case in self.cases.get(key, [])):
                fresh.append(x)
            self.cases.setdefault(key, []).append(number)
        part.findings = fresh

    def notes(self) -> list[str]:
        """One sentence for every finding that came again."""
        told = []
        for (probe, place, *_), cases in self.cases.items():
            others = sorted(set(cases) - {cases[0]})
            if others:
                where = "" if place is None else f" of input {place}"
                listed = ", ".join(map(str, others))
                told.append(f"{probe}{where}: as in case {cases[0]}, so in {listed}")
        return told


def _describe(case: Any) -> str:
    text = repr(case)
    if text.startswith("namespace") or " object at " in text or "np.array(" in text:
        given = [("", a) for a in case.args]
        given += [(f"{name}=", a) for name, a in getattr(case, "kwargs", {}).items()]
        parts = [k + (str(a.shape) if isinstance(a, np.ndarray) else repr(a)) for k, a in given]
        text = ", ".join(parts)
    return text if len(text) <= 100 else text[:97] + "..."


def check_all(
    registry: Mapping[str, Any] | Iterable[Any],
    engine: Any = "auto",
    *,
    seed: int | None = None,
    order: int | None = None,
    torch: bool = False,
    dtype: str | None = None,
    show: bool = True,
) -> list[Report]:
    """Check every card of a registry (a mapping or an iterable) and print a table of the verdicts.

    The table ends with the reports of those that did not pass; ``show=False`` keeps it silent. The
    rest is as in :func:`check_card`. Raises TypeError for what holds other things than cards, and
    ValueError for an empty registry.

    >>> from gradcheck import OpSpec
    >>> reports = check_all([OpSpec("square", np.square, lambda g, y, x: 2 * g * x)], show=False)
    >>> [report.verdict for report in reports]
    ['pass']
    """
    cards = asked_cards.cards(registry)
    asked_cards.ways(seed, order, torch, engine=engine)
    asked.flag(show, "show")
    options: dict[str, Any] = {"seed": seed, "order": order, "torch": torch, "dtype": dtype}
    reports = [check_card(op, engine, **options) for op in cards]
    if show:
        print(table(reports))
    return reports

"""The machinery of the exam: marks, sums, tables, and the command."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gradcheck as gc
from gradcheck.exam import command, everyday, paper, timing
from gradcheck.exam.judges import JUDGES, Judge, ask, peer
from gradcheck.exam.judges.question import Cannot, Question
from gradcheck.exam.rule import Rule
from gradcheck.exam.score import Mark, faults, perfect, sit, summary, table, tally

RIGHT = Rule("right", "plain", np.sin, lambda g, y, x: g * np.cos(x), [np.array([0.3, 2.0])])
WRONG = Rule("wrong", "value", np.sin, lambda g, y, x: -g * np.cos(x), [np.array([0.3, 2.0])])
POOR = Rule("poor", "edge", np.sqrt, lambda g, y, x: g / (2 * y), [np.zeros(2)], inconclusive=True)
HALF = ("tuning", [WRONG], [RIGHT, POOR])


def judge(name: str, verdicts: dict[str, str]) -> Judge:
    """A judge that answers by the name of the rule."""
    return Judge(name, "numpy", lambda rule, seed: verdicts[rule.name], f"{name} by heart")


SHARP = judge("sharp", {"wrong": "fail", "right": "pass", "poor": "inconclusive"})
BLIND = judge("blind", {"wrong": "n/a", "right": "fail", "poor": "fail"})


def test_marks_are_counted_for_every_judge() -> None:
    marks = sit([SHARP, BLIND], [HALF])
    assert [(m.judge, m.name, m.answer) for m in marks[:2]] == [
        ("sharp", "wrong", "fail"),
        ("sharp", "right", "pass"),
    ]
    sharp, blind = tally(marks, "sharp"), tally(marks, "blind")
    assert (sharp.caught, sharp.planted, sharp.accused, sharp.correct) == (1, 1, 0, 2)
    assert (sharp.inconclusive_planted, sharp.inconclusive_correct) == (0, 1)
    assert (blind.caught, blind.unasked_planted, blind.accused) == (0, 1, 2)
    assert sharp.by_kind == {"value": (1, 1)}
    assert sharp.seconds == sum(m.seconds for m in marks if m.judge == "sharp")


def test_faults_are_named_unless_excused() -> None:
    marks = sit([SHARP, BLIND], [HALF])
    assert faults(marks, "sharp") == []
    assert faults(marks, "blind") == [
        "missed: wrong (tuning, value): n/a",
        "accused: right (tuning, plain)",
        "accused: poor (tuning, edge)",
    ]
    unsure = sit(
        [judge("unsure", dict.fromkeys(("wrong", "right", "poor"), "inconclusive"))], [HALF]
    )
    assert faults(unsure, "unsure") == [
        "missed: wrong (tuning, value): inconclusive",
        "undecided: right (tuning, plain)",
    ]
    assert perfect(marks, "sharp")
    assert not perfect(marks, "blind")
    assert not perfect(unsure, "unsure")


def test_a_table_has_a_column_for_every_judge_and_a_row_for_every_class() -> None:
    rows = table(sit([SHARP, BLIND], [HALF]), ["sharp", "blind"])
    assert rows[0] == ("bugs caught", "of", "sharp", "blind")
    assert rows[1] == ("value", "1", "1", "0")
    told = {row[0]: row[1:] for row in rows}
    assert told["all bugs"] == ("1", "1", "0")
    assert told["correct rules accused"] == ("2", "0", "2")
    lines = paper.aligned(rows).splitlines()
    assert (
        len({line.rindex(cell) + len(cell) for line, cell in zip(lines[1:4], "000", strict=True)})
        == 1
    )


def test_two_halves_have_their_tables_and_one_for_both() -> None:
    marks = sit([SHARP], [HALF, ("held-out", [WRONG], [])])
    result = paper.Result({"versions": {}}, 0, [SHARP], [], marks)
    assert [title for title, _ in result.tables()] == list(paper.TITLES.values())
    assert [rows[1][1] for _, rows in result.tables()] == ["1", "1", "2"]
    assert summary(marks, ["sharp"])["held-out"]["sharp"]["caught"] == 1


def test_a_peers_complaint_is_a_no_and_inability_is_none() -> None:
    def raising(rule: Rule, seed: int) -> bool:
        raise {"right": Cannot("no"), "wrong": AssertionError("no")}[rule.name]

    assert ask(Judge("peer", "numpy", peer(raising)), RIGHT)[0] == "n/a"
    assert ask(Judge("peer", "numpy", peer(raising)), WRONG)[0] == "fail"
    assert peer(lambda rule, seed: seed == 1)(RIGHT, 1) == "pass"


def test_gradcheck_is_asked_by_its_defaults() -> None:
    assert [ask(JUDGES[0], rule)[0] for rule in (RIGHT, WRONG, POOR)] == [
        "pass",
        "fail",
        "inconclusive",
    ]


def test_a_question_tucks_integers_away() -> None:
    table_, ids = np.arange(6.0).reshape(3, 2), np.array([0, 2, 2])

    def rule(g, y, t, i):
        grad = np.zeros_like(t)
        np.add.at(grad, i, g[0])
        return grad, None

    asked = Question(Rule("take", "plain", lambda t, i: (t[i], i.sum()), rule, [table_, ids]))
    assert [a.shape for a in asked.point] == [(3, 2)]
    ys = asked.value(*asked.point)
    assert [y.shape for y in ys] == [(3, 2)]
    assert asked.work == 36
    (grad,) = asked.gradients([np.ones((3, 2))], ys, asked.point)
    assert grad.tolist() == [[1, 1], [0, 0], [2, 2]]


def test_a_question_can_be_put_in_float64() -> None:
    rule = Rule("sin", "plain", np.sin, lambda g, y, x: g * np.cos(x), [np.ones(2, "f")])
    assert Question(rule, wide=True).point[0].dtype == np.float64
    assert Question(rule).point[0].dtype == np.float32


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exam of three questions."""
    monkeypatch.setattr(command, "halves", lambda which: [HALF])


@pytest.mark.usefixtures("few")
def test_the_command_succeeds_when_gradcheck_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--judges", "gradcheck", "--no-timing"]) == 0
    told = capsys.readouterr().out
    assert "gradcheck: no fault" in told
    assert "all bugs" in told


def test_the_command_fails_when_gradcheck_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mislabelled = ("tuning", [RIGHT], [WRONG])
    monkeypatch.setattr(command, "halves", lambda which: [mislabelled])
    assert command.main(["--judges", "gradcheck", "--no-timing"]) == 1
    told = capsys.readouterr().out
    assert "gradcheck missed: right (tuning, plain): pass" in told
    assert "gradcheck accused: wrong (tuning, value)" in told


@pytest.mark.usefixtures("few")
def test_json_is_strict_and_complete(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--judges", "gradcheck", "--json", "--no-timing", "--seed", "3"]) == 0

    def refuse(name: str) -> None:
        raise AssertionError(name)

    data = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert data["seed"] == 3
    assert [mark["answer"] for mark in data["marks"]] == ["fail", "pass", "inconclusive"]
    assert data["summary"]["tuning"]["gradcheck"]["caught"] == 1
    assert data["times"] is None


@pytest.mark.usefixtures("few")
def test_the_page_names_who_was_asked_and_who_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = Judge("scipy", "no_such_module", lambda rule, seed: "pass", "nothing")
    monkeypatch.setattr(command, "JUDGES", (JUDGES[0], absent))
    page = tmp_path / "exam.md"
    command.main(["--no-timing", "--markdown", str(page)])
    text = page.read_text()
    assert "- **gradcheck**: `check_vjp` with its defaults." in text
    assert "- scipy: not installed" in text
    assert "| value | 1 | 1 |" in text


def test_names_nobody_has_are_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        command.main(["--judges", "gradcheck,oracle"])
    assert stop.value.code == 2
    assert "no judge is called oracle; there are gradcheck, torch-slow" in capsys.readouterr().err
    with pytest.raises(argparse.ArgumentTypeError):
        command.judge_names(" , ")


def test_the_halves_share_no_question() -> None:
    (tuning, mutants, correct), (held_out, others, more) = command.halves("both")
    assert (tuning, held_out) == ("tuning", "held-out")
    assert len(others) >= 100
    assert len(more) >= 90
    points = {np.asarray(r.primals[0]).tobytes() for r in (*mutants, *correct)}
    mine = [np.asarray(r.primals[0]) for r in (*others, *more)]
    assert not [a for a in mine if a.size > 3 and a.dtype.kind == "f" and a.tobytes() in points]
    assert command.halves("tuning")[0][0] == "tuning"


def test_the_module_runs() -> None:
    asked = [sys.executable, "-m", "gradcheck.exam", "--judges", "nobody"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no judge is called nobody" in done.stderr


def test_progress_is_told_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps: list[tuple[str, int, int]] = []
    sit([SHARP], [HALF], progress=lambda *step: steps.append(step))
    assert steps == [("sharp", done, 3) for done in range(4)]
    command._progress("sharp", 1, 3)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    command._progress("sharp", 3, 3)
    assert capsys.readouterr().err == "\rsharp: 3 of 3\n"


def test_times_without_torch_are_gradchecks_own() -> None:
    rows = [{"rule": "sum", "elements": 100, "torch mode": "slow", "gradcheck": 0.004}]
    result = {"turns": 1, "torch threads": None, "rows": rows, "means": timing.means(rows)}
    assert timing.table(result)[1] == ("sum", "100", "4.00 ms", "—", "—")
    place = {"processor": "P", "cores": 1, "system": "S", "python": "3", "versions": {}}
    text = paper.as_text(paper.Result(place, 0, [], [], [], result))
    assert "torch is not installed" in text


def test_ratios_are_means_within_a_size() -> None:
    rows = [
        {"elements": 100, "torch mode": "slow", "gradcheck": 1.0, "torch": 2.0},
        {"elements": 100, "torch mode": "slow", "gradcheck": 3.0, "torch": 24.0},
        {"elements": 10_000, "torch mode": "fast", "gradcheck": 1.0, "torch": 0.5},
    ]
    small, large = timing.means(rows)
    assert small["geometric mean"] == pytest.approx(4.0)
    assert small["total"] == pytest.approx(6.5)
    assert large["geometric mean"] == pytest.approx(0.5)


@pytest.mark.parametrize("rule", everyday.everyday(16), ids=lambda rule: rule.name)
def test_the_everyday_rules_are_right(rule: Rule) -> None:
    assert gc.check_vjp(rule.f, rule.rule(), rule.point()).ok


def test_marks_of_other_judges_do_not_count() -> None:
    mark = Mark("tuning", "value", "sign", True, "scipy", "pass", 0.1)
    assert perfect([mark])
    assert faults([mark]) == []


def test_marks_of_an_earlier_exam_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "halves", lambda which: [HALF])
    earlier = tmp_path / "earlier.json"
    common = ["--half", "tuning", "--no-timing"]
    command.main([*common, "--json", "--judges", "gradcheck"])
    earlier.write_text(capsys.readouterr().out)
    data = json.loads(earlier.read_text())
    for mark in data["marks"]:
        mark.update(judge="scipy", answer="pass", seconds=0.0)
    earlier.write_text(json.dumps(data))
    assert command.main([*common, "--json", "--judges", "gradcheck", "--marks", str(earlier)]) == 0
    summary = json.loads(capsys.readouterr().out)["summary"]["tuning"]
    assert summary["scipy"]["caught"] == 0 < summary["gradcheck"]["caught"] == 1
    data["marks"] = data["marks"][1:]
    earlier.write_text(json.dumps(data))
    assert command.main([*common, "--marks", str(earlier)]) == 64
    assert "scipy's marks for other questions" in capsys.readouterr().err
    earlier.write_text("no JSON")
    assert command.main([*common, "--marks", str(earlier)]) == 64
    assert "holds no marks of an exam" in capsys.readouterr().err

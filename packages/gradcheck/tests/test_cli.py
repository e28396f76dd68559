"""The command line, in this process and in one of its own."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from gradcheck import cli
from gradcheck.targets import Wanted, draw, parse_domain, parse_shape

RULES = """
import numpy as np
from gradcheck import OpSpec, Pair

def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)

def rule(g, y, x, axis=-1):
    return y * (g - (g * y).sum(axis, keepdims=True))

def wrong(g, y, x, axis=-1):
    return -rule(g, y, x, axis)

def forward(t, y, x, axis=-1):
    return y * (t - (t * y).sum(axis, keepdims=True))

def nan(x):
    print("the function speaks")
    return x * np.nan

def pick(table, rows):
    return table[rows]

def pick_rule(g, y, table, rows):
    grad = np.zeros_like(table)
    np.add.at(grad, rows, g)
    return grad, None

def leave(x):
    raise SystemExit(0)

def log(x):
    assert (x > 0).all()
    return np.log(x)

def log_rule(g, y, x):
    return g / x

class Holder:
    log = log

def sin_rule(g, y, x):
    return g * np.cos(x)

def sin_second(gg, raw, g, y, x):
    return gg * np.cos(x), None, -gg * g * np.sin(x)

PAIR = Pair(np.sin, sin_rule)
TWICE = Pair(sin_rule, sin_second)
SPEC = OpSpec("square", np.square, lambda g, y, x: 2 * g * x)
BAD = OpSpec("half", np.square, lambda g, y, x: g * x)
GOOD, ALL = {"square": SPEC}, [SPEC, BAD]
NUMBER = 3
"""


@pytest.fixture(autouse=True)
def rules(tmp_path, monkeypatch):
    """A folder with functions and rules to be in; nothing of it stays imported."""
    (tmp_path / "rules_for_cli.py").write_text(RULES)
    (tmp_path / "broken_for_cli.py").write_text("1 / 0\n")
    (tmp_path / "leaving_for_cli.py").write_text("import sys\nsys.exit(0)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    sys.modules.pop("rules_for_cli", None)


def run(line, capsys):
    """Exit code, stdout and stderr of a command line."""
    try:
        code = cli.main(line.replace("@", "rules_for_cli:").split())
    except SystemExit as leaving:
        code = leaving.code
    out = capsys.readouterr()
    return SimpleNamespace(code=code, out=out.out, err=out.err)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("@softmax --vjp @rule --shape 3,4", 0),
        ("@softmax --vjp @wrong --shape 3,4", 1),
        ("@nan --vjp @rule --shape 3", 2),
        ("@softmax --vjp @rule --jvp @forward --shape 3,4 --arg axis=0", 0),
        ("@softmax --jvp @rule --shape 3", 0),  # the Jacobian of softmax is symmetric
        ("@log --vjp @rule --shape 3 --domain 0,", 1),
        ("@Holder.log --vjp @rule --shape 3 --domain 0,", 1),
        ("@pick --vjp @pick_rule --shape 5,2 --shape i5:7", 0),
        ("@pick --vjp @pick_rule --shape 5,2 --shape i5:7 --wrt 0 --dtype float32", 0),
        ("@PAIR --shape scalar", 0),
        ("@PAIR --shape 3 --domain -1,1 --mode exhaustive --seed 3 --sizes --may-alias", 0),
        ("@PAIR.f --vjp @TWICE --shape 3 --order 2", 0),
        ("@SPEC", 0),
        ("@SPEC --shape 3,1 --domain 0, --wrt 0", 0),
        ("@BAD --order 1", 1),
        ("@BAD --shape 2", 1),
        ("@log --vjp @log_rule --shape 3 --domain 0,inf", 0),
        ("@GOOD", 0),
        ("@ALL", 1),
    ],
)
def test_exit_codes(line, code, capsys):
    result = run(line, capsys)
    assert result.code == code, result
    assert result.err == ""
    word = {0: "pass", 1: "fail", 2: "inconclusive"}[code]
    assert word in result.out.lower()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "the following arguments are required: TARGET"),
        ("rules_for_cli", "write package.module:function"),
        ("no_such_module:f --shape 3", "no module named 'no_such_module' here"),
        ("broken_for_cli:f --shape 3", "importing broken_for_cli raises ZeroDivisionError"),
        ("@sofmax --shape 3", "has no 'sofmax'; it has softmax"),
        ("@NUMBER --shape 3", "is an int; it must be a function"),
        ("@softmax --vjp @NUMBER --shape 3", "--vjp names an int"),
        (
            "@softmax --vjp @rule",
            "no --shape or --values is given; give rules_for_cli:softmax one --shape",
        ),
        ("@softmax --vjp @rule --shape 3,x", "write 3,4 or scalar, or i5:3,4"),
        ("@softmax --vjp @rule --shape -3", "write 3,4 or scalar"),
        ("@softmax --vjp @rule --shape i0:3", "write 3,4 or scalar"),
        ("@softmax --vjp @rule --shape 3 --domain 2,1", "the first number must be below"),
        ("@softmax --vjp @rule --shape 3 --domain 1", "write low,high"),
        (
            "@pick --vjp @pick_rule --shape 3 --shape i3:2 --shape 1 --domain 0, --domain ,1",
            "twice",
        ),
        ("@softmax --vjp @rule --shape 3 --dtype int8", "must be float64, float32"),
        ("@softmax --vjp @rule --shape 3 --arg axis", "write name=value"),
        ("@softmax --vjp @rule --shape 3 --wrt x", "positions of arguments"),
        ("@softmax --vjp @rule --shape 3 --wrt 4", "wrt names 4"),
        ("@softmax --vjp @rule --shape 3 --oracles magic", "unknown oracles ['magic']"),
        ("@softmax --vjp @rule --shape 3 --order 2", "has second derivatives when it is a pair"),
        ("@softmax --vjp @rule --shape 3 --order 4", "invalid choice: 4"),
        ("@softmax --vjp @rule --shape 3 --seed -1", "must not be negative"),
        ("@softmax --vjp @rule --values nothing.npy", "--values nothing.npy: "),
        ("@softmax --shape 3", "name its rule with --vjp"),
        ("@softmax --shape 3 --engine magic", "no engine named 'magic'"),
        ("@SPEC --domain 0,1", "an op card draws its own points"),
        ("@SPEC --vjp @rule", "an op card has its own"),
        ("@ALL --vjp @rule", "op cards have their own"),
        ("@softmax --shape 3 --values x.npy", "both --shape and --values are given"),
        (".rules_for_cli:softmax --shape 3", "is no target; write package.module:function"),
        ("@softmax:x --shape 3", "is no target"),
        ("@softmax --shape 99999,99999,9", "--shape asks for 9e+10 numbers"),
        ("leaving_for_cli:f --shape 3", "importing leaving_for_cli raises SystemExit: 0"),
        ("@leave --vjp @rule --shape 3", "the code under test ends the program with exit code 0"),
        ("@softmax --bogus", "unrecognized arguments: --bogus"),
    ],
)
def test_a_wrong_command_line_is_told_in_one_line(line, says, capsys):
    result = run(line, capsys)
    assert result.code == 64
    assert result.out == ""
    (told,) = result.err.splitlines()
    assert says.replace("twice", "is given 2 times for 3 arguments") in told
    assert told.endswith("(--help shows how)")


def test_the_reproducing_line_is_a_command_that_fails_again(capsys):
    result = run("@softmax --vjp @wrong --shape 3,4 --domain -1,1 --quiet", capsys)
    assert result.out.startswith("FAIL  softmax [numpy]")
    assert len(result.out.splitlines()) == 1
    text = run("@softmax --vjp @wrong --shape 3,4 --domain -1,1", capsys).out
    (line,) = (x.strip() for x in text.splitlines() if "reproduce:" in x)
    command = line.removeprefix("reproduce: gradcheck ").partition("  #")[0]
    assert command.endswith("--domain=-1,1 --seed 0")
    assert run(command, capsys).out == text


def test_json_is_one_object_and_nothing_else(capsys):
    result = run("@nan --vjp @rule --shape 3 --json", capsys)
    assert json.loads(result.out)["verdict"] == "inconclusive"
    assert "the function speaks" in result.err
    told = json.loads(run("@ALL --json", capsys).out)
    assert told["verdict"] == "fail"
    assert [report["verdict"] for report in told["reports"]] == ["pass", "fail"]


def test_values_come_from_files(rules, capsys):
    np.save(rules / "x.npy", np.array([[0.5, 1.0]]))
    np.savez(rules / "both.npz", np.arange(6.0).reshape(3, 2), np.array([2, 2, 0]))
    assert run("@softmax --vjp @rule --values x.npy", capsys).code == 0
    assert run("@pick --vjp @pick_rule --values both.npz", capsys).code == 0
    np.save(rules / "pickled.npy", np.array([{}]), allow_pickle=True)
    result = run("@softmax --vjp @rule --npy pickled.npy", capsys)
    assert result.code == 64
    assert "allow_pickle=False" in result.err
    assert run("@softmax --vjp @rule --values x.npy --dtype float32", capsys).code == 64


def test_points_are_drawn_inside_their_domains():
    wanted = [parse_shape("40"), parse_shape("5,8"), parse_shape("i3:50"), Wanted(())]
    domains = [parse_domain("0,"), parse_domain("2,2.5"), None, parse_domain(",-1")]
    a, b, k, s = draw(wanted, domains, ["float64", "float32", "float64", "float64"], seed=1)
    assert (a > 0).all()
    assert ((b > 2) & (b < 2.5)).all()
    assert b.dtype == np.float32
    assert set(k.tolist()) == {0, 1, 2}
    assert s.shape == ()
    assert s < -1
    assert len(np.unique(a)) == 40


def test_the_exam_has_a_command_of_its_own(monkeypatch, capsys):
    asked = SimpleNamespace(
        add_arguments=lambda parser: parser.add_argument("--only"),
        run=lambda args: 5 if args.only == "value" else 0,
    )
    monkeypatch.setitem(sys.modules, "gradcheck.exam.command", asked)
    assert run("exam --only value", capsys).code == 5
    assert run("exam --unknown", capsys).code == 64


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--seed -1", "'-1' is no whole number, 0 or more"),
        ("--markdown no_such_folder/page.md", "there is no folder no_such_folder"),
        ("--markdown .", ". is a folder"),
        ("--judges nobody", "no judge is called nobody"),
    ],
)
def test_an_exam_that_cannot_be_sat_is_told_before_it_begins(options, says, capsys):
    result = run(f"exam {options}", capsys)
    assert result.code == 64
    assert says in result.err


def test_an_exam_without_its_judges(monkeypatch, capsys):
    from gradcheck.exam import command

    class Absent:
        name, installed = "jax", False

    monkeypatch.setattr(command, "JUDGES", [Absent])
    result = run("exam --judges jax", capsys)
    assert (result.code, result.out, result.err) == (64, "", "exam: not installed: jax\n")


def test_the_help_teaches(capsys):
    result = run("--help", capsys)
    assert result.code == 0
    for part in ("examples:", "--shape i5:7", "exit codes: 0 pass, 1 fail, 2 inconclusive, 64"):
        assert part in result.out


def test_python_dash_m(rules):
    command = [sys.executable, "-m", "gradcheck", "rules_for_cli:softmax"]
    command += ["--vjp", "rules_for_cli:wrong", "--shape", "2"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=rules)
    assert done.returncode == 1
    assert "reproduce: python -m gradcheck rules_for_cli:softmax" in done.stdout
    assert done.stderr == ""

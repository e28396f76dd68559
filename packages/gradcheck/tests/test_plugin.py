"""The pytest plugin, in pytest runs of its own."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest_plugins = ["pytester"]

SUITE = """
import numpy as np
from gradcheck import assert_grads

X = np.array([0.5, 2.0])

def rule(g, y, x):
    return g * np.cos(x)

def undefined(x):
    return np.where(x > 1, np.nan, x)

def test_right():
    assert_grads(np.sin, [X], vjp=rule)

def test_wrong():
    assert_grads(np.sin, [X], vjp=lambda g, y, x: -rule(g, y, x))

def test_unknown():
    assert_grads(undefined, [X], vjp=lambda g, y, x: g)
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """A run of pytest with this plugin alone, whether or not gradcheck is installed."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(test_suite=SUITE)

    def runs(*args):
        return pytester.runpytest_inprocess(
            "-p", "gradcheck.plugin", "-p", "no:cacheprovider", *args
        )

    return runs


def test_inconclusive_is_an_outcome_of_its_own(run):
    result = run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "test_suite.py .F[?]*",
            "*inconclusive gradients*",
            "INCONCLUSIVE test_suite.py::test_unknown - f returns NaN at 1 of 2 outputs*",
            "an inconclusive check is no pass*",
            "*1 failed, 1 passed, 1 inconclusive in*",
        ]
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_the_verbose_word(run):
    run("-v").stdout.fnmatch_lines(["*::test_unknown INCONCLUSIVE*"])


def test_inconclusive_fails_the_run_unless_allowed(run):
    assert run("-k", "unknown").ret == pytest.ExitCode.TESTS_FAILED
    allowed = run("-k", "unknown", "--gradcheck-allow-inconclusive")
    assert allowed.ret == pytest.ExitCode.OK
    allowed.stdout.fnmatch_lines(["test_suite.py [?]*", "*1 inconclusive*"])
    assert "no pass" not in allowed.stdout.str()


def test_exit_at_the_first(run):
    result = run("-x", "-k", "unknown or wrong")
    result.stdout.fnmatch_lines(["*stopping after 1 failures*"])
    result = run("-x", "-k", "unknown or right")
    result.stdout.fnmatch_lines(["*1 passed, 1 deselected, 1 inconclusive*"])


def test_a_failure_shows_the_report_and_no_traceback(run):
    text = run("-k", "wrong").stdout.str()
    section = text[text.index("test_wrong ___") :]
    lines = [line for line in section.splitlines() if line]
    assert lines[1] == (
        "test_suite.py:16: assert_grads(np.sin, [X], vjp=lambda g, y, x: -rule(g, y, x))"
    )
    assert lines[2].startswith("FAIL  sin [numpy]")
    assert any("sign" in line for line in lines)
    assert re.search(r"reproduce: .*seed=0", section)
    assert "check.py" not in section
    assert re.search(r"FAILED test_suite.py::test_wrong - FAIL +sin \[numpy\]", section)


def test_seed_and_mode_reach_the_checks_and_the_head(run, pytester):
    pytester.makepyfile(
        test_suite="""
import gradcheck as gc
import numpy as np

def test_seed():
    report = gc.check_vjp(np.sin, lambda g, y, x: g * np.cos(x), [np.ones(2)])
    assert report.seed == 7 and gc.defaults.mode == "exhaustive"
    assert gc.check_vjp(np.sin, lambda g, y, x: g * np.cos(x), [np.ones(2)], seed=3).seed == 3
"""
    )
    result = run("--gradcheck-seed", "7", "--gradcheck-mode", "exhaustive")
    result.stdout.fnmatch_lines(["gradcheck: seed 7, mode exhaustive"])
    assert result.ret == pytest.ExitCode.OK
    from gradcheck import defaults

    assert (defaults.seed, defaults.mode) == (0, "auto")
    assert "gradcheck: " not in run("-k", "nothing").stdout.str()


def test_bad_options_are_refused(run):
    assert run("--gradcheck-seed", "-1").ret == pytest.ExitCode.USAGE_ERROR
    assert run("--gradcheck-mode", "thorough").ret == pytest.ExitCode.USAGE_ERROR


def test_junit_counts_a_failure_and_a_skip(run, pytester):
    run("--junitxml=all.xml")
    suite = ElementTree.parse(pytester.path / "all.xml").find("testsuite")
    assert suite.get("failures") == "2"
    messages = [failure.get("message") for failure in suite.iter("failure")]
    assert [text.split()[0] for text in messages] == ["FAIL", "INCONCLUSIVE"]
    run("--junitxml=allowed.xml", "--gradcheck-allow-inconclusive")
    suite = ElementTree.parse(pytester.path / "allowed.xml").find("testsuite")
    assert (suite.get("failures"), suite.get("skipped")) == ("1", "1")
    assert "NaN" in suite.find(".//skipped").get("message")


def test_an_expected_failure_stays_one(run, pytester):
    pytester.makepyfile(
        test_suite=SUITE
        + """
import pytest
test_wrong = pytest.mark.xfail(test_wrong)
test_unknown = pytest.mark.xfail(test_unknown)
"""
    )
    run().assert_outcomes(passed=1, xfailed=2)


def test_unittest_cases(run, pytester):
    pytester.makepyfile(
        test_suite=SUITE
        + """
import unittest
class TestCase(unittest.TestCase):
    def test_method(self):
        test_unknown()
"""
    )
    run("-k", "method").stdout.fnmatch_lines(["*1 inconclusive*"])


def test_a_hypothesis_test_shows_its_smallest_example(run, pytester):
    pytester.makepyfile(
        test_suite="""
import numpy as np
from gradcheck import Arg, OpSpec, given_op

HALF = OpSpec("half", np.square, lambda g, y, x: g * x, args=[Arg((1,))])
test_half = given_op(HALF, database=None, max_examples=10)

def gap(x):
    return np.where(x == 1, np.nan, x)

# Wrong where it can be judged, and at 1 it cannot: both are found, and the wrong one is told.
GAP = OpSpec("gap", gap, lambda g, y, x: 2 * g, args=[Arg((1,))])
test_both = given_op(GAP, database=None, max_examples=10)
"""
    )
    result = run()
    result.assert_outcomes(failed=2)
    text = result.stdout.str()
    half = text[text.index("test_half ___") : text.index("test_both ___")]
    assert "FAIL  half [numpy]" in half
    assert "reproduce: check_case(half, Case(np.array([1.0])))" in half
    assert "case=Case(np.array([1.0]))" in half
    assert "hypothesis/core.py" not in text
    both = text[text.index("test_both ___") :]
    assert "FAIL  gap [numpy]" in both
    assert "Traceback" not in both


def test_other_failures_are_left_alone(run, pytester):
    pytester.makepyfile(test_suite="def test_plain():\n    number = 1\n    assert number == 2\n")
    run().stdout.fnmatch_lines([">*assert number == 2", "E*assert 1 == 2"])


def test_what_every_run_loads_is_light():
    code = (
        "import pytest, sys; before = set(sys.modules); import gradcheck.plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.split() == ["gradcheck", "gradcheck.plugin", "gradcheck.settings"]


def test_the_entry_points_lead_somewhere():
    text = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    plugin = EntryPoint("gradcheck", project["entry-points"]["pytest11"]["gradcheck"], "pytest11")
    assert plugin.load().pytest_addoption

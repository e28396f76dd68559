"""What ``assert_grads`` raises: a gradient is wrong, or could not be judged."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradcheck.report import Report


class _Judged(AssertionError):
    """An AssertionError whose text is a report."""

    def __init__(self, report: "Report") -> None:
        super().__init__(str(report))
        self.report = report


class WrongGradient(_Judged):
    """The verdict is ``fail``; ``.report`` says where and why.

    >>> from gradcheck import assert_grads
    >>> import numpy as np
    >>> try:
    ...     assert_grads(np.square, [np.ones(2)], vjp=lambda g, y, x: g * x)
    ... except WrongGradient as error:
    ...     print(error.report.verdict)
    fail
    """


class Inconclusive(_Judged):
    """The numeric derivative proves nothing here; ``.report`` says why. The rule may be right.

    >>> issubclass(Inconclusive, AssertionError)
    True
    """


def judge(report: "Report", allow_inconclusive: bool = False) -> "Report":
    """The report, unless its verdict has to be raised.

    Raises WrongGradient for ``fail``, Inconclusive for ``inconclusive`` unless that is allowed.

    >>> from gradcheck import Report
    >>> judge(Report("sin", "numpy", 0, checks=3)).verdict
    'pass'
    """
    __tracebackhide__ = True  # pytest shows the caller's line, not this one
    if report.verdict == "fail":
        raise WrongGradient(report)
    if report.verdict == "inconclusive" and not allow_inconclusive:
        raise Inconclusive(report)
    return report

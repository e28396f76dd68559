"""``python -m gradcheck.exam``: the exam from a shell."""

from gradcheck.exam.command import main

if __name__ == "__main__":
    raise SystemExit(main())

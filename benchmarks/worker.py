"""The child's side: prepare one task, then take as many steps as each line of stdin asks for."""

from __future__ import annotations

import importlib
import json
import sys
import time
from typing import Any

from benchmarks import gpt, overhead
from benchmarks.machine import loaded_libraries


def prepare(
    task: str, engine: str, threads: int, parameters: dict[str, Any]
) -> tuple[overhead.Step, str]:
    """Return the step that ``task`` repeats on ``engine``, and which threads share it."""
    if task == "gpt":
        return gpt.training_step(engine, threads, **parameters)
    module = importlib.import_module(engine)
    module.set_num_threads(threads)
    return overhead.TASKS[task](module), "1 worker"


def say(answer: dict[str, Any]) -> None:
    """Write one line of JSON to the parent."""
    print(json.dumps(answer), flush=True)


def main() -> None:
    """Serve the request given as the only argument until stdin closes."""
    request = json.loads(sys.argv[1])
    step, sharing = prepare(**request)
    step()
    say({"libraries": [sharing, *loaded_libraries()]})
    for line in sys.stdin:  # blocked here, using no processor time, while the other one works
        step()  # untimed: the caches and clocks that the others' turns have left cold
        start = time.perf_counter()
        for _ in range(int(line)):
            step()
        say({"seconds": time.perf_counter() - start})


if __name__ == "__main__":
    main()

"""Sharing elementwise work among threads: all of it, once, with errors told."""

import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tensor_core as torch
from tensor_core import _blas, _threads


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@given(st.lists(st.integers(), max_size=30), st.integers(1, 4))
def test_every_task_is_done_once(tasks, threads):
    torch.set_num_threads(threads)
    done = []
    _threads.parallel_for(tasks, done.append)
    assert sorted(done) == sorted(tasks)


def test_tasks_run_on_two_threads_at_once():
    both_there = threading.Barrier(2, timeout=30)
    _threads.parallel_for([1, 2], lambda task: both_there.wait())


@pytest.mark.parametrize("error", [ValueError, IndexError, KeyboardInterrupt])
def test_errors_reach_the_caller_and_the_threads_live_on(error):
    def fail(task):
        raise error("task")

    with pytest.raises(error):
        _threads.parallel_for([1, 2, 3], fail)
    test_tasks_run_on_two_threads_at_once()


def test_inside_serial_everything_stays_here():
    seen = set()
    with _threads.serial():
        assert _threads.in_worker()
        _threads.parallel_for(range(8), lambda task: seen.add(threading.get_ident()))
    assert seen == {threading.get_ident()} and not _threads.in_worker()


def test_tasks_do_not_start_threads_of_their_own():
    outer = []

    def task(_):
        if threading.current_thread() is not threading.main_thread():
            outer.append(_threads.in_worker())

    _threads.parallel_for(range(50), task)
    assert all(outer)


def test_serial_holds_blas_to_one_thread_until_the_last_leaves():
    before = _blas.get_threads()
    with _threads.serial():
        with _threads.serial():
            assert _blas.get_threads() in (1, None)
        assert _blas.get_threads() in (1, None)
    assert _blas.get_threads() == before


def test_number_of_threads():
    torch.set_num_threads(3)
    assert torch.get_num_threads() == 3 and _blas.get_threads() in (3, None)
    with pytest.raises(RuntimeError, match="positive number"):
        torch.set_num_threads(0)
    with pytest.raises(TypeError, match="int"):
        torch.set_num_threads(1.5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_forked_child_starts_its_own_threads():
    _threads.parallel_for([1, 2], lambda task: None)
    child = os.fork()
    if child == 0:
        done = []
        _threads.parallel_for(range(10), done.append)
        os._exit(0 if sorted(done) == list(range(10)) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_two_threads_may_call_an_op_for_the_first_time_at_once(monkeypatch):
    from tensor_core import _calls, ops

    both = threading.Barrier(2)
    made = _calls.short_call

    def made_twice(*args):
        both.wait()
        return made(*args)

    monkeypatch.setattr(_calls, "short_call", made_twice)
    first = _calls.way_in(ops.exp)
    results = []
    threads = [threading.Thread(target=lambda: results.append(first(torch.zeros(1)))) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.tolist() for result in results] == [[1.0], [1.0]]

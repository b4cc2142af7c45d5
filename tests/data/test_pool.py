"""Worker processes: order, laziness, errors, death, and what they do not import."""

import itertools
import os
from multiprocessing import forkserver

import pytest

from ganlib.data import pool
from ganlib.errors import RequestError, WorkError


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers):
    tasks = [f"__import__('time').sleep({0.02 * (index % 3)}) or {index}" for index in range(20)]
    assert list(pool.run(eval, tasks, workers)) == list(range(20))


def test_tasks_are_taken_as_workers_get_free():
    taken = []

    def tasks():
        for index in itertools.count():
            taken.append(index)
            yield str(index)

    results = pool.run(eval, tasks(), 2)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    results.close()
    assert len(taken) < 30


def test_the_work_is_done_elsewhere_and_without_heavy_modules():
    loaded = "[name for name in ('torch', 'ray', 'pydantic') if name in __import__('sys').modules]"
    task = f"(exec('import ganlib.data.work'), __import__('os').getpid(), {loaded})[1:]"
    answers = list(pool.run(eval, [task] * 8, 2))
    assert os.getpid() not in {pid for pid, _ in answers}
    assert {tuple(modules) for _, modules in answers} == {()}


def test_what_a_worker_prints_does_not_disturb(capfd):
    forkserver._forkserver._stop()  # one that was begun before has another stderr
    assert list(pool.run(eval, ["print('hello') or 1", "2"], 2)) == [1, 2]
    assert "hello" in capfd.readouterr().err


def test_an_error_arrives_as_itself():
    task = "(_ for _ in ()).throw(__import__('ganlib.errors').errors.RequestError('wrong'))"
    with pytest.raises(RequestError, match="wrong"):
        list(pool.run(eval, ["1", task, "2"], 2))


def test_an_error_that_cannot_be_sent_keeps_its_text():
    task = "(_ for _ in ()).throw(ValueError('wrong', lambda: 0))"
    with pytest.raises(WorkError, match=r"ValueError: .*wrong"):
        list(pool.run(eval, [task], 2))


@pytest.mark.parametrize(
    ("death", "text"), [("kill(os.getpid(), 9)", "signal 9.*memory"), ("_exit(3)", "exit code 3")]
)
def test_a_worker_that_dies_is_an_error_not_a_hang(death, text):
    with pytest.raises(WorkError, match=text):
        list(pool.run(eval, ["1", f"(os := __import__('os')).{death}", *["2"] * 20], 2))


def test_no_worker_stays_behind():
    results = pool.run(eval, ["__import__('os').getpid()"] * 100, 2)
    pid = next(results)
    os.kill(pid, 0)
    results.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)

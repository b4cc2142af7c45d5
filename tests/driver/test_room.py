"""The director by itself: room, memory, faults, and what it halts for."""

import json
from dataclasses import replace

import pytest
from helpers.sweeps.directing import (
    Machines,
    begun,
    drive,
    evaluation,
    events,
    handed,
    make,
    records,
    said,
    trial_of,
)

from sweep.driver.events import Next
from sweep.records.datasets import Store
from sweep.storage.local import LocalFolder
from sweep.worker.messages import Fault, Pulse


def test_no_trial_is_drawn_before_there_is_room_for_it(folder: LocalFolder) -> None:
    director = make(folder, trials=3, room=Machines())
    first, second = handed(director), handed(director)
    assert (first.trial, second.trial, first.gpu, first.threads) == (0, 1, 0.5, 3)
    assert director.next() is Next.WAIT
    assert 2 not in director.trials
    director.fail(first.trial, 0, Fault("request", "no such extractor"))
    assert handed(director).trial == 2
    assert director.next() is Next.WAIT


def test_a_trial_without_memory_gets_twice_its_share_once(folder: LocalFolder) -> None:
    machines = Machines()
    director = make(folder, trials=2, room=machines)
    first, second = handed(director), handed(director)
    director.fail(first.trial, 0, Fault("memory", "out of memory"))
    assert director.next() is Next.WAIT, "twice the share does not fit beside the other trial"
    director.fail(second.trial, 0, Fault("request", "no such extractor"))
    again = handed(director)
    assert (again.trial, again.attempt, again.share, again.gpu) == (0, 1, 2.0, 1.0)
    assert trial_of(folder, 0)["failures"] == 0
    assert trial_of(folder, 1)["status"] == "failed"
    director.fail(0, 1, Fault("memory", "out of memory"))
    row = trial_of(folder, 0)
    assert row["status"] == "failed"
    assert "It had 2 times the spec's resources" in row["failure"]
    assert events(folder) == ["restart", "failure", "failure"]
    assert director.next() is Next.DONE


def test_on_smaller_machines_a_share_of_larger_ones_is_cut(folder: LocalFolder) -> None:
    director = make(folder, trials=1, room=Machines())
    director.fail(handed(director).trial, 0, Fault("memory", "out of memory"))
    handed(director)
    director.abandon()
    assert trial_of(folder)["share"] == 2.0
    smaller = make(folder, trials=1, room=Machines(largest_share=1.0))
    assert handed(smaller).share == 1.0


def test_a_share_that_no_machine_has_any_more_waits_while_there_is_something_else_to_do(
    folder: LocalFolder,
) -> None:
    """The large machine has gone, and may come back; who begins with less would be out of memory again."""
    machines = Machines()
    director = make(folder, trials=3, room=machines)
    first, second = handed(director), handed(director)
    director.fail(first.trial, 0, Fault("memory", "out of memory"))
    machines.largest_share = 1.0
    third = handed(director)
    assert third.trial == 2
    director.fail(third.trial, 0, Fault("request", "no such extractor"))
    assert director.next() is Next.WAIT
    director.fail(second.trial, 0, Fault("request", "no such extractor"))
    machines.largest_share = 4.0
    again = handed(director)
    assert (again.trial, again.share) == (0, 2.0)
    machines.largest_share = 1.0
    director.fail(0, 1, Fault("preempted", "no machine is left that has 2 times the spec's resources"))
    assert handed(director).share == 1.0, "there is nothing else"
    director.fail(0, 2, Fault("memory", "out of memory"))
    assert "It had 1 times the spec's resources" in trial_of(folder, 0)["failure"]
    assert director.next() is Next.DONE


@pytest.mark.parametrize(("kind", "again"), [("died", 1), ("hung", 1), ("error", 1), ("request", 0)])
def test_a_fault_is_tried_again_by_its_kind(kind: str, again: int, folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    for attempt in range(1 + again):
        assert handed(director).attempt == attempt
        director.fail(0, attempt, Fault(kind, "gone", "Traceback: here"))
    assert director.next() is Next.DONE
    assert trial_of(folder)["status"] == "failed"
    assert events(folder) == ["restart"] * again + ["failure"]
    details = [json.loads(row["detail"]) for row in Store(folder).rows("events")]
    assert all((one["kind"], one["traceback"]) == (kind, "Traceback: here") for one in details)


def test_a_storage_that_fails_halts_and_costs_no_trial_anything(folder: LocalFolder) -> None:
    director = make(folder, trials=2, room=Machines())
    first, second = handed(director), handed(director)
    assert director.report(evaluation(first, 1.0))
    director.fail(first.trial, 0, Fault("storage", "no space left"))
    assert (director.halted, director.stopping) == ("no space left", True)
    assert director.report(evaluation(second, 1.0)) is False, "others are told to stop at their next report"
    assert director.next() is Next.DONE
    assert [trial_of(folder, n)["status"] for n in (0, 1)] == ["interrupted"] * 2
    assert [trial_of(folder, n)["failures"] for n in (0, 1)] == [0, 0]
    resumed = make(folder, trials=2, room=Machines())
    assert [(one.trial, one.attempt) for one in (handed(resumed), handed(resumed))] == [(0, 1), (1, 1)]


def test_damaged_checkpoints_become_events(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    assignment = handed(director)
    damaged = {"checkpoints/00000/000-1.ckpt": "it does not match its digest"}
    assert director.report(replace(said(assignment, Pulse), damaged=damaged))
    (row,) = Store(folder).rows("events")
    assert row["kind"] == "damaged_checkpoint"
    assert json.loads(row["detail"])["path"] == next(iter(damaged))


def test_random_numbers_that_begin_anew_become_an_event(folder: LocalFolder) -> None:
    director = make(folder, trials=1)
    assert director.report(replace(said(handed(director), Pulse), told={"reseeded": "of a GPU"}))
    (row,) = Store(folder).rows("events")
    assert (row["kind"], json.loads(row["detail"])) == ("reseeded", {"reason": "of a GPU"})


@pytest.mark.parametrize("until", [0.0, 1.0, 3.0, 4.0])
@pytest.mark.parametrize("said_goodbye", [False, True])
def test_taken_up_in_the_midst_of_any_state(until: float, said_goodbye: bool, folder: LocalFolder) -> None:
    """Handed out, evaluated, past its rung, ended and due: with and without a word of its end."""
    director = make(folder, trials=2)
    begun(director, until)
    if said_goodbye:
        director.interrupt()
        director.abandon()
    again = make(folder, trials=2)
    assignment = handed(again)
    assert (assignment.trial, assignment.attempt) == (0, 1)
    assert assignment.seen_kimg == (until or -1.0)
    assert (assignment.to_measure is not None) == (until == 4.0)
    drive(make(folder, trials=2), folder)
    assert [row["status"] for row in records(folder)["trials"]] == ["finished", "collapsed"]
    assert [row["kimg"] for row in records(folder)["results"]] == [3.0, 1.0]

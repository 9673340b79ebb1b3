from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from sequencer.errors import CheckStopped, TooManyChecks
from sequencer.pages.verifying import KEPT, MOST_WAITING, Check, VerifyDesk, watch


def check(step: str, holds: bool = True) -> Check:
    return Check(step, None, holds, "found", 0.1)


class Script:
    """A check that waits for the test; `runs` counts how often it was begun."""

    def __init__(self, *steps: Check, error: Exception | None = None) -> None:
        self.steps, self.error, self.runs = steps, error, 0
        self.go = asyncio.Event()

    async def __call__(self, _number: int) -> AsyncIterator[Check]:
        self.runs += 1
        for step in self.steps:
            yield step
            await self.go.wait()
        if self.error is not None:
            raise self.error


async def collected(desk: VerifyDesk, number: int) -> tuple[list[str], str]:
    run = desk.run(number)
    return [one.step async for one in watch(run)], run.outcome


async def test_everyone_who_asks_watches_one_run_from_its_first_step() -> None:
    script = Script(check("data"), check("queue"))
    desk = VerifyDesk(script)
    first = asyncio.create_task(collected(desk, 7))
    await asyncio.sleep(0)
    late = asyncio.create_task(collected(desk, 7))
    script.go.set()
    assert await first == await late == (["data", "queue"], "holds")
    assert await collected(desk, 7) == (["data", "queue"], "holds")
    assert script.runs == 1


async def test_a_failed_check_is_kept_and_a_stopped_one_is_tried_again() -> None:
    failing = Script(check("data"), check("replay", holds=False))
    failing.go.set()
    desk = VerifyDesk(failing)
    assert await collected(desk, 1) == (["data", "replay"], "fails")
    assert (await collected(desk, 1))[1] == "fails"
    assert failing.runs == 1
    stopped = Script(check("data"), error=CheckStopped("no L1"))
    stopped.go.set()
    desk = VerifyDesk(stopped)
    assert await collected(desk, 1) == (["data"], "stopped")
    assert await collected(desk, 1) == (["data"], "stopped")
    assert stopped.runs == 2


async def test_a_check_that_says_nothing_does_not_hold() -> None:
    silent = Script()
    assert await collected(VerifyDesk(silent), 1) == ([], "stopped")


async def test_only_so_many_wait() -> None:
    script = Script(check("data"))
    desk = VerifyDesk(script)
    runs = [desk.run(number) for number in range(1 + MOST_WAITING)]
    with pytest.raises(TooManyChecks):
        desk.run(99)
    await asyncio.sleep(0)
    assert script.runs == 1  # the others wait for their turn
    script.go.set()
    for run in runs:
        assert [one.step async for one in watch(run)] == ["data"]
    assert script.runs == len(runs)


async def test_old_runs_are_forgotten() -> None:
    script = Script(check("data"))
    script.go.set()
    desk = VerifyDesk(script)
    for number in range(KEPT + 1):
        await collected(desk, number)
    assert desk.known(0) is None
    assert desk.known(KEPT) is not None


async def test_without_a_check_it_says_so() -> None:
    assert not VerifyDesk().is_there
    with pytest.raises(CheckStopped, match="without"):
        VerifyDesk().run(1)

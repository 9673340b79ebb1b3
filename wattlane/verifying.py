"""The real check of a batch for a sequencer's page: `wattlane verify-batch`, in its own process.

The very command that a visitor may run, so both check the same; its own process, so that the
sequencer goes on answering and a check can be ended. URLs, which may hold API keys, go by the
environment: other users of the machine can read arguments.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path

from sequencer.errors import CheckStopped
from sequencer.pages.verifying import Check, Verify
from wattlane.program import program

TIMEOUT_S = 900.0
NICENESS = 10
_MOST_LINE_BYTES = 1 << 20


def verifier(
    l1_url: str, contract: str, archive: Path | None = None, beacon: str | None = None
) -> Verify:
    """Checks batches of this contract, with L1's data from there and blobs from these places."""
    arguments = ["--contract", contract, "--lines"]
    if archive is not None:
        arguments += ["--archive", str(archive)]
    environment = {**os.environ, "WATTLANE_L1": l1_url}
    if beacon is not None:
        environment["WATTLANE_BEACON"] = beacon

    def verify(number: int) -> AsyncIterator[Check]:
        return checks_of(program("verify-batch", str(number), *arguments), environment)

    return verify


async def checks_of(
    command: Sequence[str], environment: dict[str, str], timeout_s: float = TIMEOUT_S
) -> AsyncIterator[Check]:
    """What `wattlane verify-batch --lines` says, step by step. Raises CheckStopped.

    The process ends with this iterator, however that ends.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_MOST_LINE_BYTES,
    )
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
    assert process.stdout is not None
    assert process.stderr is not None
    failed = False
    try:
        async with asyncio.timeout(timeout_s):
            async for line in process.stdout:
                check = _check(line)
                failed = failed or not check.holds
                yield check
            said = (await process.stderr.read()).decode(errors="replace").strip()
            status = await process.wait()
    except TimeoutError:
        raise CheckStopped(f"it took longer than {timeout_s:.0f} s") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if status and not failed:
        last = said.splitlines()[-1] if said else f"the check ended with status {status}"
        raise CheckStopped(last[:500])


def _check(line: bytes) -> Check:
    try:
        given = json.loads(line)
        proof = given["proof"]
        return Check(
            step=str(given["step"]),
            proof=None if proof is None else int(proof),
            holds=given["holds"] is True,
            found=str(given["found"]),
            seconds=float(given["seconds"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise CheckStopped("the check said something senseless") from error

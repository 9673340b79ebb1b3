"""Shows how far the proofs are while the homes trade: a bar for each, a line when L1 accepts it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from wattlane.progress import Bars
from wattlane.sequencer_view import SequencerSilent, SequencerView

POLL_S = 1.0
FIRST_ESTIMATE_S = 35.0
ALMOST = 0.97


@asynccontextmanager
async def shown_proofs(view: SequencerView, bars: Bars) -> AsyncIterator[None]:
    """Watch the sequencer for as long as the context lasts."""
    watching = asyncio.create_task(_watch(view, bars))
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _watch(view: SequencerView, bars: Bars) -> None:
    task = bars.progress.add_task("proving", total=1.0, note="", visible=False)
    announced, since, estimate_s = 0, time.monotonic(), FIRST_ESTIMATE_S
    try:
        while True:
            try:
                standing = await asyncio.to_thread(view.standing)
                rows = await asyncio.to_thread(view.batches)
            except SequencerSilent:
                rows, standing = (), None
            for row in rows[announced:]:
                if row.status != "final":
                    break
                announced, since, estimate_s = row.number, time.monotonic(), row.prove_seconds
                proofs = "1 proof" if row.proofs == 1 else f"{row.proofs} proofs"
                what = f"{proofs}, {row.transactions} transactions, {row.ops} queue ops"
                bars.done(f"batch {row.number} proved and accepted", row.prove_seconds, what)
            waiting = standing is not None and standing.sealed_batch > announced
            elapsed = time.monotonic() - since
            share = min(elapsed / max(estimate_s, 1.0), ALMOST)
            name = f"proving batch {announced + 1}"
            bars.progress.update(task, completed=share, description=name, visible=waiting)
            if not waiting:
                since = time.monotonic()
            await asyncio.sleep(POLL_S)
    finally:
        bars.progress.remove_task(task)

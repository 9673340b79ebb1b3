"""Shows how far the proofs are while the homes trade: a bar a batch, a line when it is final."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from wattlane.progress import Bars
from wattlane.sequencer_view import BatchRow, SequencerSilent, SequencerView

POLL_S = 1.0
FIRST_ESTIMATE_S = 15.0
"""Of one proof, until the first batch says how long its proofs took."""
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
    announced, at, since, estimate_s = 0, (0, 0), time.monotonic(), FIRST_ESTIMATE_S
    try:
        while True:
            try:
                rows = await asyncio.to_thread(view.batches)
            except SequencerSilent:
                rows = ()
            for row in rows[announced:]:
                if row.status != "final":
                    break
                announced, estimate_s = row.number, row.prove_seconds / row.proofs
                proofs = "1 proof" if row.proofs == 1 else f"{row.proofs} proofs"
                what = f"{proofs}, {row.transactions} transactions, {row.ops} queue ops"
                bars.done(f"batch {row.number} proved and accepted", row.prove_seconds, what)
            under_way = rows[announced] if len(rows) > announced else None
            if under_way is None or (under_way.number, under_way.made) != at:
                since = time.monotonic()
            if under_way is not None:
                at = under_way.number, under_way.made
                name, share = _stand(under_way, time.monotonic() - since, estimate_s)
                bars.progress.update(task, completed=share, description=name)
            bars.progress.update(task, visible=under_way is not None)
            await asyncio.sleep(POLL_S)
    finally:
        bars.progress.remove_task(task)


def _stand(row: BatchRow, elapsed_s: float, estimate_s: float) -> tuple[str, float]:
    """What to call a batch that is not final yet, and how much of it is done (0 to 1)."""
    name = f"proving batch {row.number}"
    if row.made == row.proofs:
        return name, ALMOST
    if row.proofs > 1:
        name += f", proof {row.made + 1} of {row.proofs}"
    share = min(elapsed_s / max(estimate_s, 1.0), ALMOST)
    return name, (row.made + share) / row.proofs

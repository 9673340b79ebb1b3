"""`wattlane status`: where the rollup stands, as L1 has it and as the sequencer says."""

from __future__ import annotations

import typer

from wattlane.cli.options import ContractAddress, L1Url, MaybeSequencer


def status(l1: L1Url, contract: ContractAddress, sequencer: MaybeSequencer = None) -> None:
    """Show the root, batches, queue and money that L1 holds, and whether the sequencer agrees."""
    from contracts.reader import RollupReader
    from wattlane.money import show_tokens
    from wattlane.sequencer_view import SequencerView

    reader = RollupReader(l1, contract)
    block = reader.latest_block()
    progress, root = reader.progress(block.number), reader.state_root(block.number)
    settings, enqueued = reader.settings(), reader.enqueued(block.number)
    shape = settings.shape
    typer.echo(f"L1 block      {block.number}, time {block.timestamp}")
    typer.echo(f"root          {root:#066x}")
    typer.echo(f"batches       {progress.batches}, the last at L1 time {progress.l1_time}")
    typer.echo(f"queue         {progress.processed} of {enqueued} ops processed")
    typer.echo(f"accounts      {reader.account_count(block.number)}")
    typer.echo(f"tokens held   {show_tokens(reader.held_ntok(block.number))}")
    typer.echo(f"domain        {settings.domain:#034x}, in every signature of this rollup")
    typer.echo(f"circuit       {shape.queue_slots} queue slots, {shape.user_slots} user slots")
    if sequencer is None:
        return
    with SequencerView(sequencer) as view:
        standing = view.standing()
    number = standing.final_batch
    accepted = reader.batch(number)
    if accepted is None:
        agrees = "not to be compared: L1 has no such batch" if number else "the one it began with"
    elif accepted.submission.new_root == standing.final_root:
        agrees = "the same as L1's"
    else:
        agrees = f"NOT what L1 accepted, {accepted.submission.new_root:#066x}"
    typer.echo(f"sequencer     final batch {number}, its root is {agrees}")
    waiting = standing.sealed_batch - standing.final_batch
    typer.echo(
        f"              {waiting} batches on their way, {standing.mempool} transactions wait"
    )

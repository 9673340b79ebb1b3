"""`wattlane prover`: machines that prove for a sequencer elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

from wattlane.cli.options import scheduler_address

app = typer.Typer(no_args_is_help=True, help="Prove for a sequencer, on this machine.")

Scheduler = Annotated[
    str,
    typer.Argument(
        metavar="tcp://HOST:PORT",
        envvar="WATTLANE_PROVER",
        callback=scheduler_address,
        help="The Dask scheduler that the sequencer uses.",
    ),
]
Host = Annotated[
    str | None,
    typer.Option(
        "--host",
        help="This machine's address, as scheduler and other workers reach it. "
        "Without it: the one by which the scheduler is reached.",
    ),
]


@app.callback()
def prover() -> None:
    """Prove for a sequencer, on this machine."""


@app.command()
def worker(scheduler: Scheduler, host: Host = None) -> None:
    """Prove what a sequencer asks of the cluster, until Ctrl-C or SIGTERM.

    \b
    On one machine:     dask scheduler --port 8786
    On each that helps: wattlane prover worker tcp://HOST:8786
    Where it runs:      wattlane sequencer run --prover tcp://HOST:8786

    Kernels are compiled and the circuit is recorded before the worker says that it is ready. The
    proving key comes from the sequencer with the first job where this machine's cache folder
    (WATTLANE_CACHE) lacks it. One proof at a time, on all cores, at low priority. If the
    scheduler goes away, the worker waits for it. All need the same version of Wattlane, installed
    with its extra named cluster.

    Dask trusts its members: whoever reaches scheduler or worker can run programs there. Use a
    network of your own, or tls:// with certificates (distributed.comm.tls in Dask's settings).
    """
    from prover.distribution import need_dask

    need_dask()
    from prover.distribution.worker import check_scheduler, prepare_worker, run_worker
    from wattlane.cli.progress import shown_progress

    check_scheduler(scheduler)
    with shown_progress() as progress:
        what = prepare_worker(progress=progress)
    run_worker(scheduler, what, typer.echo, host)

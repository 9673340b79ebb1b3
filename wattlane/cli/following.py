"""Doing something again and again until Ctrl-C or SIGTERM, whatever the network says meanwhile."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import typer

from contracts.errors import L1Error

LONGEST_PAUSE_S = 300.0


def repeat(step: Callable[[], bool], pause_s: float) -> None:
    """Call `step` every `pause_s` seconds; after a failure of L1 or a False, ever more seldom."""
    stopping = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stopping.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    wait_s = pause_s
    try:
        while not stopping.is_set():
            try:
                well = step()
            except L1Error as error:
                typer.echo(f"will try again in {wait_s:.0f} s: {error}", err=True)
                well = False
            stopping.wait(wait_s)
            wait_s = pause_s if well else min(2 * wait_s, LONGEST_PAUSE_S)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""A process that another one started ends with it, also where that one was killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait


def end_with_parent() -> None:
    """From now on: SIGTERM to this process once the process that started it is gone."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "only for processes that multiprocessing has started"

    def watch() -> None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="watch of the parent", daemon=True).start()

"""Where a node's time goes: its own functions, wrapped with the CPU time of the thread they run in.

Only a profiling bench installs this, in a process of its own. What a stage is not counted in is
the event loop with its tasks, and the node's rounds.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from sqlalchemy.engine.default import DefaultDialect
from websockets.asyncio.connection import Connection as Wire

from channels import payments, sessions, store

CPU_STAGES = ("sign", "verify", "rows", "commit", "encode", "send", "receive", "decode")
DISK = "waits for its disk"
_cpu_s: dict[str, float] = defaultdict(float)
_waits_s: dict[str, list[float]] = defaultdict(list)


def install() -> None:
    """Wrap this process's functions."""
    _time(payments, "sign_payment", "sign")
    _time(payments, "accept_voucher", "verify")
    _time(store, "apply_all", "rows")
    _time(DefaultDialect, "do_commit", "commit")
    _time(sessions, "encode", "encode")
    _time(sessions, "decode_all", "decode")
    _time(Wire, "send_data", "send")
    _time(Wire, "data_received", "receive")
    _time_writes()


def read() -> tuple[dict[str, float], dict[str, list[float]]]:
    """CPU seconds by stage and the waits in seconds, both since the last reading."""
    found = dict(_cpu_s), dict(_waits_s)
    _cpu_s.clear()
    _waits_s.clear()
    return found


def _time(owner: Any, name: str, stage: str) -> None:
    inner: Callable[..., Any] = getattr(owner, name)

    def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.thread_time()
        try:
            return inner(*args, **kwargs)
        finally:
            _cpu_s[stage] += time.thread_time() - began

    setattr(owner, name, timed)


def _time_writes() -> None:
    inner = store.Store.write

    def write(self: store.Store, *changes: Any) -> Any:
        began, done = time.perf_counter(), inner(self, *changes)
        if changes:
            done.add_done_callback(lambda _: _waits_s[DISK].append(time.perf_counter() - began))
        return done

    store.Store.write = write  # type: ignore[method-assign]

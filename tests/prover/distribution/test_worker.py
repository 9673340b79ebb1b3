"""What a worker's machine lacks is said in one line, before anything takes time."""

from __future__ import annotations

import socket
import sys

import pytest

from prover.distribution import need_dask, open_cluster
from prover.distribution import worker as worker_module
from prover.distribution.errors import DaskMissing, SchedulerUnreachable
from prover.distribution.worker import check_scheduler


@pytest.mark.parametrize("needing", [need_dask, lambda: open_cluster("tcp://127.0.0.1:1")])
def test_without_dask_the_error_says_what_to_install(
    needing: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(needing)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(DaskMissing, match=r"pip install 'wattlane\[cluster\]'"):
        needing()


def test_a_scheduler_that_is_not_there_is_said_before_the_kernels_are_compiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_module, "CONNECT_S", 0.5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
    without_certificates = nobody.replace("tcp", "tls")
    for wrong in (nobody, without_certificates, "tcp://127.0.0.1:0", "udp://127.0.0.1:1"):
        with pytest.raises(SchedulerUnreachable, match="no Dask scheduler answers at"):
            check_scheduler(wrong)

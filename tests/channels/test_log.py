"""What a node says when nobody configured a log: warnings on stderr, no error where it is full."""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Iterator

import pytest
import structlog

from channels.log import be_quiet_by_default


class FullDisk(io.StringIO):
    """Refuses everything, as a file on a full disk does."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture(autouse=True)
def _unconfigured() -> Iterator[None]:
    before = structlog.get_config()
    was_configured = structlog.is_configured()
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
    if was_configured:
        structlog.configure(**before)


def test_warnings_go_to_stderr_and_nothing_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    be_quiet_by_default()
    log = structlog.get_logger("test")
    log.info("a voucher")
    log.warning("a peer is gone", peer=7)
    assert "a peer is gone" in said.getvalue()
    assert "voucher" not in said.getvalue()
    assert said.getvalue().count("\n") == 1


def test_a_warning_that_a_full_disk_refuses_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", FullDisk())
    be_quiet_by_default()
    structlog.get_logger("test").warning("the store cannot be written")


def test_a_program_that_configured_its_log_keeps_it() -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    be_quiet_by_default()
    assert isinstance(structlog.get_config()["logger_factory"], structlog.ReturnLoggerFactory)

"""A running node cannot be commanded."""

from __future__ import annotations

from dataclasses import dataclass

from channels.errors.base import ChannelsError


class ControlError(ChannelsError):
    """Base: a running node cannot be commanded."""


@dataclass
class NodeNotRunning(ControlError):
    """No node listens for commands in this folder."""

    folder: str

    def __str__(self) -> str:
        return f"no node is running in {self.folder}; start one with `wattlane node run`"


@dataclass
class CommandFailed(ControlError):
    """The node answered a command with an error; `reason_code` is that error's class name."""

    reason_code: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason_code}: {self.detail}"

"""What lies in the home's folder: settings, wallet, store, lock, exit key, and who may read it."""

from __future__ import annotations

import os
import time

from channels.errors import NodeNotRunning
from channels.exit_key import FILE as EXIT_KEY
from channels.inspecting import inspect
from channels.passphrase import read_passphrase
from channels.preparing import LOCK_NAME
from channels.records import StoredChannel
from channels.store import FILE_NAME as STORE
from channels.wallet import FILE_NAME as WALLET
from channels.wallet import Wallet
from contracts.process_lock import holder_of
from protocol.channels import Status
from wattlane.doctor.home import Home
from wattlane.doctor.report import Finding, ok, problem, warning

_SECRET = (WALLET, STORE, "control.json", "node.toml")
_HOUR_S = 3_600


def settings(home: Home) -> Finding:
    """node.toml, environment and options."""
    given = home.settings()
    missing = [name for name in ("l1", "sequencer") if getattr(given, name) is None]
    if missing:
        return problem(
            f"{' and '.join(missing)} not set", "wattlane node init --l1 URL --sequencer URL"
        )
    return ok(f"L1 and sequencer set, relay {given.relay}")


def permissions(home: Home) -> Finding:
    """Nobody else may read keys and vouchers."""
    if not home.folder.is_dir():
        return problem(f"{home.folder} is no folder", "wattlane wallet new, or --folder")
    open_ones = [
        path.name if path != home.folder else str(path)
        for path in (home.folder, *(home.folder / name for name in _SECRET))
        if path.exists() and path.stat().st_mode & 0o077
    ]
    if open_ones:
        places = " ".join(str(home.folder / name) for name in open_ones)
        return problem(f"others may read or enter {', '.join(open_ones)}", f"chmod go-rwx {places}")
    return ok(f"{home.folder} is the owner's alone")


def wallet(home: Home) -> Finding:
    """The keystore, opened where the passphrase is in a file."""
    public = Wallet.show(home.folder)
    file = home.given().passphrase_file
    if file is None:
        return ok(f"wallet of {public.get('l1_address', '?')} (not opened: no passphrase file)")
    Wallet.load(home.folder, read_passphrase(file))
    return ok(f"wallet of {public.get('l1_address', '?')} opens")


def store(home: Home) -> Finding:
    """Every page of the node's records."""
    found = inspect(home.folder)
    if found is None:
        return ok("no records yet")
    if found.stopped is not None:
        return problem(f"this copy has stopped itself: {found.stopped}", "wattlane node recover")
    return ok(f"account {found.identity.account_index}, {len(found.channels)} channels, all whole")


def process(home: Home) -> Finding:
    """Whether a node runs, and answers."""
    holder = holder_of(home.folder / LOCK_NAME)
    if holder is None:
        return warning("no node runs here", "wattlane node run, or systemctl start wattlane-node")
    try:
        info = home.ask_node(lambda node: node.info())
    except NodeNotRunning:
        return problem(
            f"{holder} holds the folder and does not answer",
            "wait if it has just started; else look at its log, and end it with SIGTERM",
        )
    if info["problem"]:
        return warning(f"{holder}: {info['problem']}", "the checks of L1 and sequencer say why")
    return ok(f"{holder} answers, all well")


def exit_key(home: Home) -> Finding:
    """The file with which this home leaves without the operator."""
    path = home.folder / EXIT_KEY
    if not path.exists() or path.stat().st_size == 0:
        return warning(
            "no exit key: without it an exit needs the operator's key file",
            "run the node: it fetches the key; or `wattlane keys setup`",
        )
    return ok(f"{path.name}, {path.stat().st_size / 1e6:.1f} MB")


def deadlines(home: Home) -> Finding:
    """Channels that close, and what is still to be claimed in them."""
    found = inspect(home.folder)
    closing = [] if found is None else [one for one in found.channels if _is_closing(one)]
    owed = [one for one in closing if _is_owed(one)]
    if not owed:
        return ok(f"{len(closing)} channels closing, nothing to claim in them")
    first = min(owed, key=_deadline)
    left_s = _deadline(first) - time.time()
    said = (
        f"channel {first.state.channel_id:#x} closes in {left_s / _HOUR_S:.1f} h, "
        "its last vouchers are not on L1"
    )
    mend = f"keep the node running, or: wattlane force claim {first.state.channel_id:#x}"
    window_s = first.state.verified.leaf.window_s if first.state.verified else 0
    return problem(said, mend) if left_s < window_s / 2 else warning(said, mend)


def _is_closing(channel: StoredChannel) -> bool:
    verified = channel.state.verified
    return (
        verified is not None
        and not channel.state.is_gone
        and verified.leaf.status is Status.CLOSING
    )


def _is_owed(channel: StoredChannel) -> bool:
    verified, received = channel.state.verified, channel.state.received
    if verified is None or received is None:
        return False
    return received.lane_value > verified.leaf.lane(received.lane)


def _deadline(channel: StoredChannel) -> int:
    verified = channel.state.verified
    return verified.leaf.deadline if verified else 0


def log(home: Home) -> Finding:
    """Whether the log can be written."""
    path = home.given().log_path(home.folder)
    if path is None:
        return ok("to stderr or the journal")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return warning(f"{path} cannot be written: its lines are lost", "chown or chmod it")
    return ok(f"{path}")

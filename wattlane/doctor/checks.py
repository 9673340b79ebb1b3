"""All checks of a home, in the order in which one would mend things."""

from __future__ import annotations

from wattlane.doctor import folder, machine, network
from wattlane.doctor.home import Home
from wattlane.doctor.report import Check

SLOW_S = 45.0

CHECKS: tuple[Check[Home], ...] = (
    Check("python", machine.python, "install Wattlane anew"),
    Check("kernels", machine.kernels, "pip install numba"),
    Check("limits", machine.limits, "see `ulimit -a`"),
    Check("space", machine.space, "does the folder exist? wattlane wallet new"),
    Check("sync", machine.syncing, "is the disk writable and well? see dmesg"),
    Check("clock", machine.clock, "set the clock"),
    Check("settings", folder.settings, "correct node.toml (wattlane node config shows it)"),
    Check("permissions", folder.permissions, "chown the folder to the user of the node"),
    Check("wallet", folder.wallet, "wattlane wallet new, or restore from the recovery phrase"),
    Check("store", folder.store, "wattlane node restore with the newest backup"),
    Check("node", folder.process, "is the folder readable? see the node's log"),
    Check("log", folder.log, "correct `log` in node.toml"),
    Check("exit key", folder.exit_key, "is the folder readable?"),
    Check("deadlines", folder.deadlines, "mend the store first"),
    Check("l1", network.l1, "is the L1 node running, and its URL right (--l1)?", SLOW_S),
    Check("contract", network.contract, "set the rollup's own contract and L1", SLOW_S),
    Check("ether", network.ether, "mend wallet and L1 first", SLOW_S),
    Check("sequencer", network.sequencer, "is its URL right (--sequencer)? else wait", SLOW_S),
    Check("relay", network.relay, "is the sequencer's URL right?"),
    Check("peers", network.peers, "correct peers in node.toml"),
    Check("towers", network.towers, "correct the towers file (mode 600)"),
)

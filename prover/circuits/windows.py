"""Invariant: a proof's user slots change leaves inside three subtrees, and the trees nowhere else.

Two windows of the accounts tree, with different prefixes, and one of the channels tree
(protocol.windows). `opening` names them; every user slot takes their nodes from the one before and
leaves them as its own updates made them; `closing` proves that the first nodes were in the trees,
window after window, and puts the last ones there. With one prefix twice, slots that use the second
window would come after all that use the first: hence "two windows". Ref: docs/statements.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from protocol.state import AccountUpdate, ChannelUpdate
from protocol.windows import PREFIX_BITS, WINDOW_LEVELS, ProofWindows, prefix_of
from prover.circuits.conditions import enforce_zero_if
from prover.circuits.tree_place import NO_SIBLINGS, TreePlace, input_place, place_inputs
from prover.gadgets.bits import enforce_bits, input_bit
from prover.gadgets.compare import enforce_nonzero
from prover.gadgets.merkle import advise_siblings, siblings_inputs, updated_roots
from prover.gadgets.select import enforce_equal_if, select
from prover.r1cs.builder import Builder
from prover.r1cs.lc import Bit, Lc
from prover.r1cs.template import Template

ACCOUNTS1, ACCOUNTS2, CHANNELS = WINDOWS = ("accounts1", "accounts2", "channels")
UPPER_LEVELS = PREFIX_BITS // 2


@dataclass(frozen=True, slots=True)
class WindowWires:
    """A window as a user slot sees it: which one, and its node now."""

    prefix: Lc
    node: Lc

    def updated_if(
        self, b: Builder, active: Bit, place: TreePlace, old_leaf: Lc, new_leaf: Lc
    ) -> WindowWires:
        """The window after an update at `place`, which is inside it if active. 3,604."""
        enforce_equal_if(b, active, place.prefix, self.prefix, label="inside the window")
        return WindowWires(self.prefix, place.update_if(b, active, self.node, old_leaf, new_leaf))


@dataclass(frozen=True, slots=True)
class AccountPlace:
    """Where in one of the accounts' two windows."""

    tree: TreePlace
    in_second: Bit

    def update_if(
        self,
        b: Builder,
        active: Bit,
        windows: tuple[WindowWires, WindowWires],
        old_leaf: Lc,
        new_leaf: Lc,
    ) -> tuple[WindowWires, WindowWires]:
        """Both windows, of which the one chosen is updated if active. 3,609 constraints."""
        first, second = windows
        enforce_zero_if(b, Bit((1 - active).terms), self.in_second, label="inactive window")
        chosen = WindowWires(
            select(b, self.in_second, second.prefix, first.prefix, label="prefix"),
            select(b, self.in_second, second.node, first.node, label="node"),
        )
        node = chosen.updated_if(b, active, self.tree, old_leaf, new_leaf).node
        new_first = select(b, self.in_second, first.node, node, label="first")
        new_second = select(b, self.in_second, node, second.node, label="second")
        return WindowWires(first.prefix, new_first), WindowWires(second.prefix, new_second)


def input_account_place(b: Builder) -> AccountPlace:
    """The inputs index, siblings and in_second. 26 constraints."""
    return AccountPlace(input_place(b, WINDOW_LEVELS), input_bit(b, "in_second"))


def input_channel_place(b: Builder) -> TreePlace:
    """The inputs index and siblings. 25 constraints."""
    return input_place(b, WINDOW_LEVELS)


def link_window(b: Builder, name: str) -> WindowWires:
    """A window as the part before left it: the links name/prefix and name/node."""
    return WindowWires(b.link(f"{name}/prefix"), b.link(f"{name}/node"))


@cache
def opening() -> Template:
    """Exports: for each window its node (under the window's name), prefix, and bit/0 .. bit/11."""
    b = Builder("windows opened")
    prefixes = []
    for name in WINDOWS:
        with b.scope(name):
            prefix = b.input("prefix/value")
            b.export("prefix", prefix)
            for i, bit in enumerate(enforce_bits(b, prefix, PREFIX_BITS)):
                b.export(f"bit/{i}", bit)
            node = b.materialise(b.input("node"), label="node")
        b.export(name, node)
        prefixes.append(prefix)
    enforce_nonzero(b, prefixes[0] - prefixes[1], label="two windows")
    return b.build()


@cache
def closing() -> Template:
    """Links: accounts_root, channels_root before the user slots; for each window name/bit/i,
    name/old and name/new. Exports: accounts, channels (the roots afterwards)."""
    b = Builder("windows closed")
    accounts, channels = b.link("accounts_root"), b.link("channels_root")
    accounts = _replaced(b, ACCOUNTS1, accounts)
    b.export("accounts", _replaced(b, ACCOUNTS2, accounts))
    b.export("channels", _replaced(b, CHANNELS, channels))
    return b.build()


def _replaced(b: Builder, name: str, root: Lc) -> Lc:
    """The root after a window's old node gave place to the new one."""
    with b.scope(name):
        bits = [Bit(b.link(f"bit/{i}").terms) for i in range(PREFIX_BITS)]
        siblings = advise_siblings(b, levels=UPPER_LEVELS)
        old, new = updated_roots(b, bits, b.link("old"), b.link("new"), siblings)
        b.enforce_equal(old, root, label="old node is in the tree")
        return new


def opening_inputs(windows: ProofWindows) -> dict[str, int]:
    """The inputs of `opening`."""
    inputs: dict[str, int] = {}
    for name, window in zip(WINDOWS, (*windows.accounts, windows.channel), strict=True):
        inputs |= {f"{name}/prefix/value": window.prefix, f"{name}/node": window.old_node}
    return inputs


def closing_inputs(windows: ProofWindows) -> dict[str, int]:
    """The inputs of `closing` but its links."""
    inputs: dict[str, int] = {}
    for name, window in zip(WINDOWS, (*windows.accounts, windows.channel), strict=True):
        inputs |= siblings_inputs(f"{name}/siblings", window.siblings)
    return inputs


def account_place_inputs(
    scope: str, update: AccountUpdate | None, windows: ProofWindows
) -> dict[str, int]:
    """The inputs of `input_account_place`; None for an inactive one."""
    second = update is not None and prefix_of(update.index) == windows.accounts[1].prefix
    index, siblings = (update.index, update.siblings) if update else (0, NO_SIBLINGS)
    place = place_inputs(scope, index, siblings[:WINDOW_LEVELS])
    return {**place, f"{scope}/in_second": int(second)}


def channel_place_inputs(scope: str, update: ChannelUpdate | None) -> dict[str, int]:
    """The inputs of `input_channel_place`; None for an inactive one."""
    slot, siblings = (update.slot, update.siblings) if update else (0, NO_SIBLINGS)
    return place_inputs(scope, slot, siblings[:WINDOW_LEVELS])

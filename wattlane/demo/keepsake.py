"""What `--keep` leaves behind, and the commands to look at it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from prover.groth16.keys import VerifyingKey
from sequencer.settings import DATABASE
from wattlane.demo.l1 import DemoL1
from wattlane.demo.settings import ANVIL
from wattlane.demo.site import Site
from wattlane.home_folder import meter_in
from wattlane.l1_dev import CHAIN_STATE, DEPLOYMENT, write_deployment


def keep_l1(folder: Path | None) -> Path | None:
    """The file in which anvil keeps the chain, in a folder that `wattlane l1 dev` can open."""
    if folder is None:
        return None
    folder.mkdir()
    return folder / CHAIN_STATE


def show_commands(
    console: Console,
    site: Site,
    l1: DemoL1,
    contract: str,
    token: str,
    keys: tuple[VerifyingKey, VerifyingKey],
) -> None:
    """Write down the deployment, and print what to type. `keys`: of batches and of exits."""
    console.print(f"[bold]Everything is kept in {site.root}[/]")
    console.print(
        "  wallets, nodes' records, meters and journals: homes/   logs of all processes: logs/"
    )
    console.print(
        "  the community: community.toml   the market: market/   the homes' bills: bills/"
    )
    if not any(site.operator.glob(DATABASE)):
        console.print("  (the sequencer's database was deleted before the batches were verified)")
    home = next((site.root / "homes").iterdir())
    commands = [f"wattlane market recompute {site.market}"]
    commands += [
        f"wattlane bill verify {bill} --folder {home}"
        for bill in sorted(site.bills.glob(f"{home.name}-????-??.bill"))
    ]
    commands.append(f"wattlane meter verify --folder {meter_in(home)}")
    for command in commands:
        console.print("  " + command, soft_wrap=True, highlight=False)
    if l1.kind == ANVIL:
        write_deployment(site.root / "l1" / DEPLOYMENT, contract, token, keys)
        console.print("  start its L1 again:  ", f"wattlane l1 dev --folder {site.root / 'l1'}")
        url = "http://127.0.0.1:8545"
    else:
        url = l1.url
        if l1.kind != "url":
            console.print("  (the embedded L1 keeps no state; use --l1 anvil to keep the chain)")
            return
    for command in (
        f"wattlane status --l1 {url} --contract {contract}",
        f"wattlane verify-batch all --l1 {url} --contract {contract}",
        f"wattlane wallet show --folder {home}",
    ):
        console.print("  " + command, soft_wrap=True, highlight=False)

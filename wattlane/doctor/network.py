"""What the home depends on: its own L1, the rollup's code there, the sequencer, the neighbours."""

from __future__ import annotations

import asyncio
import json
import socket
from importlib.metadata import version
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import connect

from channels.errors import ChannelsError
from channels.inspecting import inspect
from channels.relay import RelayUse, relay_url
from channels.wallet import Wallet
from contracts.deployed_code import check_rollup_code
from contracts.rpc import Rpc
from protocol.batch import domain_of
from protocol.units import ADDRESS_BITS
from wattlane.doctor.home import Home
from wattlane.doctor.report import Finding, ok, problem, warning
from wattlane.errors import BadChoice, WattlaneError

_TIMEOUT_S = 5.0
LATE_S = 1_800
FEW_WEI = 5 * 10**15
"""A forced op costs about 200,000 gas: some ten of them at 2 gwei."""


def l1(home: Home) -> Finding:
    """The home's own L1 node: there, on the chain of the home's records, and up to date."""
    url = home.given().l1
    if url is None:
        raise BadChoice("no L1 is set")
    chain_id = Rpc(url, _TIMEOUT_S).quantity("eth_chainId")
    try:
        stored = inspect(home.folder)
    except ChannelsError:
        stored = None  # the check of the store says so
    try:
        reader = home.reader()
    except (WattlaneError, ValueError, KeyError):
        return warning(
            f"chain {chain_id} answers; which contract to look at is not known",
            "mend store or sequencer, or set the contract",
        )
    expected = domain_of(chain_id, int(reader.address, 16) % (1 << ADDRESS_BITS))
    if stored is not None and stored.identity.domain != expected:
        return problem(
            f"chain {chain_id} with contract {reader.address} is not this home's rollup",
            "set the l1 and the contract with which the home was made",
        )
    final = reader.final_block()
    age_s = reader.latest_block().timestamp - final.timestamp
    said = f"chain {chain_id}, final block {final.number}"
    if age_s > LATE_S:
        return warning(
            f"{said} is {age_s / 60:.0f} minutes behind the newest",
            "wait until the L1 finalises again; a node accepts nothing meanwhile",
        )
    return ok(said)


def contract(home: Home) -> Finding:
    """The code at the rollup's address, and at its exodus's, against the committed artifacts."""
    reader = home.reader()
    check_rollup_code(reader)
    return ok(f"{reader.address} and its exodus hold this version's code")


def ether(home: Home) -> Finding:
    """Gas for what the sequencer may leave out."""
    address = Wallet.show(home.folder)["l1_address"]
    wei = home.reader().rpc.quantity("eth_getBalance", address, "latest")
    said = f"{wei / 1e18:.4f} ether at {address}"
    if wei < FEW_WEI:
        return warning(said, "send some: forcing a claim or an exit on L1 costs gas and a fee")
    return ok(said)


def sequencer(home: Home) -> Finding:
    """The operator's service: there, of the same rollup, of the same version, and well."""
    info = home.sequencer("/v1/info").json()
    try:
        reader = home.reader()
        domain = domain_of(reader.chain_id(), int(reader.address, 16) % (1 << ADDRESS_BITS))
    except Exception:  # noqa: BLE001 - the check of L1 says what it is
        domain = None
    if domain is not None and int(info["domain"]) != domain:
        return problem(
            f"it serves rollup {info['contract']} of chain {info['chain_id']}, not this home's",
            "set the sequencer of the home's own rollup",
        )
    if info["version"].split(".")[:2] != version("wattlane").split(".")[:2]:
        return warning(
            f"it runs version {info['version']}, this home {version('wattlane')}",
            "install the same version",
        )
    health = home.sequencer("/v1/health").json()
    if health.get("status") != "ok":
        return warning(
            f"it says of itself: {json.dumps(health)[:120]}",
            "nothing to do but wait: what cannot wait, the node forces on L1",
        )
    return ok(f"version {info['version']}, rollup {info['contract']}, well")


def relay(home: Home) -> Finding:
    """Whether neighbours that cannot dial this home reach it."""
    given = home.given()
    if given.relay is RelayUse.NEVER:
        return ok("not used, as set")
    if given.sequencer is None and given.relay_url is None:
        return problem("no sequencer is set, so no relay", "set sequencer or relay_url")
    url = given.relay_url or relay_url(given.sequencer or "")
    try:
        state = str(home.health()["relay"])
    except (ChannelsError, TimeoutError):
        state = asyncio.run(_greeting(url))
    if state in ("registered", "answers"):
        return ok(f"{url}: {state}")
    mend = "see whether a proxy passes WebSockets, and whether a second node of the account runs"
    return (
        problem(f"{url}: {state}", mend)
        if given.relay is RelayUse.ALWAYS
        else warning(f"{url}: {state}", mend)
    )


async def _greeting(url: str) -> str:
    try:
        async with asyncio.timeout(_TIMEOUT_S), connect(url, proxy=None) as line:
            given = json.loads(await line.recv())
            return "answers" if given["type"] == "challenge" else "it is no relay"
    except Exception as error:  # noqa: BLE001 - one line for whatever it is
        return f"no answer ({type(error).__name__})"


def peers(home: Home) -> Finding:
    """The neighbours: met directly, at the relay, or not at all."""
    try:
        reached = {int(index): str(how) for index, how in home.health()["peers"].items()}
    except (ChannelsError, TimeoutError):
        reached = {index: _dialled(url) for index, url in home.given().peers.items()}
    if not reached:
        return ok("none known yet")
    away = {index: how for index, how in reached.items() if how not in ("direct", "relay")}
    if away:
        index, why = next(iter(away.items()))
        return warning(
            f"{len(away)} of {len(reached)} not reached; account {index}: {why}",
            "they may be off; else check their addresses (peers in node.toml) or use the relay",
        )
    by_relay = sum(how == "relay" for how in reached.values())
    return ok(f"{len(reached)} reached, {by_relay} of them through the relay")


def _dialled(url: str) -> str:
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "wss" else 80)
        with socket.create_connection((parts.hostname or "", port), timeout=_TIMEOUT_S):
            return "direct"
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}"


def towers(home: Home) -> Finding:
    """Who watches while this home is off."""
    watching = home.given().node_settings().towers
    if not watching:
        return warning(
            "none: whoever closes with an old voucher wins if this node is off for a whole window",
            "set towers in node.toml (wattlane node run --towers)",
        )
    for one in watching:
        try:
            httpx.get(one.url, timeout=_TIMEOUT_S, trust_env=False)
        except httpx.HTTPError as error:
            return problem(
                f"{one.url} does not answer ({type(error).__name__})",
                "tell its operator, or name another",
            )
    return ok(f"{len(watching)} answer")

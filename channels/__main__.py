"""`python -m channels`: run one home's node. The passphrase comes from file, environment or prompt.

When the node is ready it prints one JSON line with its account, ws:// address and folder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from channels.errors import ChannelsError
from channels.log import log_to_stderr
from channels.node import Node
from channels.passphrase import read_passphrase
from channels.policy import Policy
from channels.process import run_node
from channels.relay import RelayUse
from channels.settings import NodeSettings
from channels.wallet import Wallet


def _peer(given: str) -> tuple[int, str]:
    index, _, url = given.partition("=")
    if not index.isdigit() or not url.startswith(("ws://", "wss://")):
        raise argparse.ArgumentTypeError(f"{given!r} is not INDEX=ws://HOST:PORT")
    return int(index), url


def _address(given: str) -> tuple[str, int]:
    host, _, port = given.rpartition(":")
    if not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{given!r} is not HOST:PORT")
    return host, int(port)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m channels", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="wallet and store")
    parser.add_argument("--sequencer", required=True, help="URL of the sequencer")
    parser.add_argument("--l1", help="URL of your own L1 RPC (default: WATTLANE_L1)")
    parser.add_argument("--contract", help="the rollup's address (default: the sequencer's word)")
    parser.add_argument("--confirmations", type=int, help="development chains: blocks until final")
    parser.add_argument("--listen", type=_address, default=("127.0.0.1", 0), help="HOST:PORT")
    parser.add_argument("--peer", type=_peer, action="append", default=[], help="INDEX=ws://...")
    parser.add_argument("--passphrase-file", type=Path)
    parser.add_argument("--trust-limit-ntok", type=int, default=0)
    parser.add_argument("--poll-s", type=float, default=1.0)
    parser.add_argument("--account-timeout-s", type=float, default=0.0)
    parser.add_argument("--relay", type=RelayUse, default=RelayUse.AUTO, choices=list(RelayUse))
    parser.add_argument("--plain", action="store_true", help="no compiled code")
    return parser.parse_args()


def _say_ready(node: Node) -> None:
    info = node.info()
    print(json.dumps({"account_index": info.account_index, "url": info.url}), flush=True)


def main() -> int:
    """Run until stopped; 1 with one line on stderr for an error that has a name."""
    given = _arguments()
    log_to_stderr()
    settings = NodeSettings(
        policy=Policy(trust_limit_ntok=given.trust_limit_ntok),
        confirmations=given.confirmations,
        poll_s=given.poll_s,
        account_timeout_s=given.account_timeout_s,
        use_compiled=not given.plain,
        relay=given.relay,
    )
    try:
        wallet = Wallet.load(given.folder, read_passphrase(given.passphrase_file))
        asyncio.run(
            run_node(
                wallet,
                folder=given.folder,
                sequencer=given.sequencer,
                l1=given.l1,
                contract=given.contract,
                listen=given.listen,
                peers=dict(given.peer),
                settings=settings,
                on_ready=_say_ready,
            )
        )
    except ChannelsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

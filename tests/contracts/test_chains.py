"""The development chains: clock, restart, ports, and what the embedded node answers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contracts import errors
from contracts.chain import Chain, ChainUnavailable, dev_account, start_chain
from contracts.chain.anvil import OVERRIDE, anvil_binary
from contracts.deploy import deploy_token
from contracts.erc20 import TokenReader
from contracts.finality import find_block
from contracts.rpc import Rpc
from contracts.transactions import Sender

PATIENCE_S = 120


def _timestamp(chain: Chain) -> int:
    block = find_block(chain.rpc, "latest")
    assert block is not None
    return block.timestamp


def test_block_time_is_the_wall_clock_plus_what_was_added(chain: Chain) -> None:
    chain.mine()
    ahead = _timestamp(chain) - time.time()
    chain.advance_time(500)
    assert 495 <= _timestamp(chain) - time.time() - ahead <= 505
    chain.mine()
    assert 495 <= _timestamp(chain) - time.time() - ahead <= 505


def test_accounts_have_ether_and_send(chain: Chain) -> None:
    for account in chain.accounts:
        assert chain.rpc.quantity("eth_getBalance", account.address, "latest") > 10**18
    sender = Sender(chain.rpc, chain.accounts[9])
    receipt = sender.send(chain.accounts[8].address, b"", value_wei=5)
    assert receipt.gas_used == 21_000


def test_many_threads_send_and_read_at_once(chain: Chain) -> None:
    token = deploy_token(chain.url, chain.accounts[0])
    reads = TokenReader(Rpc(chain.url), token.address)

    def work(number: int) -> int:
        account = chain.accounts[number]
        sender = Sender(Rpc(chain.url), account)
        for _ in range(8):
            sender.send(chain.accounts[0].address, b"", value_wei=1)
            reads.balance_of(account.address)
            chain.rpc.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
        return number

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(work, range(1, 7))) == [1, 2, 3, 4, 5, 6]


def test_gas_of_the_same_transactions_is_the_same_on_both_chains(
    anvil: Chain, embedded: Chain
) -> None:
    used = []
    for chain in (anvil, embedded):
        token = deploy_token(chain.url, chain.accounts[4])
        minted = token.mint(chain.accounts[5].address, 10**20).gas_used
        used.append((minted, token.transfer(chain.accounts[6].address, 0).gas_used))
    assert used[0] == used[1]


def test_a_port_in_use_is_named(chain: Chain) -> None:
    port = int(chain.url.rsplit(":", 1)[1])
    with pytest.raises(ChainUnavailable, match=f"port {port} is in use"):
        start_chain(chain.kind, port=port)


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(ChainUnavailable, match="no such kind"):
        start_chain("mainnet")


def test_stopping_ends_the_process() -> None:
    chain = start_chain("embedded")
    chain.stop()
    chain.stop()
    with pytest.raises(errors.RpcError, match="no connection"):
        chain.rpc.call("eth_chainId")


def test_the_embedded_chain_ends_with_its_parent() -> None:
    script = (
        "from contracts.chain import start_chain; import os\n"
        "chain = start_chain('embedded'); print(chain.url, flush=True); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 9
    rpc, deadline = Rpc(done.stdout.strip(), timeout_s=10), time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            rpc.call("eth_chainId")
        except errors.RpcError:
            return
        time.sleep(0.05)
    pytest.fail("the embedded chain outlived its parent")


def test_the_embedded_chain_keeps_no_state_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(ChainUnavailable, match="keeps no state"):
        start_chain("embedded", state=tmp_path / "state.json")


def test_anvil_keeps_its_chain_in_a_file(anvil: Chain, tmp_path: Path) -> None:
    state = tmp_path / "chain.json"
    with start_chain("anvil", state=state) as first:
        token = deploy_token(first.url, first.accounts[0])
        block = token.mint(first.accounts[1].address, 77).block_number
        first.advance_time(500)
        then = _timestamp(first)
    with start_chain("anvil", state=state) as second:
        reads = TokenReader(second.rpc, token.address)
        assert reads.balance_of(second.accounts[1].address) == 77
        assert reads.balance_of(second.accounts[1].address, block=block - 1) == 0
        second.mine()
        assert _timestamp(second) >= then


def test_anvil_that_cannot_be_had_is_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(OVERRIDE, str(tmp_path / "nothing"))
    with pytest.raises(ChainUnavailable, match="no executable file"):
        anvil_binary()
    monkeypatch.delenv(OVERRIDE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ChainUnavailable, match="npm is not installed"):
        anvil_binary()
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho registry unreachable >&2; exit 1\n")
    npm.chmod(0o755)
    with pytest.raises(ChainUnavailable, match="registry unreachable"):
        anvil_binary()
    left = [path.name for path in tmp_path.rglob("anvil-*")]
    assert left == []


def test_the_embedded_node_refuses_what_it_does_not_understand(embedded: Chain) -> None:
    answers = {
        b"{": -32700,
        b"3": -32600,
        b'{"method": 5}': -32600,
        b'{"method": "eth_mystery"}': -32601,
        b'{"method": "eth_getBalance", "params": "0x"}': -32602,
        b'{"method": "eth_getBalance", "params": []}': -32602,
        b'{"method": "eth_getBalance", "params": ["0x12"]}': -32602,
        b'{"method": "eth_call", "params": [7]}': -32602,
        b'{"method": "eth_call", "params": [{"from": "0x"}]}': -32602,
        b'{"method": "eth_call", "params": [{"to": "0x12"}]}': -32602,
        b'{"method": "eth_call", "params": [{"gas": "0x1"}]}': -32000,
        b'{"method": "eth_getLogs", "params": [{"topics": "0x"}]}': -32602,
        b'{"method": "eth_sendRawTransaction", "params": ["0x1234"]}': -32000,
        b'{"method": "eth_sendRawTransaction", "params": ["0x"]}': -32000,
        b'{"method": "eth_sendRawTransaction", "params": ["0x02c0"]}': -32000,
        b'{"method": "eth_getBalance", "params": ["0x%s", "0xffffff"]}' % (b"00" * 20): -32000,
    }
    for body, code in answers.items():
        assert _post(embedded.url, body)["error"]["code"] == code, body
    assert _post(embedded.url, b'{"id": 7, "method": "eth_chainId"}') == {
        "jsonrpc": "2.0",
        "id": 7,
        "result": hex(31_337),
    }
    assert embedded.rpc.call("eth_getBlockByNumber", "0xffffffff", False) is None
    assert embedded.rpc.call("eth_getTransactionReceipt", "0x" + 64 * "1") is None


def test_the_embedded_nodes_blocks_form_a_chain(embedded: Chain) -> None:
    token = deploy_token(embedded.url, embedded.accounts[0])
    receipt = token.mint(embedded.accounts[1].address, 5)
    rpc = embedded.rpc
    block = rpc.parse_object("", rpc.call("eth_getBlockByNumber", hex(receipt.block_number), True))
    parent = rpc.parse_object("", rpc.call("eth_getBlockByHash", block["parentHash"], False))
    assert block["hash"] == "0x" + receipt.block_hash.hex()
    assert parent["number"] == hex(receipt.block_number - 1)
    assert int(str(parent["timestamp"]), 16) < int(str(block["timestamp"]), 16)
    assert isinstance(block["transactions"], list)
    sent = block["transactions"][0]
    assert sent["hash"] == "0x" + receipt.transaction_hash.hex()
    assert sent["from"] == embedded.accounts[0].address.lower()
    assert receipt.logs[0].block_hash == receipt.block_hash


def test_development_keys_are_the_same_every_time() -> None:
    assert dev_account(0).address != dev_account(1).address
    assert dev_account(3) is dev_account(3)


def _post(url: str, body: bytes) -> dict[str, dict[str, int]]:
    with urllib.request.urlopen(urllib.request.Request(url, body)) as response:  # noqa: S310
        answer: dict[str, dict[str, int]] = json.loads(response.read())
    return answer

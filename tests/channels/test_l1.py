"""A node's own L1: an RPC that is silent, broken or wrong is one error that names it."""

from __future__ import annotations

import pytest
from eth_account import Account

from channels.errors import L1Unreachable
from channels.l1 import ContractL1
from tests.e2e.rpc_proxy import GARBAGE, RpcProxy

CONTRACT = "0x" + "11" * 20
OWNER = Account.from_key(b"\x11" * 32)


@pytest.mark.parametrize("mode", ["silent", "error", *GARBAGE])
async def test_an_rpc_that_misbehaves_is_named(mode: str) -> None:
    with RpcProxy("http://127.0.0.1:9") as proxy:
        proxy.mode = mode
        view = ContractL1(proxy.url, CONTRACT, OWNER, confirmations=0, timeout_s=0.3)
        for ask in (view.domain, view.final, view.head_time, view.pending_ntok):
            with pytest.raises(L1Unreachable) as caught:
                await ask()
            assert proxy.url in str(caught.value)
        assert proxy.calls >= 4

"""How far a channel's change has come, as its node tells it."""

from __future__ import annotations

from channels.handle import ChannelHandle
from protocol.state import State
from protocol.units import DAY_S
from tests.channels.conftest import OpenNode
from tests.channels.rollup import Rollup
from tests.channels.test_payments import until


def standing(channel: ChannelHandle) -> tuple[str, str, str]:
    info = channel.info
    return info.status, info.soft_status, info.level


async def test_a_change_is_soft_then_proved_then_final(open_node: OpenNode, rollup: Rollup) -> None:
    async with open_node(0) as ann, open_node(1, peers={0: ann.url}) as ben:
        channel = await ann.open_channel(1, deposit_ntok=100, window_s=DAY_S)
        await ben.wait_channel(channel.id)
        assert standing(channel) == ("open", "open", "final")
        rollup.seals_itself = False
        await channel.top_up(50, wait=False)
        await until(lambda: standing(channel) == ("open", "open", "soft"))
        rollup.prove()
        await until(lambda: standing(channel) == ("open", "open", "proved"))
        assert channel.info.deposit_own_ntok == 100
        rollup.seal()
        await until(lambda: standing(channel) == ("open", "open", "final"))
        assert channel.info.deposit_own_ntok == 150
        await channel.close(wait=False)
        await until(lambda: standing(channel) == ("open", "closed", "soft"))
        rollup.prove()
        await until(lambda: standing(channel) == ("open", "closed", "proved"))
        rollup.seal()
        await until(lambda: standing(channel) == ("closed", "closed", "final"))


async def test_a_sequencer_that_says_nothing_of_proofs_leaves_it_soft(
    open_node: OpenNode, rollup: Rollup
) -> None:
    async with open_node(0) as ann:
        channel = await ann.open_channel(1, deposit_ntok=100, window_s=DAY_S)
        rollup.seals_itself = False
        rollup.proved = State()
        rollup.states.pop(rollup.proved.root)  # asked for it, the sequencer stumbles
        await channel.top_up(50, wait=False)
        await until(lambda: standing(channel)[2] == "soft")
        await ann.balance()  # another round
        assert standing(channel)[2] == "soft"
        assert ann.info().problem is None

"""A tower's interface: who may hand over what, and when a key is given out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels.forcing import ForcedDesk
from channels.handover import Handover, Kind, LaneName, clear, key_of, sealed
from protocol.channels import Lane
from tests.channels.street import BEN, DOMAIN, LEAF, voucher
from tests.watchtower.street import CLOSING, World
from watchtower.api import MOST_BODY_BYTES, MOST_LANES, create_app
from watchtower.rounds import TowerRounds
from watchtower.store import TowerStore

KEY = bytes(range(32))
NAME = LaneName(LEAF.id, Lane.AB)
PAID = voucher(700 << 40)


def as_json(given: Handover, **changed: object) -> dict[str, Any]:
    return {
        "channel_id": str(given.name.channel_id),
        "lane": str(int(given.name.lane)),
        "number": str(given.number),
        "record": given.record.hex(),
        **changed,
    }


@dataclass
class Served:
    """A tower's application, asked without a network."""

    world: World
    store: TowerStore
    rounds: TowerRounds
    http: httpx.AsyncClient
    token: str

    async def post(self, *lanes: object, token: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        return await self.http.post("/v1/lanes", json={"lanes": list(lanes)}, headers=headers)

    async def refused(self, *lanes: object, token: str | None = None) -> tuple[int, str]:
        response = await self.post(*lanes, token=token)
        return response.status_code, response.json()["code"]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    world, store = World(), TowerStore(tmp_path)
    rounds = TowerRounds(world, world, world, store, ForcedDesk(world, store, 10**15), DOMAIN)
    await rounds.once()
    app = create_app(store, rounds, DOMAIN)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://tower") as http:
        yield Served(world, store, rounds, http, store.add_client("ben", most_lanes=3))
    store.close()


async def test_a_true_voucher_is_kept_and_repeating_it_is_safe(served: Served) -> None:
    for _ in range(2):
        response = await served.post(as_json(clear(PAID)))
        assert (response.status_code, response.json()) == (200, {"kept": [str(PAID.lane_value)]})
    assert served.store.of_channels([LEAF.id]) == [clear(PAID)]


async def test_a_lower_voucher_is_answered_with_what_is_there(served: Served) -> None:
    await served.post(as_json(clear(PAID)))
    response = await served.post(as_json(clear(voucher(5 << 40))))
    assert response.json() == {"kept": [str(PAID.lane_value)]}


async def test_refuses_strangers(served: Served) -> None:
    for token in ("", "guess", served.token[:-1]):
        assert await served.refused(as_json(clear(PAID)), token=token) == (401, "UnknownClient")
    assert (await served.http.post("/v1/lanes", json={"lanes": []})).status_code == 401
    assert served.store.count() == 0


WRONG = {
    "another key": clear(voucher(700 << 40, by=BEN)),
    "another domain": clear(voucher(700 << 40, domain=DOMAIN + 1)),
    "a signature over another value": clear(replace(PAID, lane_value=701 << 40)),
    "the other lane": clear(replace(PAID, lane=Lane.BA)),
}


@pytest.mark.parametrize("what", WRONG)
async def test_refuses_a_voucher_that_is_worth_nothing(served: Served, what: str) -> None:
    assert await served.refused(as_json(WRONG[what])) == (409, "BadVoucher")
    assert served.store.count() == 0


async def test_refuses_what_belongs_to_no_final_channel(served: Served) -> None:
    other = voucher(700 << 40, channel_id=LEAF.id + (1 << 64))
    assert await served.refused(as_json(clear(other))) == (409, "ChannelNotFinal")
    assert await served.refused(as_json(sealed(other, KEY, 5))) == (409, "ChannelNotFinal")
    assert await served.refused(as_json(clear(PAID)), as_json(clear(other))) == (
        409,
        "ChannelNotFinal",
    )
    assert served.store.count() == 0, "all or none"


@pytest.mark.parametrize(
    "lane",
    [
        {},
        5,
        as_json(clear(PAID), lane="2"),
        as_json(clear(PAID), lane=True),
        as_json(clear(PAID), channel_id="x"),
        as_json(clear(PAID), channel_id=str(1 << 96)),
        as_json(clear(PAID), number=str(1 << 96)),
        as_json(clear(PAID), number=str(PAID.lane_value + 1)),
        as_json(clear(PAID), record="zz"),
        as_json(clear(PAID), record=7),
        as_json(clear(PAID), record="01" * 100),
        as_json(clear(PAID), record="09" + "00" * 172),
        as_json(clear(PAID), record="01" * 4_000),
        as_json(clear(PAID), more="1"),
    ],
)
async def test_refuses_what_makes_no_sense(served: Served, lane: object) -> None:
    status, _ = await served.refused(lane)
    assert status == 400
    assert served.store.count() == 0


async def test_refuses_too_many_lanes_at_once_or_a_token(served: Served) -> None:
    many = [as_json(clear(PAID))] * (MOST_LANES + 1)
    assert await served.refused(*many) == (400, "MalformedRequest")
    headers = {"Authorization": f"Bearer {served.token}"}
    huge = await served.http.post(
        "/v1/lanes", content=b"[" * (MOST_BODY_BYTES + 1), headers=headers
    )
    assert huge.json()["code"] == "MalformedRequest"
    served.world.to_final(*(replace(LEAF, epoch=LEAF.epoch + n) for n in range(4)))
    await served.rounds.once()
    four = [as_json(clear(voucher(5 << 40, channel_id=LEAF.id + (n << 64)))) for n in range(4)]
    assert await served.refused(*four) == (429, "TooManyLanes")


async def test_answers_nothing_before_l1_was_replayed(served: Served) -> None:
    served.rounds.view = None
    assert await served.refused(as_json(clear(PAID))) == (503, "NotSynchronised")
    health = (await served.http.get("/v1/health")).json()
    assert (health["status"], health["final_block"]) == ("degraded", None)


async def test_health_tells_what_it_watches(served: Served) -> None:
    await served.post(as_json(clear(PAID)))
    health = (await served.http.get("/v1/health")).json()
    assert (health["status"], health["lanes"], health["final_block"]) == ("ok", "1", "1")


# --- keeping keys -------------------------------------------------------------------------------


async def test_a_key_is_given_out_only_while_its_channel_is_closing(served: Served) -> None:
    await served.post(as_json(key_of(NAME, KEY, 1)))
    url = f"/v1/keys/{LEAF.id}/0"
    early = await served.http.get(url)
    assert (early.status_code, early.json()["code"]) == (403, "KeyNotDue")
    served.world.soft_closing = [CLOSING]  # a sequencer's word opens nothing
    await served.rounds.once()
    assert (await served.http.get(url)).status_code == 403
    served.world.to_final(CLOSING)
    await served.rounds.once()
    assert (await served.http.get(url)).json() == {"keys": ["0x" + KEY.hex()]}
    assert (await served.http.get(f"/v1/keys/{LEAF.id}/1")).status_code == 404
    assert (await served.http.get("/v1/keys/77/0")).status_code == 409
    assert (await served.http.get(f"/v1/keys/{LEAF.id}/5")).status_code == 400


async def test_a_voucher_is_never_given_out_as_a_key(served: Served) -> None:
    await served.post(as_json(clear(PAID)))
    served.world.to_final(CLOSING)
    await served.rounds.once()
    assert (await served.http.get(f"/v1/keys/{LEAF.id}/0")).status_code == 404
    assert {one.kind for one in served.store.of_channels([LEAF.id])} == {Kind.CLEAR}

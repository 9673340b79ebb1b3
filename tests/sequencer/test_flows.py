from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace

import pytest
from httpx import ASGITransport, AsyncClient, Response

from protocol.channels import channel_id
from protocol.codec import Json
from protocol.errors import BadSignature, Malformed, OutOfRange
from protocol.flows import (
    MOST_LINES,
    FlowLine,
    FlowReport,
    check_report,
    report_from_json,
    report_to_json,
)
from sequencer.api.app import create_app
from sequencer.api.services import Info, Services
from sequencer.bus import InProcessBus
from sequencer.errors import FlowNotNew
from sequencer.flows import CLOCKS_APART_S, MOST_LANES, MOST_SAMPLES, RECENT_S, FlowBoard
from sequencer.pages.picture import MOST_HOMES, picture
from sequencer.views import Views
from tests.protocol.street import ANNA, BERT, DOMAIN, Home, open_street
from tests.sequencer.world import World

ID = channel_id(0, 1, 0)
CHANNEL = open_street()[1]


class Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def report(bought_wh: int, at: float, payer: int = 0, id_: int = ID, lines: int = 1) -> FlowReport:
    return FlowReport(payer, int(at), (FlowLine(id_, bought_wh),) * lines)


def test_a_report_survives_its_json_and_binds_every_field() -> None:
    given = report(5, 1_000)
    signature = ANNA.sign(given.message(DOMAIN))
    text = json.dumps(report_to_json(given, signature))
    assert report_from_json(json.loads(text)) == (given, signature)
    check_report(given, signature, DOMAIN, ANNA.key_hash)
    others = (
        replace(given, account_index=1),
        replace(given, time=1_001),
        report(6, 1_000),
        report(5, 1_000, id_=ID + 1),
        replace(given, lines=given.lines * 2),
    )
    for other in others:
        with pytest.raises(BadSignature):
            check_report(other, signature, DOMAIN, ANNA.key_hash)
    for domain, key_hash in ((DOMAIN + 1, ANNA.key_hash), (DOMAIN, BERT.key_hash)):
        with pytest.raises(BadSignature):
            check_report(given, signature, domain, key_hash)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        {"account": "0"},
        {"account": "x"},
        {"lines": []},
        {"lines": [{}]},
        {"lines": [{"channel_id": "1", "bought_wh": "1"}] * (MOST_LINES + 1)},
        {"lines": [{"channel_id": str(2**96), "bought_wh": "1"}]},
        {"time": str(2**40)},
        {"signature": {}},
    ],
)
def test_a_malformed_report_is_refused(broken: object) -> None:
    given: object = broken
    if isinstance(broken, dict) and broken != {"account": "0"}:
        good = report(5, 1_000)
        given = {**report_to_json(good, ANNA.sign(good.message(DOMAIN))), **broken}
    with pytest.raises((Malformed, OutOfRange)):
        report_from_json(given)


def test_the_board_shows_what_came_in_the_last_minute() -> None:
    clock = Clock()
    board = FlowBoard(InProcessBus(), clock)
    channels = {ID: CHANNEL}
    for bought_wh in (100, 130, 150):
        assert board.take(report(bought_wh, clock.now), channels) == 1
        clock.now += 20
    (flow,) = board.flows(channels)
    assert (flow.payer, flow.payee, flow.total_wh, flow.recent_wh) == (0, 1, 150, 50)
    clock.now += RECENT_S - 30
    (flow,) = board.flows(channels)
    assert (flow.total_wh, flow.recent_wh) == (150, 20)
    clock.now += RECENT_S
    assert board.flows(channels)[0].recent_wh == 0


def test_the_board_keeps_out_what_is_none_of_the_reporters() -> None:
    clock = Clock()
    board = FlowBoard(InProcessBus(), clock)
    channels = {ID: CHANNEL}
    assert board.take(report(100, 1, payer=2), channels) == 0  # not its channel
    assert board.take(report(100, 1, id_=ID + 5), channels) == 0  # no such channel
    assert board.take(report(100, 1), channels) == 1
    assert board.take(report(99, 2), channels) == 0  # energy does not flow back
    assert [one.total_wh for one in board.flows(channels)] == [100]
    assert board.flows({}) == []  # its channel has closed
    assert board.flows(channels) == []


def test_the_board_refuses_what_is_old_or_from_another_time() -> None:
    clock = Clock()
    board = FlowBoard(InProcessBus(), clock)
    board.take(report(1, clock.now), {ID: CHANNEL})
    with pytest.raises(FlowNotNew, match="as young"):
        board.check_time(report(1, clock.now))
    board.check_time(report(1, clock.now + 1))
    with pytest.raises(FlowNotNew, match="apart"):
        board.check_time(report(1, clock.now + CLOCKS_APART_S + 2))
    clock.now += 1_000
    with pytest.raises(FlowNotNew, match="apart"):
        board.check_time(report(1, clock.now - CLOCKS_APART_S - 2))


def test_the_boards_memory_is_bounded() -> None:
    clock = Clock()
    board = FlowBoard(InProcessBus(), clock)
    channels = {
        channel_id(0, 1, epoch): replace(CHANNEL, epoch=epoch) for epoch in range(MOST_LANES + 5)
    }
    for id_ in channels:
        board.take(report(1, 1, id_=id_), channels)
    assert len(board.flows(channels)) == MOST_LANES
    last = channel_id(0, 1, MOST_LANES + 4)
    for bought_wh in range(2, 500):
        clock.now += 0.05
        board.take(report(bought_wh, 1, id_=last), channels)
    (lane,) = [one for (id_, _), one in board._lanes.items() if id_ == last]
    assert len(lane.samples) <= MOST_SAMPLES
    assert board.flows(channels)[-1].recent_wh == 498


async def test_another_workers_board_hears_of_a_report() -> None:
    clock, bus = Clock(), InProcessBus()
    here, there = FlowBoard(bus, clock), FlowBoard(bus, clock)
    channels = {ID: CHANNEL}
    there.follow(lambda: channels)
    await asyncio.sleep(0)
    first, second = report(100, clock.now), report(180, clock.now + 1)
    for one in (first, second):
        assert await here.publish(one, ANNA.sign(one.message(DOMAIN)), channels) == 1
    for _ in range(20):
        await asyncio.sleep(0)
    assert here.flows(channels) == there.flows(channels) != []
    with pytest.raises(FlowNotNew):
        await here.publish(second, ANNA.sign(second.message(DOMAIN)), channels)
    await bus.close()


async def post(http: AsyncClient, given: FlowReport, by: Home) -> Response:
    body: Json = report_to_json(given, by.sign(given.message(DOMAIN)))
    return await http.post("/v1/flows", json=body)


async def test_a_signed_report_is_shown_and_no_other(world: World) -> None:
    world.ledger.submit(world.open_channel())
    services = Services(world.ledger, Views(world.ledger), Info(1, "0x" + "5f" * 20, True))
    app = create_app(services)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://sequencer") as http:
        assert (await http.get("/v1/flows")).json() == []
        now = int(time.time())
        taken = await post(http, report(100, now), ANNA)
        assert (taken.status_code, taken.json()) == (202, {"taken": "1"})
        assert (await post(http, report(250, now + 1), ANNA)).status_code == 202
        (flow,) = (await http.get("/v1/flows")).json()
        assert (flow["payer"], flow["payee"], flow["recent_wh"]) == ("0", "1", "150")
        for given, by, status, code in (
            (report(300, now + 2), BERT, 403, "BadSignature"),
            (report(300, now + 1), ANNA, 422, "FlowNotNew"),
            (report(300, now + 2, payer=77), ANNA, 404, "UnknownAccount"),
        ):
            answer = await post(http, given, by)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert (await http.post("/v1/flows", content=b"{")).status_code == 400
    await services.bus.close()


def test_the_picture_has_two_streams_a_channel_and_is_bounded() -> None:
    board = FlowBoard(InProcessBus(), Clock())
    channels = {ID: CHANNEL}
    for bought_wh in (0, 400):
        board.take(report(bought_wh, 1), channels)
    found = picture(channels, board.flows(channels))
    assert [(one.seller, one.buyer, one.strength) for one in found.streams] == [
        (1, 0, 4),
        (0, 1, 0),
    ]
    assert [one.role for one in found.homes] == ["buys", "sells"]
    many = {
        channel_id(index, index + 1, 0): replace(CHANNEL, a_index=index, b_index=index + 1, epoch=0)
        for index in range(0, 200, 2)
    }
    crowd = picture(many, [])
    assert (len(crowd.homes), crowd.hidden) == (MOST_HOMES, 200 - MOST_HOMES)
    assert len({(one.x, one.y) for one in crowd.homes}) == MOST_HOMES
    assert picture({}, []).homes == ()

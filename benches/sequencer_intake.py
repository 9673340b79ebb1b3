"""The intake of a sequencer: transactions accepted a second, durably, by real processes.

    python -m benches.sequencer_intake [--seconds 60] [--rate 1100] [--homes 275] [--on sqlite]

On two cores, all of it: two API workers, the batcher, the database, Redis, the L1 node and the
load generator, which posts 100 signed transactions at a time when they are due, whether or not
earlier posts were answered; a post's answer takes from when it was due. Transactions are signed
beforehand. The prover is elsewhere: proofs are simulated, two seconds each. In the end every
process is killed (SIGKILL), and what was accepted is looked for in the database.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benches.figures import Figure, at_least, at_most, beside, emit
from contracts.chain import Chain
from contracts.client import RollupClient
from protocol.codec import transaction_id, transaction_to_json
from protocol.crypto import compiled
from protocol.transactions import Transfer
from sequencer.settings import load_settings, make_settings, save_settings
from sequencer.storage import intake, mempool, queue
from sequencer.storage.database import Database
from tests.e2e.sequencer_process import FEE_NTOK, SequencerProcess, Setting, start_l1
from tests.protocol.street import Home, home
from tests.support.services import MissingService, PostgresServer, RedisServer, free_port
from tests.support.simulating_sequencer import supervise

CORES = 2
A_POST = 100
PROOF_S = 2.0
DEPOSIT_NTOK = 1_000_000
ANSWER_WITHIN_S = 30.0
TARGET_PER_S = 1_000.0
COMMAND = "python -m benches.sequencer_intake"


@dataclass(slots=True)
class Load:
    """What was posted, and what came back."""

    posts: list[bytes]
    ids: list[list[str]]
    accepted: list[str] = field(default_factory=list)
    answers_s: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def presigned(setting: Setting, homes: list[Home], count: int) -> Load:
    """Posts of transfers between the homes, each home's in the order of its nonces."""
    until = setting.valid_until()
    bodies: list[dict[str, object]] = []
    ids: list[str] = []
    for number in range(count):
        sender = homes[number % len(homes)]
        recipient = homes[(number + 1) % len(homes)]
        nonce = number // len(homes)
        body = Transfer(sender.index, recipient.index, nonce, 1, FEE_NTOK, until)
        transaction = setting.signed(body, sender)
        bodies.append(transaction_to_json(transaction))
        ids.append(transaction_id(transaction))
    starts = range(0, count, A_POST)
    return Load(
        [json.dumps({"transactions": bodies[i : i + A_POST]}).encode() for i in starts],
        [ids[i : i + A_POST] for i in starts],
    )


async def post_all(url: str, load: Load, rate: float) -> float:
    """Post each when it is due; returns the seconds until the last answer."""
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    headers = {"content-type": "application/json"}
    async with httpx.AsyncClient(limits=limits, timeout=ANSWER_WITHIN_S) as client:
        began = time.perf_counter()

        async def post(number: int, due: float) -> None:
            answer = await repeated(
                lambda: client.post(f"{url}/v1/intake", content=load.posts[number], headers=headers)
            )
            load.answers_s.append(time.perf_counter() - due)
            if answer.status_code != 202:
                load.problems.append(answer.text[:200])
                return
            for result in answer.json()["results"]:
                if "id" in result:
                    load.accepted.append(result["id"])
                else:
                    load.problems.append(result["problem"]["code"])

        tasks = []
        for number in range(len(load.posts)):
            due = began + number * A_POST / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(post(number, due)))
        await asyncio.gather(*tasks)
        return time.perf_counter() - began


async def repeated(post: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """The answer to a post, which is safe to repeat where its idle connection was closed."""
    for _ in range(3):
        with contextlib.suppress(httpx.RemoteProtocolError, httpx.ReadError):
            return await post()
    return await post()


def measure(chain: Chain, folder: Path, name: str, options: argparse.Namespace) -> list[Figure]:
    """One database; the servers that it needs are started here."""
    setting = Setting.make(chain, folder)
    homes = more_homes(setting, options.homes)
    load = presigned(setting, homes, round(options.rate * options.seconds))
    with services(name) as urls:
        fields = load_settings(setting.settings.folder).model_dump()
        fields |= {"listen_port": free_port(), "api_workers": 2, "mempool_limit": 100_000, **urls}
        save_settings(make_settings(fields))
        settings = load_settings(setting.settings.folder)
        sequencer = SequencerProcess(settings.folder, proof_s=PROOF_S, target=supervise)
        try:
            sequencer.ready()
            database = Database.open(settings.where_the_database_is)
            wait_for_homes(setting, database, len(homes) + 3)
            took_s = asyncio.run(post_all(sequencer.url, load, options.rate))
        finally:
            sequencer.kill()
        lost = lost_of(database, load.accepted)
        database.close()
    return figures(name, load, took_s, lost)


def more_homes(setting: Setting, count: int) -> list[Home]:
    """Homes with an account each, beside the two that there are."""
    payer = setting.homes.sender.address
    operator = RollupClient(setting.chain.url, setting.settings.contract, setting.chain.accounts[0])
    units = operator.settings().base_units(count * DEPOSIT_NTOK)
    operator.token_client().mint(payer, units)
    setting.homes.approve(count * DEPOSIT_NTOK)
    homes = []
    for number in range(count):
        one = home(number + 3)
        index, _ = setting.homes.new_account(
            one.key_hash, setting.homes.sender.address, DEPOSIT_NTOK
        )
        homes.append(Home(index, one.secret, int(payer, 16)))
    return homes


def wait_for_homes(setting: Setting, database: Database, ops: int) -> None:
    """Until the sequencer has seen the queue."""
    deadline = time.monotonic() + 300
    while True:
        with database.read() as connection:
            if queue.newest(connection) >= ops:
                return
        assert time.monotonic() < deadline
        setting.chain.mine()
        time.sleep(0.2)


def lost_of(database: Database, accepted: list[str]) -> int:
    """How many are nowhere in the database, after all processes were killed."""
    with database.read() as connection:
        there = intake.present(connection, accepted) | set(
            mempool.standing(connection, sorted(accepted))
        )
    return len(set(accepted) - there)


@contextmanager
def services(name: str) -> Iterator[dict[str, object]]:
    """The settings of this database, its servers started."""
    if name == "sqlite":
        yield {}
        return
    postgres, redis = PostgresServer(survives_power_cuts=True), RedisServer()
    try:
        yield {"database_url": postgres.new_database(), "redis_url": redis.url}
    finally:
        postgres.close()
        redis.close()


def figures(name: str, load: Load, took_s: float, lost: int) -> list[Figure]:
    """The rows of one database."""
    per_s = len(load.accepted) / took_s
    answers = sorted(load.answers_s)
    p99_ms = 1_000 * answers[int(0.99 * (len(answers) - 1))]
    p50_ms = 1_000 * answers[len(answers) // 2]
    print(
        f"{name}: {len(load.accepted)} accepted in {took_s:.1f} s, {len(load.problems)} not "
        f"{sorted(set(load.problems))[:3]}; an answer takes {p50_ms:.0f} ms, p99 {p99_ms:.0f} ms"
    )
    what = f"intake, {name}"
    return [
        at_least(f"{what}: accepted a second", per_s, TARGET_PER_S, "transactions/s", COMMAND),
        beside(f"{what}: p99 of a post of {A_POST}", p99_ms, "ms", COMMAND),
        at_most(f"{what}: accepted and lost", float(lost), 0.0, "transactions", COMMAND),
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=1_100.0)
    parser.add_argument("--homes", type=int, default=275)
    parser.add_argument("--on", choices=["sqlite", "postgresql", "both"], default="both")
    options = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    compiled.install()
    names = ["sqlite", "postgresql"] if options.on == "both" else [options.on]
    with start_l1() as chain, tempfile.TemporaryDirectory() as folder:
        for name in names:
            try:
                emit(measure(chain, Path(folder) / name, name, options))
            except MissingService as error:
                sys.exit(str(error))


if __name__ == "__main__":
    main()

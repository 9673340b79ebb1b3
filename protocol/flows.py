"""A flow report: what a home says that it has bought in its channels so far, signed by its key.

For pictures only. Nothing is paid, proved or decided by one: whoever shows it says "reported".
A home reports its own lanes alone, so no two homes can contradict each other about one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from protocol.codec import Json, signature_from_json, signature_to_json, to_int
from protocol.crypto.schnorr import Signature, key_hash, verify
from protocol.errors import BadSignature, Malformed
from protocol.units import (
    CHANNEL_ID_BITS,
    DOMAIN_BITS,
    INDEX_BITS,
    LANE_WH_BITS,
    TIME_BITS,
    check_range,
)

MOST_LINES = 64
"""A report has at most so many channels."""


@dataclass(frozen=True, slots=True)
class FlowLine:
    """`bought_wh`: all that the reporting home has ever promised to pay for in this channel.

    Raises OutOfRange.
    """

    channel_id: int
    bought_wh: int

    def __post_init__(self) -> None:
        check_range("channel_id", self.channel_id, CHANNEL_ID_BITS)
        check_range("bought_wh", self.bought_wh, LANE_WH_BITS)


@dataclass(frozen=True, slots=True)
class FlowReport:
    """What account `account_index` says at `time` (its own clock, Unix seconds).

    Raises OutOfRange, and Malformed for no line or more than MOST_LINES.
    """

    account_index: int
    time: int
    lines: tuple[FlowLine, ...]

    def __post_init__(self) -> None:
        check_range("account_index", self.account_index, INDEX_BITS)
        check_range("time", self.time, TIME_BITS)
        if not 0 < len(self.lines) <= MOST_LINES:
            raise Malformed(f"a flow report has 1 to {MOST_LINES} lines, not {len(self.lines)}")

    def message(self, domain: int) -> int:
        """What the home signs: SHA-256 under a name of its own, 248 bits, no Poseidon output."""
        check_range("domain", domain, DOMAIN_BITS)
        lines = "|".join(f"{one.channel_id}:{one.bought_wh}" for one in self.lines)
        text = f"wattlane-flows|{domain}|{self.account_index}|{self.time}|{lines}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:31], "big")


def check_report(
    report: FlowReport, signature: Signature, domain: int, account_key_hash: int
) -> None:
    """Raises BadSignature unless the account's present key signed this very report."""
    own = key_hash(signature.key) == account_key_hash
    if not own or not verify(signature, report.message(domain)):
        raise BadSignature(f"account {report.account_index}")


def report_to_json(report: FlowReport, signature: Signature) -> Json:
    """As it is sent; integers are decimal strings."""
    return {
        "account": str(report.account_index),
        "time": str(report.time),
        "lines": [
            {"channel_id": str(one.channel_id), "bought_wh": str(one.bought_wh)}
            for one in report.lines
        ],
        "signature": signature_to_json(signature),
    }


def report_from_json(given: object) -> tuple[FlowReport, Signature]:
    """A report with its signature, unverified. Raises Malformed, OutOfRange."""
    if not isinstance(given, dict) or given.keys() != {"account", "time", "lines", "signature"}:
        raise Malformed("a flow report has account, time, lines and signature")
    lines = given["lines"]
    if not isinstance(lines, list) or not 0 < len(lines) <= MOST_LINES:
        raise Malformed(f"lines is not a list of 1 to {MOST_LINES}")
    report = FlowReport(
        to_int("account", given["account"]),
        to_int("time", given["time"]),
        tuple(_line(one) for one in lines),
    )
    return report, signature_from_json(given["signature"])


def _line(given: object) -> FlowLine:
    if not isinstance(given, dict) or given.keys() != {"channel_id", "bought_wh"}:
        raise Malformed("a line has channel_id and bought_wh")
    return FlowLine(
        to_int("channel_id", given["channel_id"]), to_int("bought_wh", given["bought_wh"])
    )

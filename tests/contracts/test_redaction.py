"""What reaches a log is plain and without secrets, however they are spelled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.redaction import HIDDEN, Redaction, secrets_of

KEY = bytes(range(200, 232))
PASSPHRASE = "correct horse/battery?"
RPC = "https://ann:hunter22@l1.example:8545/v3/0123456789abcdef?apikey=fedcba98&net=mainnet"


@pytest.fixture
def redaction() -> Redaction:
    made = Redaction([PASSPHRASE], [RPC, None])
    made.add_key(KEY)
    return made


@pytest.mark.parametrize(
    "text",
    [
        f"it said {PASSPHRASE}",
        "in a query: correct%20horse%2Fbattery%3F",
        "in a form: correct+horse%2Fbattery%3F",
        f"key {KEY.hex()}",
        f"key 0x{KEY.hex().upper()}",
        f"key {KEY!r}",
        f"key {int.from_bytes(KEY)}",
        "Max retries exceeded with url: /v3/0123456789abcdef?apikey=fedcba98",
        "Authorization: basic ann:hunter22",
        RPC,
    ],
)
def test_what_is_known_to_be_secret_is_found_in_every_spelling(
    redaction: Redaction, text: str
) -> None:
    shown = redaction.text(text)
    for secret in (PASSPHRASE, "horse", KEY.hex(), "0123456789", "fedcba98", "hunter22", "\\xcc"):
        assert secret.lower() not in shown.lower()
    assert str(int.from_bytes(KEY)) not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no answer from https://l1.example/v3/k0?x=1, again", "no answer from https://l1.example"),
        ("'postgresql+psycopg://me:pw@db:5432/wattlane'", "'postgresql+psycopg://db:5432'"),
        ("redis://:pw@cache:6379/0", "redis://cache:6379"),
        ("sqlite:////var/lib/sequencer.db is read-only", "sqlite:////var/lib/sequencer.db is"),
        ("ws://[::1", f"ws://{HIDDEN}"),
        ("batch 5 accepted: gas_used=278619", "batch 5 accepted: gas_used=278619"),
    ],
)
def test_of_any_url_only_its_place_is_left(text: str, shown: str) -> None:
    assert Redaction().text(text).startswith(shown)
    assert "pw" not in Redaction().text(text)


class Spy:
    def __repr__(self) -> str:
        return PASSPHRASE


@dataclass
class Refused(Exception):
    said: str

    def __str__(self) -> str:
        return self.said


def test_only_plain_values_pass(redaction: Redaction) -> None:
    event = {
        "event": "batch sent",
        "batch": 5,
        "seconds": 1.5,
        "kept": True,
        "nothing": None,
        "error": Refused(f"no to {PASSPHRASE}"),
        "path": Path("/var/lib/0123456789abcdef"),
        "raw": KEY,
        "number": int.from_bytes(KEY),
        "spy": Spy(),
        "many": [Spy(), {"deep": PASSPHRASE, "passphrase": "short"}],
        "private_key": "0xabc",
        "transaction": "0x" + "5a" * 32,
    }
    assert redaction(None, "info", event) == {
        "event": "batch sent",
        "batch": 5,
        "seconds": 1.5,
        "kept": True,
        "nothing": None,
        "error": f"Refused: no to {HIDDEN}",
        "path": f"/var/lib/{HIDDEN}",
        "raw": "<32 bytes>",
        "number": HIDDEN,
        "spy": "<Spy>",
        "many": ["<Spy>", {"deep": HIDDEN, "passphrase": HIDDEN}],
        "private_key": HIDDEN,
        "transaction": "0x" + "5a" * 32,
    }


@settings(max_examples=30)
@given(st.text(min_size=6, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_a_secret_never_survives_whatever_stands_around_it(
    secret: str, before: str, after: str
) -> None:
    redaction = Redaction([secret])
    if secret.lower() not in HIDDEN:
        assert secret not in redaction.text(before + secret + after).replace(HIDDEN, "")


def test_local_databases_have_no_secrets_in_their_urls() -> None:
    assert secrets_of("sqlite:////home/ann/wattlane/sequencer.db") == []
    assert secrets_of("http://[::1") == ["http://[::1"]

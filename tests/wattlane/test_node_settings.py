"""node.toml under the environment under options; what is wrong in it is one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.forcing import DEFAULT_MAX_QUEUE_FEE_WEI
from channels.relay import RelayUse
from tests.wattlane.cli.running import assert_one_line, wattlane
from wattlane.errors import BadNodeSettings
from wattlane.node_settings import (
    FILE,
    NodeFile,
    load_node_file,
    source_of,
    write_node_file,
)


@pytest.fixture(autouse=True)
def _no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NodeFile.model_fields:
        monkeypatch.delenv(f"WATTLANE_{name.upper()}", raising=False)


def test_options_over_environment_over_file_over_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / FILE).write_text('relay = "never"\nl1 = "http://file"\nsequencer = "http://file"\n')
    monkeypatch.setenv("WATTLANE_RELAY", "always")
    monkeypatch.setenv("WATTLANE_L1", "http://environment")
    given = load_node_file(tmp_path, l1="http://option", contract=None)
    assert (given.l1, given.relay, given.sequencer) == (
        "http://option",
        RelayUse.ALWAYS,
        "http://file",
    )
    assert given.listen == "127.0.0.1:0"
    sources = {name: source_of(tmp_path, name) for name in ("relay", "sequencer", "listen")}
    assert sources == {"relay": "environment", "sequencer": FILE, "listen": "default"}


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    settings = load_node_file(
        tmp_path,
        l1="http://l1",
        peers={7: "ws://ben:1", 9: "wss://carl"},
        relay="always",
        log='a "log" \\ in ü',
        towers=Path("/etc/towers.json"),
        max_fee_gwei=5,
    )
    write_node_file(tmp_path, settings)
    assert load_node_file(tmp_path).model_dump() == settings.model_dump()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    with pytest.raises(BadNodeSettings, match="there already"):
        write_node_file(tmp_path, settings)
    assert not list(tmp_path.glob("*.new"))


def test_defaults_are_there_as_comments_that_can_be_used(tmp_path: Path) -> None:
    path = write_node_file(tmp_path, NodeFile())
    text = path.read_text()
    names = [line[2:].split(" = ")[0] for line in text.splitlines() if line.startswith("# ")]
    assert {*NodeFile.model_fields} - {"peers"} <= set(names)
    used = [line for line in text.splitlines() if "..." not in line and " = " in line]
    path.write_text("\n".join(line.removeprefix("# ") for line in used if "account =" not in line))
    assert load_node_file(tmp_path).model_dump() == NodeFile().model_dump()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("relay = 'sometimes'", "relay"),
        ("l1 = 'ftp://x'", "l1"),
        ("colour = 'red'", "colour"),
        ("l1 = ", "cannot be read"),
        ("\xff", "cannot be read"),
        ("log_bytes = 1", "log_bytes"),
        ("[peers]\nann = 'ws://x'", "peers"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / FILE).write_bytes(text.encode("latin-1"))
    with pytest.raises(BadNodeSettings, match=word):
        load_node_file(tmp_path)


def test_what_a_node_gets(tmp_path: Path) -> None:
    settings = NodeFile(confirmations=3, relay=RelayUse.NEVER, relay_url="wss://elsewhere/relay")
    node = settings.node_settings()
    assert (node.confirmations, node.relay) == (3, RelayUse.NEVER)
    assert node.relay_url == "wss://elsewhere/relay"
    assert node.max_queue_fee_wei == DEFAULT_MAX_QUEUE_FEE_WEI
    assert settings.log_path(tmp_path) is None
    assert NodeFile(log="node.log").log_path(tmp_path) == tmp_path / "node.log"
    assert NodeFile(log="/var/log/x").log_path(tmp_path) == Path("/var/log/x")


def test_the_commands_write_and_show_them(tmp_path: Path) -> None:
    folder = str(tmp_path / "home")
    done = wattlane(
        "node", "init", "--folder", folder, "--l1", "http://l1:8545", "--peer", "7=ws://ben:1"
    )
    assert done.returncode == 0, done.stderr
    assert "wattlane wallet new" in done.stdout
    shown = wattlane("node", "config", "--folder", folder, WATTLANE_RELAY="never")
    lines = {line.split()[0]: line.split()[1:] for line in shown.stdout.splitlines()}
    assert lines["l1"] == ["http://l1:8545", FILE]
    assert lines["relay"] == ["never", "environment"]
    assert lines["log"] == ["node.log", FILE]
    refused = wattlane("node", "run", "--folder", folder)
    assert_one_line(refused, 2, "--sequencer", "node.toml")

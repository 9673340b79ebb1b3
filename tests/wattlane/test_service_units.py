"""The units are what systemd itself accepts, with everything shut that a node does not need."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.wattlane.cli.running import wattlane
from wattlane.cli import service
from wattlane.cli.app import app
from wattlane.errors import BadChoice
from wattlane.service_units import Service, unit_of

ANALYZE = shutil.which("systemd-analyze")
PROGRAM = Path(sys.executable)


@pytest.mark.skipif(ANALYZE is None, reason="there is no systemd-analyze here")
@pytest.mark.parametrize("service", list(Service))
@pytest.mark.parametrize("folder", [None, Path("/srv/wattlane/one")])
def test_systemd_accepts_the_unit(service: Service, folder: Path | None, tmp_path: Path) -> None:
    unit = unit_of(service, PROGRAM, folder)
    path = tmp_path / unit.name
    path.write_text(unit.text)
    done = subprocess.run(
        ["systemd-analyze", "verify", path], capture_output=True, text=True, timeout=60
    )
    said = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, said) == (0, [])
    path.write_text(unit.text.replace("NoNewPrivileges=yes", "NoNewPrivilegs=yes"))
    again = subprocess.run(
        ["systemd-analyze", "verify", path], capture_output=True, text=True, timeout=60
    )
    assert "NoNewPrivilegs" in again.stderr, "a typing error would not be noticed"


@pytest.mark.parametrize("service", list(Service))
def test_it_is_told_when_ready_and_boxed_in(service: Service) -> None:
    lines = unit_of(service, PROGRAM).text.splitlines()
    for line in (
        "Type=notify",
        "Restart=on-failure",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        f"StateDirectory=wattlane/{service}",
    ):
        assert line in lines
    (start,) = [line for line in lines if line.startswith("ExecStart=")]
    assert f"{service} run --folder /var/lib/wattlane/{service}" in start


@pytest.mark.parametrize("service", list(Service))
def test_whoever_holds_money_gets_a_passphrase_and_nobody_else(service: Service) -> None:
    unit = unit_of(service, PROGRAM)
    credential = f"LoadCredential=passphrase:/etc/wattlane/{service}.passphrase"
    has_one = service is not Service.MARKET
    assert (credential in unit.text.splitlines()) == has_one
    assert (" --passphrase-file %d/passphrase\n" in unit.text) == has_one
    assert any("PASSPHRASE" in step for step in unit.before) == has_one


@pytest.mark.parametrize("service", list(Service))
def test_the_command_line_understands_what_the_unit_starts(service: Service) -> None:
    """Nothing is missing, nothing unknown; a tower is told where its rollup is behind `--`."""
    here = "http://127.0.0.1:8545"
    where = ("--l1", here, "--sequencer", here, "--contract", "0x" + "5f" * 20)
    options = where if service is Service.TOWER else ()
    text = unit_of(service, PROGRAM, options=options).text
    started = re.search(r"^ExecStart=\S+ (.*)$", text, re.MULTILINE)
    assert started is not None
    words = started[1].replace("%d", "/run/credentials").split()
    group: Any = typer.main.get_command(app)
    run = group.commands[words[0]].commands[words[1]]
    run.make_context("run", words[2:])


def test_a_market_is_told_how_its_journal_begins() -> None:
    *_, community, start, founding = unit_of(Service.MARKET, PROGRAM).before
    assert community.startswith("cp FILE /var/lib/wattlane/market/community.toml")
    assert start.endswith("enable --now wattlane-market")
    assert "wattlane market community found FILE" in founding


@pytest.mark.parametrize(
    ("program", "folder", "reads", "homes"),
    [
        ("/opt/wattlane/bin/wattlane", None, (), "yes"),
        ("/home/anna/venv/bin/wattlane", None, (), "read-only"),
        ("/root/.local/bin/wattlane", None, (), "read-only"),
        ("/homes/anna/bin/wattlane", None, (), "yes"),
        ("/opt/wattlane/bin/wattlane", Path("/home/anna/node"), (), "read-only"),
        ("/opt/wattlane/bin/wattlane", None, (Path("/home/anna/python"),), "read-only"),
    ],
)
def test_homes_are_hidden_unless_the_program_lies_there(
    program: str, folder: Path | None, reads: tuple[Path, ...], homes: str
) -> None:
    unit = unit_of(Service.NODE, Path(program), folder, reads=reads)
    assert f"ProtectHome={homes}" in unit.text.splitlines()


def test_the_command_looks_where_its_own_interpreter_lies(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(service, "_program", lambda: Path("/opt/bin/wattlane"))
    monkeypatch.setattr(sys, "prefix", "/home/anna/venv")
    service.print_unit(Service.NODE)
    assert "ProtectHome=read-only" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("word", ["a b", "a%h", "a\nUser=root", "$HOME", 'a"', "a;b"])
def test_no_word_can_say_more_than_it_is(word: str) -> None:
    with pytest.raises(BadChoice, match="cannot stand in a unit file"):
        unit_of(Service.NODE, PROGRAM, options=("--l1", word))
    with pytest.raises(BadChoice, match=r"cannot stand|absolute"):
        unit_of(Service.NODE, PROGRAM, Path("/srv") / word)
    with pytest.raises(BadChoice):
        unit_of(Service.NODE, PROGRAM, user=word)


def test_the_command_prints_and_writes_it(tmp_path: Path) -> None:
    printed = wattlane("service", "print", "node", "--", "--relay", "always")
    assert printed.returncode == 0
    assert re.search(r"^ExecStart=\S+ node run .* --relay always$", printed.stdout, re.MULTILINE)
    assert "systemctl daemon-reload" in printed.stderr
    done = wattlane("service", "install", "tower", "--units", str(tmp_path))
    assert done.returncode == 0
    text = (tmp_path / "wattlane-tower.service").read_text()
    assert " tower run --folder /var/lib/wattlane/tower " in text
    refused = wattlane("service", "install", "tower", "--units", str(tmp_path / "nowhere"))
    assert refused.returncode == 1
    assert "cannot be written" in refused.stderr

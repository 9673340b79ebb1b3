"""systemd units for node, sequencer, watchtower and market: told when ready, watched, boxed in.

The process may write one folder and nothing else; the passphrase, if it has one, is a credential
that only it can read. Ref: systemd.service(5), systemd.exec(5), systemd.unit(5). Pure: text in,
text out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from wattlane.errors import BadChoice

USER = "wattlane"
UNITS = Path("/etc/systemd/system")
CREDENTIALS = Path("/etc/wattlane")
STATE = Path("/var/lib/wattlane")
CACHE = Path("/var/cache/wattlane")
HOMES = (Path("/home"), Path("/root"), Path("/run/user"))
"""What `ProtectHome=yes` hides."""

_PLAIN = re.compile(r"[A-Za-z0-9._:/=@+,-]+")


class Service(StrEnum):
    """What can run as a service."""

    NODE = "node"
    SEQUENCER = "sequencer"
    TOWER = "tower"
    MARKET = "market"


@dataclass(frozen=True, slots=True)
class _Kind:
    description: str
    starts_within_s: int
    stops_within_s: int
    has_passphrase: bool = True


_KINDS = {
    Service.NODE: _Kind("Wattlane node of a home", 300, 60),
    Service.SEQUENCER: _Kind("Wattlane sequencer", 3_600, 300),
    Service.TOWER: _Kind("Wattlane watchtower", 3_600, 60),
    Service.MARKET: _Kind("Wattlane market of a community", 3_600, 60, has_passphrase=False),
}
"""A sequencer may compile and set up its prover first, a tower replays L1, a market its journal.
A market has no money, and its key, which signs the journal, no passphrase.
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit's name, its text, and what to do once before it can start."""

    name: str
    text: str
    before: tuple[str, ...]


def unit_of(
    service: Service,
    program: Path,
    folder: Path | None = None,
    options: tuple[str, ...] = (),
    user: str = USER,
    reads: tuple[Path, ...] = (),
) -> Unit:
    """The unit that runs `program SERVICE run --folder FOLDER OPTIONS`.

    `folder`: None takes /var/lib/wattlane/SERVICE, which systemd makes. `reads`: other places that
    the program is run from, such as its interpreter's. Raises BadChoice for a word that a unit file
    could read otherwise than it is meant.
    """
    kind = _KINDS[service]
    home = folder or STATE / service
    for word in (str(program), str(home), user, *options):
        if not _PLAIN.fullmatch(word):
            raise BadChoice(f"{word!r} cannot stand in a unit file; put it into the settings file")
    if not program.is_absolute() or not home.is_absolute():
        raise BadChoice("a unit needs absolute paths")
    command = [str(program), service, "run", "--folder", str(home)]
    credentials = []
    if kind.has_passphrase:
        command += ["--passphrase-file", "%d/passphrase"]
        credentials = [f"LoadCredential=passphrase:{_credential(service)}"]
    command += options
    is_own = home.is_relative_to(STATE)
    place = (
        [f"StateDirectory={home.relative_to(STATE.parent)}", "StateDirectoryMode=0700"]
        if is_own
        else [f"ReadWritePaths={home}"]
    )
    places = (program, home, *reads)
    is_hidden = any(place.is_relative_to(one) for place in places for one in HOMES)
    lines = [
        "[Unit]",
        f"Description={kind.description}",
        "Wants=network-online.target",
        "After=network-online.target",
        "StartLimitIntervalSec=600",
        "StartLimitBurst=10",
        "",
        "[Service]",
        "Type=notify",
        f"User={user}",
        f"ExecStart={' '.join(command)}",
        *credentials,
        f"Environment=WATTLANE_CACHE={CACHE}",
        "CacheDirectory=wattlane",
        *place,
        f"WorkingDirectory={'-' if not is_own else ''}{home}",
        "UMask=0077",
        f"TimeoutStartSec={kind.starts_within_s}",
        f"TimeoutStopSec={kind.stops_within_s}",
        "WatchdogSec=120",
        "Restart=on-failure",
        "RestartSec=5",
        "LimitNOFILE=65536",
        "OOMPolicy=stop",
        "",
        "# What it may not do.",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "AmbientCapabilities=",
        "ProtectSystem=strict",
        f"ProtectHome={'yes' if is_own and not is_hidden else 'read-only'}",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "ProtectKernelTunables=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelLogs=yes",
        "ProtectControlGroups=yes",
        "ProtectClock=yes",
        "ProtectHostname=yes",
        "ProtectProc=invisible",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "RestrictNamespaces=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "LockPersonality=yes",
        "RemoveIPC=yes",
        "SystemCallArchitectures=native",
        "SystemCallFilter=@system-service",
        "# No MemoryDenyWriteExecute: what is compiled here is run here.",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return Unit(
        f"wattlane-{service}.service", "\n".join(lines) + "\n", _before(home, user, service)
    )


def _credential(service: Service) -> Path:
    """Where root keeps the passphrase."""
    return CREDENTIALS / f"{service}.passphrase"


def _before(home: Path, user: str, service: Service) -> tuple[str, ...]:
    made = {
        Service.NODE: f"wattlane wallet new --folder {home}, then wattlane node init",
        Service.SEQUENCER: f"wattlane sequencer init --folder {home}",
        Service.TOWER: f"wattlane wallet new --folder {home}",
        Service.MARKET: f"cp FILE {home / 'community.toml'}",
    }
    steps = [
        f"useradd --system --home-dir {STATE} --shell /usr/sbin/nologin {user}",
        f"install -d -m 700 -o {user} {home}",
    ]
    if service in made:
        steps.append(f"{made[service]} (as {user}, or chown -R {user} {home} afterwards)")
    if _KINDS[service].has_passphrase:
        steps.append(f"install -D -m 600 FILE_WITH_THE_PASSPHRASE {_credential(service)}")
    steps.append(f"systemctl daemon-reload && systemctl enable --now wattlane-{service}")
    if service is Service.MARKET:
        steps.append(
            "then, as the treasurer: wattlane market community found FILE --folder COMMUNITY "
            "--market URL (a journal that begins anew waits for that community, and for no other)"
        )
    return tuple(steps)

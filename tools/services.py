"""Debian's packages that some tests need: PostgreSQL, Redis, Chromium. Standard library only.

    python tools/services.py        installs what is missing, as root by apt; never fails

Tests start their own servers from these programs, on loopback and in temporary folders; what the
packages would start by themselves is not used. Where one is missing, those tests skip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

POSTGRES, REDIS, CHROMIUM = "postgresql", "redis-server", "chromium"
PACKAGES: dict[str, str] = {"postgres": POSTGRES, "redis-server": REDIS, "chromium": CHROMIUM}
"""The program that shows that a package is there, and the package."""

_TIMEOUT_S = 600
_NO_START = "#!/bin/sh\nexit 101\n"
_POLICY = Path("/usr/sbin/policy-rc.d")


class MissingService(Exception):
    """A program that a test needs is not installed."""

    def __init__(self, program: str, package: str) -> None:
        super().__init__(program, package)
        self.program, self.package = program, package

    def __str__(self) -> str:
        return f"{self.program} is not installed (Debian package {self.package})"


def find_program(program: str, package: str) -> str:
    """Its path; PostgreSQL's of the newest version, beside the PATH. Raises MissingService."""
    found = shutil.which(program)
    if found is not None:
        return found
    versions = [
        (float(path.parent.parent.name), str(path))
        for path in Path("/usr/lib/postgresql").glob(f"*/bin/{program}")
    ]
    if not versions:
        raise MissingService(program, package)
    return max(versions)[1]


def missing() -> list[str]:
    """The packages whose programs are not here."""
    absent = []
    for program, package in PACKAGES.items():
        try:
            find_program(program, package)
        except MissingService:
            absent.append(package)
    return absent


def _apt(*arguments: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            ["apt-get", "-qq", *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"services: apt-get failed: {error}", file=sys.stderr)
        return False
    if done.returncode:
        print(f"services: apt-get failed: {done.stderr.strip()[-300:]}", file=sys.stderr)
    return done.returncode == 0


def main() -> None:
    """Install what is missing where that is possible, and say what is left."""
    absent = missing()
    if absent and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"services: installing {', '.join(absent)}", flush=True)
        made = not _POLICY.exists()
        if made:
            _POLICY.write_text(_NO_START, encoding="utf-8")  # nothing is started by installing it
            _POLICY.chmod(0o755)
        try:
            if _apt("update"):
                _apt("install", "--yes", "--no-install-recommends", *absent)
        finally:
            if made:
                _POLICY.unlink()
        absent = missing()
    if absent:
        print(f"services: without {', '.join(absent)}: the tests that need them are skipped")


if __name__ == "__main__":
    main()

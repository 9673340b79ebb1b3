"""Where a passphrase may come from: a file, the environment or a prompt; never a command line."""

from __future__ import annotations

import getpass
import os
import stat
import sys
from pathlib import Path

from channels.errors import BadPassphrase

ENVIRONMENT = "WATTLANE_PASSPHRASE"
ENVIRONMENT_FILE = "WATTLANE_PASSPHRASE_FILE"
MIN_LENGTH = 8


def check_passphrase(passphrase: str) -> str:
    """Return it if it can protect a new wallet. Raises BadPassphrase."""
    if len(passphrase) < MIN_LENGTH:
        raise BadPassphrase(f"a passphrase needs at least {MIN_LENGTH} characters")
    return passphrase


def _from_file(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise BadPassphrase(f"others can read {path}; chmod 600 it")
        return path.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadPassphrase(f"cannot read the passphrase file {path}: {error}") from error


def read_passphrase(file: Path | None = None, *, new: bool = False) -> str:
    """From `file`, WATTLANE_PASSPHRASE_FILE, WATTLANE_PASSPHRASE or, on a terminal, a prompt.

    `new`: it will protect a new wallet (a prompt asks twice). Raises BadPassphrase.
    """
    if file is None and os.environ.get(ENVIRONMENT_FILE):
        file = Path(os.environ[ENVIRONMENT_FILE])
    if file is not None:
        passphrase = _from_file(file)
    elif os.environ.get(ENVIRONMENT):
        passphrase = os.environ[ENVIRONMENT]
    elif sys.stdin.isatty():
        passphrase = getpass.getpass("Passphrase: ")
        if new and getpass.getpass("Again: ") != passphrase:
            raise BadPassphrase("the two passphrases differ")
    else:
        raise BadPassphrase(f"no passphrase: set {ENVIRONMENT_FILE} or {ENVIRONMENT}, or use a tty")
    return check_passphrase(passphrase) if new else passphrase

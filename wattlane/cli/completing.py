"""What the shell offers behind a command: channels of the home, and folders that hold one.

Completion must be quick and silent: what cannot be read offers nothing.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import typer
from platformdirs import user_data_path

DEFAULT_FOLDER = user_data_path("wattlane") / "home"
WALLET, STORE = "wallet.json", "node.db"
_MOST = 200


def channel_ids(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The channels in the home's store, with the neighbour's account."""
    given = context.params.get("folder") or os.environ.get("WATTLANE_FOLDER") or DEFAULT_FOLDER
    path = Path(str(given)).expanduser() / STORE
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)) as store:
            rows = store.execute("SELECT channel_id FROM channels ORDER BY rowid DESC").fetchall()
    except sqlite3.Error:
        return []
    found = []
    for (stored,) in rows[:_MOST]:
        number = int(stored, 16)
        first, second = number & 0xFFFFFFFF, number >> 32 & 0xFFFFFFFF
        if f"{number:#x}".startswith(incomplete):
            found.append((f"{number:#x}", f"accounts {first} and {second}"))
    return found


def folders(incomplete: str) -> list[str]:
    """Folders that hold a wallet: near what was typed, and the default one."""
    typed = Path(incomplete or ".").expanduser()
    near = typed if incomplete.endswith("/") or not incomplete else typed.parent
    found = []
    try:
        candidates = [near, *sorted(one for one in near.iterdir() if one.is_dir())]
    except OSError:
        candidates = []
    for one in [*candidates[:_MOST], DEFAULT_FOLDER]:
        text = str(one)
        if text.startswith(incomplete.removeprefix("./")) and (one / WALLET).exists():
            found.append(text)
    return found

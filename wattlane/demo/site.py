"""Where a demo keeps its things: one folder with the operator's, the community's, each home's, and
all logs."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wattlane.errors import BadChoice


@dataclass(frozen=True, slots=True)
class Site:
    """The demo's folder. One passphrase, made for this run, protects all its keystores."""

    root: Path
    passphrase: str

    @property
    def logs(self) -> Path:
        """What each process said."""
        return self.root / "logs"

    @property
    def operator(self) -> Path:
        """The sequencer's folder."""
        return self.root / "operator"

    @property
    def blobs(self) -> Path:
        """The archive of the batches' blobs."""
        return self.root / "blobs"

    @property
    def passphrase_file(self) -> Path:
        """For the processes, and for whoever looks at what was kept."""
        return self.root / "passphrase"

    @property
    def community(self) -> Path:
        """The wallet of the community's own account."""
        return self.root / "community"

    @property
    def community_file(self) -> Path:
        """What the community is and by which rules it trades."""
        return self.root / "community.toml"

    @property
    def market(self) -> Path:
        """The market's journal and the key that signs it."""
        return self.root / "market"

    @property
    def street_file(self) -> Path:
        """What the meters will show."""
        return self.root / "street.csv"

    @property
    def bills(self) -> Path:
        """The homes' bills, in every form."""
        return self.root / "bills"

    def home(self, name: str) -> Path:
        """A home's folder. Names of meters may hold anything printable; folders may not."""
        safe = "".join(c if c.isascii() and c.isalnum() else f"_{ord(c):x}" for c in name)
        return self.root / "homes" / safe

    @property
    def environment(self) -> dict[str, str]:
        """What every process of the demo gets."""
        return {"WATTLANE_PASSPHRASE_FILE": str(self.passphrase_file), "PYTHONUNBUFFERED": "1"}


@contextmanager
def open_site(keep: Path | None) -> Iterator[Site]:
    """A new folder: `keep`, which must not hold anything yet, or a temporary one.

    Raises BadChoice where it cannot be made.
    """
    try:
        if keep is None:
            root = Path(tempfile.mkdtemp(prefix="wattlane-demo-"))
        else:
            keep.mkdir(parents=True, exist_ok=True, mode=0o700)
            if any(keep.iterdir()):
                raise BadChoice(f"{keep} is not empty; name a new folder")
            root = keep.resolve()
        site = Site(root, secrets.token_urlsafe(24))
        site.logs.mkdir()
        site.passphrase_file.touch(mode=0o600)
        site.passphrase_file.write_text(site.passphrase + "\n", encoding="utf-8")
    except OSError as error:
        raise BadChoice(f"cannot make the demo's folder: {error}") from error
    try:
        yield site
    finally:
        if keep is None:
            shutil.rmtree(root, ignore_errors=True)

"""A node's books read from its files, by anyone who may read them, running or not.

Only what is on disk counts: nothing here asks a node, the sequencer or L1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, NoResultFound

from channels.damage import unreadable
from channels.errors import StoreCorrupt, StoreTooNew
from channels.pruning import HAS_TOTALS, load_totals
from channels.reading import load_bills, load_channels, load_identity
from channels.records import Bill, Direction, Identity, StoredChannel, Total
from channels.schema import SCHEMA_VERSION
from channels.store import FILE_NAME, connect
from channels.witness_rows import HAS_WITNESSES, load_witnesses
from channels.witnesses import WitnessSet
from protocol.units import DAY_S


@dataclass(frozen=True, slots=True)
class Books:
    """Whose they are, every channel as this side knows it, payments, and Merkle witnesses.

    A payment is in the newest `bills`, or else in the `totals` of its day and of its quarter of
    an hour.
    """

    owner: Identity
    channels: tuple[StoredChannel, ...]
    bills: tuple[Bill, ...]
    witnesses: tuple[WitnessSet, ...] = ()
    totals: tuple[Total, ...] = ()

    def paid_ntok(self, direction: Direction) -> int:
        """All that was ever paid one way."""
        kept = sum(one.amount_ntok for one in self.bills if one.direction is direction)
        days = (one for one in self.totals if one.span_s == DAY_S)
        return kept + sum(one.amount_ntok for one in days if one.direction is direction)


def find_books(folder: Path | str) -> Books | None:
    """The books in `folder`, None where no node has ever kept any. Raises as `read_books`."""
    return read_books(folder) if (Path(folder) / FILE_NAME).exists() else None


def read_books(folder: Path | str) -> Books:
    """The books in `folder`. Raises StoreTooNew, StoreCorrupt, StoreUnreadable."""
    path = Path(folder) / FILE_NAME
    engine = connect(path, read_only=True)
    try:
        with engine.connect() as connection:
            version = int(connection.scalar(text("PRAGMA user_version")) or 0)
            if version > SCHEMA_VERSION:
                raise StoreTooNew(str(path), version, SCHEMA_VERSION)
            return Books(
                load_identity(connection, version),
                tuple(load_channels(connection, str(path), version)),
                tuple(bill for _, bill in load_bills(connection)),
                tuple(load_witnesses(connection, str(path))) if version >= HAS_WITNESSES else (),
                tuple(load_totals(connection)) if version >= HAS_TOTALS else (),
            )
    except DBAPIError as error:
        raise unreadable(path, error.orig or error) from error
    except NoResultFound as error:
        raise StoreCorrupt(str(path), "it is nobody's") from error
    finally:
        engine.dispose()

"""What happens to a store's files before the first payment: locked, checked, migrated, counted.

Every page is checked at each opening (a store is small): a node whose files are damaged signs
nothing. Migrations run in the transaction that opens it.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, insert, select, text, update

from channels import schema
from channels.copy_rows import Opened, begin_copy
from channels.errors import (
    StoreCorrupt,
    StoreFailed,
    StoreInUse,
    StoreOfAnotherWallet,
    StoreTooNew,
)
from channels.pruning import prune
from channels.records import Identity
from contracts.process_lock import LockHeld, take_lock

LOCK_NAME = "node.lock"


def lock_folder(path: Path) -> int:
    """Keep every other process from the store at `path` until the descriptor is closed.

    Makes the folder where there is none. Raises StoreFailed, StoreInUse.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return take_lock(path.with_name(LOCK_NAME))
    except LockHeld as held:
        raise StoreInUse(str(path), str(held)) from None
    except OSError as error:
        raise StoreFailed(str(path), error.strerror or "cannot be created") from error


def check_pages(connection: Connection, path: Path) -> int:
    """The store's version, 0 where it is new, once all its pages are whole.

    Raises StoreTooNew, StoreCorrupt.
    """
    version = int(connection.scalar(text("PRAGMA user_version")) or 0)
    if version > schema.SCHEMA_VERSION:
        raise StoreTooNew(str(path), version, schema.SCHEMA_VERSION)
    found = connection.scalar(text("PRAGMA integrity_check(1)"))
    connection.rollback()
    if found != "ok":
        raise StoreCorrupt(str(path), str(found).replace("\n", " "))
    return version


def migrate(connection: Connection, version: int) -> None:
    """Make a store of `version` one of the present version; inside a transaction."""
    for statement in schema.migration(version):
        connection.exec_driver_sql(statement)
    if version < schema.SCHEMA_VERSION:
        schema.metadata.create_all(connection)  # those tables that it lacks
        connection.exec_driver_sql(f"PRAGMA user_version={schema.SCHEMA_VERSION}")


def prepare(path: Path, engine: Engine, identity: Identity, bills_kept: int) -> Opened:
    """Open the store for its owner. Raises as `check_pages`, and StoreOfAnotherWallet."""
    with engine.connect() as connection:
        version = check_pages(connection, path)
        with connection.begin():
            migrate(connection, version)
            if version == 0:
                connection.execute(
                    insert(schema.identity).values(
                        id=1,
                        domain=f"{identity.domain:x}",
                        account_index=identity.account_index,
                        key_hash=f"{identity.key_hash:x}",
                    )
                )
            row = connection.execute(select(schema.identity)).one()
            for field, stored, own in (
                ("rollup (domain)", int(row.domain, 16), identity.domain),
                ("account", row.account_index, identity.account_index),
            ):
                if stored != own:
                    raise StoreOfAnotherWallet(str(path), field)
            # The same account under another key: whoever opens this has seen in a final root that
            # the account has it now (KEY_CHANGE).
            known = {"key_hash": f"{identity.key_hash:x}"}
            if identity.contract is not None:
                known["contract"] = identity.contract
            connection.execute(update(schema.identity).values(known))
            prune(connection, bills_kept)
            return begin_copy(connection)

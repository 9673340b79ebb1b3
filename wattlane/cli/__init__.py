"""The command line. `main` never shows a traceback unless WATTLANE_DEBUG=1 asks for one."""

from __future__ import annotations

import sys

from wattlane.cli.failures import INTERRUPTED, report


def main() -> None:
    """Run `wattlane`; exit 0 if all is well, 1 error, 2 wrong usage, 130 Ctrl-C."""
    from wattlane.cli.app import app

    try:
        status = app(prog_name="wattlane", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - one line, not a traceback
        sys.exit(report(error))
    if status == INTERRUPTED:  # the parser turns Ctrl-C into a status
        sys.exit(report(KeyboardInterrupt()))
    sys.exit(status if isinstance(status, int) else 0)

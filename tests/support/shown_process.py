"""A command that says what it was started with, for the test of how commands are forked."""

import json
import os
import signal
import sys


def main() -> None:
    """Print it, and end as told: "status N", "wait" for a signal, or "raise"."""
    arguments = sys.argv[1:]
    shown = {
        "arguments": arguments,
        "folder": os.getcwd(),
        "process": os.getpid(),
        "input": sys.stdin.read(),
        "variable": os.environ.get("WATTLANE_SHOWN"),
    }
    print(json.dumps(shown), flush=True)
    match arguments:
        case ["status", number]:
            sys.exit(int(number))
        case ["wait"]:
            signal.pause()
        case ["raise"]:
            raise ValueError("as told")

"""Install Wattlane into .venv: standard library only, pinned versions, progress with time left.

Run by `make` with any Python 3.11 or newer. Safe to interrupt and to repeat: the marker that make
looks at is written last. Usage: python tools/install.py (from the repository's root).
"""

from __future__ import annotations

import subprocess
import sys
import time
import venv
from pathlib import Path

VENV = Path(".venv")
LOCK = Path("requirements.lock")
MARKER = VENV / "installed"
SECONDS = VENV / "install-seconds"
COLLECT_SHARE = 0.6  # of the time goes into resolving and downloading, the rest into unpacking
TAIL_LINES = 25
QUIET_EVERY_S = 10.0


class Bar:
    """One line that rewrites itself on a terminal, or a line now and then elsewhere."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self._printed = 0.0
        self._terminal = sys.stdout.isatty()

    def show(self, fraction: float, what: str) -> None:
        """`fraction` of the work is done; the time left follows from the time it took."""
        elapsed = time.monotonic() - self.started
        left = (
            f", about {elapsed * (1 - fraction) / fraction:.0f} s left" if fraction > 0.05 else ""
        )
        text = f"install: {100 * fraction:3.0f} %{left}  {what}"
        if self._terminal:
            print(f"\r{text[:100]:<100}", end="", flush=True)
        elif elapsed - self._printed >= QUIET_EVERY_S:
            self._printed = elapsed
            print(text, flush=True)

    def end(self) -> float:
        """Close the line and return the seconds it took."""
        seconds = time.monotonic() - self.started
        lead = "\r" if self._terminal else ""
        print(f"{lead}{f'install: done in {seconds:.0f} s':<100}", flush=True)
        return seconds


def packages() -> int:
    """How many packages the lock file pins."""
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    return sum(1 for line in lines if "==" in line and not line.lstrip().startswith("#"))


def installed() -> int:
    """How many packages lie in the environment now."""
    return sum(1 for _ in VENV.glob("lib/python*/site-packages/*.dist-info"))


def pip(*arguments: str) -> subprocess.Popen[str]:
    """Start pip of the environment with its output as lines."""
    command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar", "off", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )


def follow(process: subprocess.Popen[str], bar: Bar, total: int) -> list[str]:
    """Turn pip's lines into progress; returns its last lines. Raises SystemExit if it fails."""
    tail: list[str] = []
    collected = 0
    output = process.stdout
    assert output is not None, "pip was started with its output piped"
    for line in output:
        tail = [*tail[-TAIL_LINES:], line.rstrip()]
        if line.startswith(("Collecting ", "Requirement already satisfied")):
            collected = min(collected + 1, total)
            bar.show(COLLECT_SHARE * collected / total, line.split()[1].split("==")[0])
        if line.startswith("Installing collected packages"):
            unpack(process, bar, total)
    if process.wait() != 0:
        print("\n" + "\n".join(tail), file=sys.stderr)
        sys.exit("install: pip failed (its last lines are above); repeat the command to go on")
    return tail


def unpack(process: subprocess.Popen[str], bar: Bar, total: int) -> None:
    """pip says nothing while it unpacks, so count what has arrived."""
    while process.poll() is None:
        done = min(installed(), total)
        bar.show(COLLECT_SHARE + (1 - COLLECT_SHARE) * done / total, f"{done} of {total} packages")
        try:
            process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            continue


def main() -> None:
    """Create the environment, install the locked packages, then Wattlane itself."""
    if sys.version_info < (3, 11):  # noqa: UP036 - an older interpreter may run this very file
        sys.exit(f"install: Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    bar = Bar()
    bar.show(0.0, "creating .venv")
    try:
        venv.create(VENV, with_pip=True, upgrade_deps=False)
        total = packages()
        follow(pip("-r", str(LOCK)), bar, total)
        follow(pip("--no-deps", "-e", "."), bar, total)
    except KeyboardInterrupt:
        sys.exit("\ninstall: interrupted; repeat the command to go on")
    except OSError as error:
        sys.exit(f"\ninstall: {error}")
    SECONDS.write_text(f"{bar.end():.1f}\n", encoding="utf-8")
    MARKER.touch()


if __name__ == "__main__":
    main()

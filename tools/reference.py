"""The reference pages from the code itself: api.md, market_api.md, sdk.md and cli.md in docs/.

Usage: python -m tools.reference [--check]. Deterministic; a test makes them again and compares.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.reference_api import api_page
from tools.reference_cli import cli_page
from tools.reference_market import market_page
from tools.reference_sdk import sdk_page

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {"api.md": api_page, "market_api.md": market_page, "sdk.md": sdk_page, "cli.md": cli_page}
MADE = "<!-- Made by `python -m tools.reference`: change the code, not this page. -->\n\n"


def differing() -> list[str]:
    """The pages that are not what the code makes them."""
    found = []
    for name, make in PAGES.items():
        path = DOCS / name
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if present != MADE + make():
            found.append(name)
    return found


def main(arguments: list[str]) -> int:
    """Write the pages; with --check, only say which are out of date (1 where one is)."""
    if arguments == ["--check"]:
        late = differing()
        for name in late:
            print(f"docs/{name} is out of date: run `python -m tools.reference`")
        return 1 if late else 0
    for name, make in PAGES.items():
        (DOCS / name).write_text(MADE + make(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

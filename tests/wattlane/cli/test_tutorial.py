"""docs/tutorial.md does what it says."""

from __future__ import annotations

import re
from pathlib import Path

from tests.wattlane.cli.page_run import run_page

PORTS = ("8545", "8645", "8701", "8702")


def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    said = run_page("tutorial.md", PORTS, tmp_path)
    for line in (
        "paid 0.072000000 tokens for 400 Wh",  # step 8
        "received 0.074160000 for 0.412 kWh",
        "closed",  # step 9
        "final on L1  1.074160000",
        "1.000000000 tokens are on L1",
        "final on L1  0.0741",
        "the same as L1's",  # step 10
        "the same as the contract's",
    ):
        assert line in said, f"{line!r} is missing in {said}"
    verified = re.search(r"(\d+) batches with (\d+) proofs verified", said)
    assert verified is not None
    assert int(verified[1]) >= 4

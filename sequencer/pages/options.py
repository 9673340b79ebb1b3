"""What the explorer is given by whoever starts the sequencer."""

from __future__ import annotations

from dataclasses import dataclass, field

from sequencer.pages.verifying import VerifyDesk


@dataclass(frozen=True, slots=True)
class PageOptions:
    """`l1_explorer_url`: where visitors look at L1 transactions. `verifying`: runs the real check.

    `contract`: for commands to copy; the L1's own URL is never shown, as it may hold a secret.
    """

    contract: str = ""
    l1_explorer_url: str | None = None
    verifying: VerifyDesk = field(default_factory=VerifyDesk)

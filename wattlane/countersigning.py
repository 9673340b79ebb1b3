"""A meter's correction, shown to whoever answers for the metering, and signed besides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from energy.community.community import Community
from energy.errors import BadDocument, BadMeterName
from energy.meters.corrections import Correction, decode_correction
from wattlane.community_changes import Change, check_own, signed_change
from wattlane.community_view import show_moment
from wattlane.errors import BadChoice

if TYPE_CHECKING:
    from channels.wallet import Wallet


def read_correction(path: Path) -> Correction:
    """A correction of a meter from its file, its signatures verified. Raises BadChoice."""
    try:
        correction = decode_correction(path.read_bytes())
    except OSError as error:
        raise BadChoice(f"{path}: {error.strerror}") from error
    except (BadDocument, BadMeterName) as error:
        raise BadChoice(f"{path}: {error}") from error
    if not (correction.is_signed() and correction.reading.is_signed()):
        raise BadChoice(f"{path}: the meter has not signed it as it is here: ask for it again")
    return correction


def correction_lines(correction: Correction, community: Community) -> Iterator[str]:
    """What a correction would change, for whoever is asked to sign it."""
    reading = correction.reading
    home = next(
        (
            f"{one.name} (account {one.account})"
            for one in community.members
            if any(key.did == reading.meter for key in one.meters)
        ),
        "nobody in the community",
    )
    yield f"meter    {reading.meter}, of {home}"
    yield f"reading  {reading.sequence}, {show_moment(reading.end_ms, community.zone_info)}"
    for name, was_wh, stands_wh in (
        ("import", reading.import_wh, correction.import_wh),
        ("export", reading.export_wh, correction.export_wh),
    ):
        yield f"{name:<8} {was_wh} Wh, corrected to {stands_wh} Wh ({stands_wh - was_wh:+})"
    quality, number = correction.quality.value, correction.number
    yield f"reason   {correction.reason} ({quality}; correction {number} of this reading)"


def countersigned(correction: Correction, community: Community, wallet: Wallet) -> Change:
    """A correction under the community's signature, too. Raises BadChoice for another wallet."""
    check_own(community, wallet)
    return signed_change(correction.encoded, community, wallet)

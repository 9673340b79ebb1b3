"""The committed artifacts are what the pinned compiler makes of the sources."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from contracts import errors
from contracts.artifacts import FOLDER
from contracts.build import CONTRACTS, SOURCES, artifact_text
from contracts.exodus import RAISE_TIME_S, ExitStage
from protocol.crypto.field import R
from protocol.exits import ExitKind
from protocol.state import genesis_root
from protocol.units import AMOUNT_BITS, INDEX_BITS, L1_TIME_SLACK_S, LANE_PAID_BITS


@pytest.mark.parametrize("name", CONTRACTS)
def test_recompiling_gives_the_committed_artifact(name: str, tmp_path: Path) -> None:
    """Also from a copy elsewhere: nothing of a path gets into the bytecode."""
    committed = (FOLDER / f"{name}.json").read_text()
    hint = "run `python -m contracts.build` and commit"
    assert artifact_text(SOURCES / f"{name}.vy") == committed, hint
    for source in SOURCES.glob("*.vy"):
        shutil.copy(source, tmp_path)
    assert artifact_text(tmp_path / f"{name}.vy") == committed


def test_every_revert_reason_has_its_typed_error_and_the_reverse() -> None:
    reasons = set()
    for source in SOURCES.glob("*.vy"):
        reasons |= set(re.findall(r', "([A-Z]\w+)"$', source.read_text(), re.MULTILINE))
    own = {"MalformedCalldata", "OtherRevert"}
    assert reasons == set(errors.Reverted.KNOWN) - own
    assert all(len(reason) <= 32 for reason in reasons)


def test_every_error_says_what_it_means() -> None:
    for error in errors.Reverted.KNOWN.values():
        assert error.__doc__
        assert error.__doc__ in str(error("x"))


def test_constants_are_the_protocols() -> None:
    constants = {}
    for name in ("rollup", "polynomials", "channel_exits", "exodus"):
        text = (SOURCES / f"{name}.vy").read_text()
        for key, value in re.findall(r"^(\w+): constant\(uint256\) = ([\d *]+)", text, re.M):
            constants[key] = _product(value)
    assert constants["R"] == R
    assert constants["GENESIS_ROOT"] == genesis_root()
    assert constants["L1_TIME_LAG"] == L1_TIME_SLACK_S
    assert constants["OPERATOR_PRIVILEGE"] == 3 * 86_400
    for kind in ExitKind:
        assert constants[f"KIND_{kind.name}"] == kind
    for stage in ExitStage:
        assert constants[stage.name] == stage
    assert constants["RAISE_TIME"] == RAISE_TIME_S
    assert constants["INDEX_LIMIT"] == 2**INDEX_BITS
    assert constants["AMOUNT_LIMIT"] == 2**AMOUNT_BITS
    assert constants["PAID_LIMIT"] == 2**LANE_PAID_BITS


def _product(text: str) -> int:
    if "**" in text:
        base, exponent = text.split("**")
        power: int = int(base) ** int(exponent)
        return power
    result = 1
    for factor in text.split("*"):
        result *= int(factor)
    return result

"""A damaged file gives one typed error that names it, or is as good as the sound one."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.crypto.field import R
from protocol.crypto.field_code import FQ
from prover.curves.fixed_base import FixedBase
from prover.curves.fr import from_ints, to_ints
from prover.curves.groups import G1, G2, Group
from prover.errors import MalformedSystem, ProverError
from prover.groth16 import prove, setup, verify_arkworks
from prover.groth16.errors import VerificationError
from prover.iden3.binfile import Buffer, prime_header, u32, write_file
from prover.iden3.errors import FormatError, MalformedFile, UnreadableFile, WrongField
from prover.iden3.json_files import (
    read_proof,
    read_public,
    read_verification_key,
    write_proof,
    write_public,
    write_verification_key,
)
from prover.iden3.ptau import ALPHA_G1, BETA_G1, BETA_G2, CONTRIBUTIONS, TAU_G1, TAU_G2, open_ptau
from prover.iden3.r1cs import read_r1cs, write_r1cs
from prover.iden3.setup_from_ptau import setup_from_ptau
from prover.iden3.wtns import read_wtns, write_wtns
from prover.iden3.zkey import open_zkey, prove_from_zkey
from prover.iden3.zkey_write import write_zkey
from tests.prover.iden3.conftest import ENTROPY
from tests.prover.iden3.damage import DAMAGES, Damage, joined, sections_of
from tests.prover.random_system import cube_system, random_system

R1CS_CASE, WITNESS = random_system(seed=8, n_constraints=12)
MAX_PEAK_BYTES = 32 * 2**20
BN128_R = 21888242871839275222246405745257275088548364400416034343698204186575808495617
FUZZ = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Fail if more is taken at any time than a small file can need."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MAX_PEAK_BYTES
    finally:
        tracemalloc.stop()


def write_known_ptau(path: Path, power: int = 3, tau: int = 0x7A0) -> None:
    """Powers of a tau that everyone knows, without contributions."""
    size = 1 << power

    def powers(group: Group, first: int, count: int) -> Buffer:
        scalars = from_ints([first * pow(tau, i, R) % R for i in range(count)])
        return FixedBase(group, count).multiply(scalars)

    header = prime_header(FQ.modulus) + u32(power) + u32(power)
    sections: list[tuple[int, list[Buffer]]] = [
        (1, [header]),
        (TAU_G1, [powers(G1, 1, 2 * size - 1)]),
        (TAU_G2, [powers(G2, 1, size)]),
        (ALPHA_G1, [powers(G1, 5, size)]),
        (BETA_G1, [powers(G1, 6, size)]),
        (BETA_G2, [powers(G2, 6, 1)]),
        (CONTRIBUTIONS, [u32(0)]),
    ]
    write_file(path, "ptau", 1, sections)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one sound file of each kind."""
    folder = tmp_path_factory.mktemp("sound")
    key = setup(R1CS_CASE, entropy=ENTROPY)
    write_r1cs(folder / "sound.r1cs", R1CS_CASE)
    write_wtns(folder / "sound.wtns", WITNESS)
    write_zkey(folder / "sound.zkey", key, R1CS_CASE)
    write_known_ptau(folder / "sound.ptau")
    write_verification_key(folder / "sound.key.json", key.verifying_key)
    write_proof(folder / "sound.proof.json", prove(key, R1CS_CASE, WITNESS, entropy=ENTROPY))
    write_public(folder / "sound.public.json", to_ints(WITNESS[1 : R1CS_CASE.n_public + 1]))
    return folder


def use_r1cs(path: Path) -> None:
    write_r1cs(path, read_r1cs(path))  # without its zeros
    data = path.read_bytes()
    write_r1cs(path, read_r1cs(path))
    assert path.read_bytes() == data


def use_wtns(path: Path) -> None:
    witness = read_wtns(path)
    write_wtns(path, witness)
    assert np.array_equal(read_wtns(path), witness)


def use_zkey(path: Path) -> None:
    """A proof that verifies under the file's own key, or an error."""
    zkey = open_zkey(path)
    proof = prove_from_zkey(zkey, WITNESS, entropy=ENTROPY)
    verify_arkworks(zkey.verifying_key, to_ints(WITNESS[1 : zkey.n_public + 1]), proof)


def use_ptau(path: Path) -> None:
    setup_from_ptau(path.with_suffix(".zkey"), cube_system()[0], open_ptau(path))


def problem_with(use: Callable[[Path], object], path: Path) -> ProverError | None:
    """The typed error that using the file raises, if any; others pass through."""
    try:
        use(path)
    except (FormatError, MalformedSystem, VerificationError) as error:
        return error
    return None


USES: dict[str, Callable[[Path], None]] = {
    "r1cs": use_r1cs,
    "wtns": use_wtns,
    "zkey": use_zkey,
    "ptau": use_ptau,
}


@pytest.mark.parametrize("kind", USES)
def test_a_sound_file_can_be_used(sound: Path, kind: str, tmp_path: Path) -> None:
    (tmp_path / f"a.{kind}").write_bytes((sound / f"sound.{kind}").read_bytes())
    USES[kind](tmp_path / f"a.{kind}")


@pytest.mark.parametrize("kind", USES)
@FUZZ
@given(damages=st.lists(DAMAGES, min_size=1, max_size=2))
def test_damage_gives_a_typed_error_or_changes_nothing_that_matters(
    sound: Path, tmp_path: Path, kind: str, damages: list[Damage]
) -> None:
    data = (sound / f"sound.{kind}").read_bytes()
    for damage in damages:
        data = damage(data) or b"\0"
    path = tmp_path / f"damaged.{kind}"
    path.write_bytes(data)
    with bounded_memory():
        problem = problem_with(USES[kind], path)
    if isinstance(problem, FormatError):
        assert str(path) in str(problem)
    assert len(str(problem)) < 1000


@pytest.mark.parametrize("kind", USES)
def test_every_way_of_cutting_a_file_short_is_refused(
    sound: Path, tmp_path: Path, kind: str
) -> None:
    data, path = (sound / f"sound.{kind}").read_bytes(), tmp_path / f"cut.{kind}"
    for length in [*range(0, 100), *range(100, len(data), 97), len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(MalformedFile):
            USES[kind](path)


@pytest.mark.parametrize("kind", USES)
def test_a_missing_doubled_or_foreign_file_is_named(sound: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"file.{kind}"
    with pytest.raises(UnreadableFile, match=str(path)):
        USES[kind](path)
    os.mkfifo(tmp_path / "pipe")
    for no_file in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(UnreadableFile):
            USES[kind](no_file)
    other = "r1cs" if kind != "r1cs" else "wtns"
    path.write_bytes((sound / f"sound.{other}").read_bytes())
    with pytest.raises(MalformedFile, match=f"not a .{kind} file"):
        USES[kind](path)
    data = (sound / f"sound.{kind}").read_bytes()
    sections = sections_of(data)
    for section in sections:
        path.write_bytes(joined(data, [*sections, section]))
        with pytest.raises(MalformedFile, match="occurs twice"):
            USES[kind](path)


@pytest.mark.parametrize("kind", ["r1cs", "wtns"])
def test_a_file_for_another_curve_is_named(sound: Path, tmp_path: Path, kind: str) -> None:
    data = (sound / f"sound.{kind}").read_bytes()
    assert R.to_bytes(32, "little") in data
    path = tmp_path / f"bn.{kind}"
    path.write_bytes(data.replace(R.to_bytes(32, "little"), BN128_R.to_bytes(32, "little"), 1))
    with pytest.raises(WrongField, match="bn128"):
        USES[kind](path)


@pytest.mark.parametrize("kind", ["zkey", "ptau"])
def test_a_key_for_another_curve_is_named(sound: Path, tmp_path: Path, kind: str) -> None:
    """Primes of bn128 have 32 bytes, not 48."""
    data = (sound / f"sound.{kind}").read_bytes()
    sections = dict(sections_of(data))
    number = 2 if kind == "zkey" else 1
    prime = 21888242871839275222246405745257275088696311157297823662689037894645226208583
    sections[number] = u32(32) + prime.to_bytes(32, "little") + sections[number][52:]
    path = tmp_path / f"bn.{kind}"
    path.write_bytes(joined(data, list(sections.items())))
    with pytest.raises(WrongField, match="bn128"):
        USES[kind](path)


@pytest.mark.parametrize("kind", ["r1cs", "wtns", "zkey"])
def test_a_number_that_is_not_below_r_is_refused(sound: Path, tmp_path: Path, kind: str) -> None:
    data = (sound / f"sound.{kind}").read_bytes()
    section, offset = {"r1cs": (2, 8), "wtns": (2, 32), "zkey": (4, 16)}[kind]
    sections = dict(sections_of(data))
    content = sections[section]
    sections[section] = content[:offset] + R.to_bytes(32, "little") + content[offset + 32 :]
    path = tmp_path / f"large.{kind}"
    path.write_bytes(joined(data, list(sections.items())))
    with pytest.raises(MalformedFile, match="not below r"):
        USES[kind](path)


def test_a_wire_that_occurs_twice_in_a_sum_is_refused(sound: Path, tmp_path: Path) -> None:
    """snarkjs counts both in `groth16 setup`, and the last alone in `wtns check`."""
    data = (sound / "sound.r1cs").read_bytes()
    sections = dict(sections_of(data))
    content = sections[2]
    assert content[:4] == u32(4)  # entries of the first sum
    sections[2] = content[:40] + content[4:8] + content[44:]
    path = tmp_path / "twice.r1cs"
    path.write_bytes(joined(data, list(sections.items())))
    with pytest.raises(MalformedFile, match="twice"):
        read_r1cs(path)


@pytest.mark.parametrize("section", [3, 5, 6, 7, 8, 9])
def test_a_point_off_the_curve_is_refused(sound: Path, tmp_path: Path, section: int) -> None:
    data = (sound / "sound.zkey").read_bytes()
    sections = dict(sections_of(data))
    content = bytearray(sections[section])
    content[-1 if any(content[-96:]) else 0] ^= 1
    sections[section] = bytes(content)
    path = tmp_path / "off.zkey"
    path.write_bytes(joined(data, list(sections.items())))
    with pytest.raises(MalformedFile, match="curve"):
        use_zkey(path)


def test_points_exchanged_in_a_key_never_give_a_proof(sound: Path, tmp_path: Path) -> None:
    """On the curve, in the subgroup, and wrong: no check of form can tell."""
    data = (sound / "sound.zkey").read_bytes()
    for section in (5, 6, 7, 8, 9):
        sections = dict(sections_of(data))
        width = 192 if section == 7 else 96
        points = [sections[section][i : i + width] for i in range(0, len(sections[section]), width)]
        used = [i for i, point in enumerate(points) if any(point)]
        first, second = used[1], used[2]
        points[first], points[second] = points[second], points[first]
        sections[section] = b"".join(points)
        path = tmp_path / "exchanged.zkey"
        path.write_bytes(joined(data, list(sections.items())))
        with pytest.raises(ProverError):
            use_zkey(path)


def test_delta_that_differs_between_the_groups_is_refused(sound: Path, tmp_path: Path) -> None:
    data = (sound / "sound.zkey").read_bytes()
    sections = dict(sections_of(data))
    header = sections[2]
    delta = 4 + 48 + 4 + 32 + 12 + 96 + 96 + 192 + 192
    other = G1.encode(G1.generator).tobytes()
    sections[2] = header[:delta] + other + header[delta + 96 :]
    path = tmp_path / "delta.zkey"
    path.write_bytes(joined(data, list(sections.items())))
    with pytest.raises(MalformedFile, match="delta in G1 and in G2"):
        open_zkey(path)


JSON_USES: dict[str, Callable[[Path], object]] = {
    "key.json": read_verification_key,
    "proof.json": read_proof,
    "public.json": read_public,
}


@pytest.mark.parametrize("kind", JSON_USES)
@FUZZ
@given(position=st.integers(0, 2**20), character=st.sampled_from(' "[]{},:-.0915eEx\\\0é'))
def test_a_changed_character_of_json_gives_a_typed_error_or_another_number(
    sound: Path, tmp_path: Path, kind: str, position: int, character: str
) -> None:
    text = (sound / f"sound.{kind}").read_text()
    at = position % len(text)
    path = tmp_path / kind
    path.write_text(text[:at] + character + text[at + 1 :], encoding="utf-8")
    problem = problem_with(JSON_USES[kind], path)
    assert problem is None or str(path) in str(problem)


@pytest.mark.parametrize("kind", JSON_USES)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"null",
        b"[1]",
        b'["-1"]',
        b'["1e3"]',
        b'["01"]',
        json.dumps([str(R)]).encode(),
        b"9" * 10_000,
        b'["' + b"]" * 100_000 + b'",' + b"[" * 100_000,
        b'["]",' * 100_000,
        b'["\\"]",' * 100_000,
        ('["]",' * 100_000).encode("utf-16"),
    ],
    ids=range(15),
)
def test_json_of_another_form_is_refused(tmp_path: Path, kind: str, data: bytes) -> None:
    (tmp_path / kind).write_bytes(data)
    with pytest.raises(FormatError):
        JSON_USES[kind](tmp_path / kind)


def test_a_device_or_a_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    """A key written to /dev/null by root would be the end of /dev/null."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableFile, match="no file"):
        write_wtns(tmp_path / "pipe", WITNESS)
    assert (tmp_path / "pipe").is_fifo()


def test_json_keeps_what_it_is_given(sound: Path, tmp_path: Path) -> None:
    for kind, write in (
        ("key.json", write_verification_key),
        ("proof.json", write_proof),
        ("public.json", write_public),
    ):
        given_ = JSON_USES[kind](sound / f"sound.{kind}")
        write(tmp_path / kind, given_)  # type: ignore[arg-type]
        assert JSON_USES[kind](tmp_path / kind) == given_

"""Committed artifacts equal what vyper 0.4.3 makes of the sources, byte for byte.

`python -m contracts.build` rewrites contracts/artifacts/*.json; `--check` only compares and exits
with 1 where they differ. Everything else reads artifacts, so that deploying needs no compiler.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from contracts.artifacts import FOLDER

SOURCES = Path(__file__).parent
CONTRACTS = ("rollup", "exodus", "token")


def compile_contract(source: Path) -> dict[str, object]:
    """ABI, deployment bytecode and compiler settings of one Vyper file. Needs vyper installed.

    `runtime` says where in the bytecode the deployed code is (start, size), and how many bytes of
    immutables a deployment appends to it.

    Imports are looked up beside the file first, then here, then among installed packages.
    """
    import site

    import vyper
    from vyper.compiler import compile_from_file_input
    from vyper.compiler.input_bundle import FilesystemInputBundle
    from vyper.compiler.settings import OptimizationLevel, Settings

    folders = [Path(entry) for entry in site.getsitepackages()] + [SOURCES, source.parent]
    bundle = FilesystemInputBundle(folders)
    evm_version, optimization = "prague", OptimizationLevel.GAS
    compiled = compile_from_file_input(
        bundle.load_file(source.resolve()),
        input_bundle=bundle,
        settings=Settings(evm_version=evm_version, optimize=optimization),
        output_formats=["abi", "bytecode", "bytecode_runtime"],
    )
    runtime = str(compiled["bytecode_runtime"])[2:]
    return {
        "name": source.stem,
        "compiler": f"vyper {vyper.__version__}",
        "evm_version": evm_version,
        "optimization": str(optimization),
        "abi": compiled["abi"],
        "bytecode": compiled["bytecode"],
        "runtime": {
            "start": str(compiled["bytecode"])[2:].index(runtime) // 2,
            "size": len(runtime) // 2,
            "immutables": _immutable_bytes(str(compiled["bytecode"])),
        },
    }


def _immutable_bytes(bytecode: str) -> int:
    """How many bytes a deployment appends to the runtime code, by vyper's own trailer.

    Ref: vyper 0.4.3 documentation, "Compiling a contract": the last two bytes are the length of a
    CBOR list of hash, code size, data sections, immutables and compiler.
    """
    import cbor2

    code = bytes.fromhex(bytecode[2:])
    _, _, _, immutables, _ = cbor2.loads(code[-int.from_bytes(code[-2:], "big") : -2])
    return int(immutables)


def artifact_text(source: Path) -> str:
    """The artifact of one source file as it is committed."""
    return json.dumps(compile_contract(source), indent=1) + "\n"


def main() -> int:
    """Write or compare all artifacts; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m contracts.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args().check
    stale = False
    for name in CONTRACTS:
        path, text = FOLDER / f"{name}.json", artifact_text(SOURCES / f"{name}.vy")
        same = path.exists() and path.read_text() == text
        if not check and not same:
            path.write_text(text)
        stale |= not same
        verb = "up to date" if same else ("differs from its source" if check else "written")
        print(f"{path.name}: {verb}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())

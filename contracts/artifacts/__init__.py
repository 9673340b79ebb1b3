"""ABI and bytecode of the contracts, as committed; made by `python -m contracts.build`."""

from pathlib import Path

FOLDER = Path(__file__).parent

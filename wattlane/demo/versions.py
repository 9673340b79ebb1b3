"""What a report's figures were made with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("wattlane", "numba", "numpy", "py-arkworks-bls12381", "py-ecc", "web3", "sqlalchemy")


def versions(l1_client: str) -> dict[str, str]:
    """Name -> version of Python, the packages that matter, and the L1's software."""
    found = {"python": platform.python_version(), "l1": l1_client}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found

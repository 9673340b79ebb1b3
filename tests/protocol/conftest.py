"""These tests hash a lot: they run on the compiled primitives, which test_compiled.py checks."""

from __future__ import annotations

from protocol.crypto import compiled

compiled.install()

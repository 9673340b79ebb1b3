"""These tests hash and sign a lot: they run on the compiled primitives."""

from __future__ import annotations

from protocol.crypto import compiled

compiled.install()

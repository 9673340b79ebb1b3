"""The marker of a test that has to hold on both databases."""

from __future__ import annotations

import pytest

SQLITE, POSTGRESQL = "sqlite", "postgresql"
both_databases = pytest.mark.parametrize("database_url", [SQLITE, POSTGRESQL], indirect=True)

"""The alert rules speak of metrics that there are, and every worry of an operator has one."""

from __future__ import annotations

import re
from pathlib import Path

import yaml  # type: ignore[import-untyped]

from sequencer.metrics import Metrics
from sequencer.standing import Standing

RULES = Path(__file__).parents[2] / "docs" / "alerts.yml"
QUIET = Standing(0, 0.0, 0.0, 0, 0.0, 0.0, 0, 0, {})


def exported() -> set[str]:
    metrics = Metrics()
    metrics.observe(lambda: QUIET, lambda: ["l1"])
    return {sample.name for family in metrics.registry.collect() for sample in family.samples}


def expressions() -> dict[str, str]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    found = {}
    for rule in group["rules"]:
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "warn")
        assert rule["annotations"]["summary"]
        found[rule["alert"]] = rule["expr"]
    return found


def test_every_rule_names_metrics_that_the_sequencer_exports() -> None:
    names = exported()
    for alert, expression in expressions().items():
        used = re.findall(r"wattlane_[a-z0-9_]+", expression)
        assert used, alert
        assert set(used) <= names, alert
        assert expression.count("(") == expression.count(")"), alert


def test_what_can_ruin_an_operator_has_an_alert() -> None:
    said = " ".join(expressions().values())
    for name in (
        "queue_age_seconds",
        "forced_age_seconds",
        "watch_lag_seconds",
        "reserve_batches",
        "mempool_age_seconds",
        "proof_seconds_sum",
        "batch_gas_sum",
        "l1_foreign_nonces_total",
    ):
        assert f"wattlane_{name}" in said

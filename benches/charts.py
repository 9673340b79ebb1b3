"""Charts of proving time against size and cores, from the table that prover_batch writes.

python -m benches.charts
"""

from __future__ import annotations

import csv
from pathlib import Path

from benches.figures import peer

TABLE = Path("benches/charts/proof_time.csv")


def main() -> None:
    peer("matplotlib").use("Agg")
    plt = peer("matplotlib.pyplot")

    with TABLE.open(newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    for row in rows:
        row["constraint_us"] = 1e6 * row["proof_s"] / row["constraints"]
    charts = (
        ("proof_time", "seconds a proof", "proof_s"),
        ("constraint_time", "microseconds a constraint", "constraint_us"),
    )
    for name, label, value in charts:
        figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
        for cores in sorted({row["cores"] for row in rows}):
            chosen = [row for row in rows if row["cores"] == cores]
            title = f"{cores:.0f} core" + ("s" if cores > 1 else "")
            axes.plot(
                [row["constraints"] for row in chosen],
                [row[value] for row in chosen],
                marker="o",
                label=title,
            )
        axes.set_xscale("log", base=2)
        if name == "proof_time":
            axes.set_yscale("log", base=2)
        axes.set_ylim(bottom=None if name == "proof_time" else 0)
        axes.set_xlabel("constraints")
        axes.set_ylabel(label)
        axes.grid(visible=True, alpha=0.3)
        axes.legend()
        target = TABLE.with_name(f"{name}.png")
        figure.savefig(target, dpi=120)
        print(f"wrote {target}")


if __name__ == "__main__":
    main()

"""Give each lead of a simulated dataset what it cost to acquire, by its source.

python add_cost.py history
"""

import csv
import sys
from pathlib import Path

COSTS = {
    "organic_search": 8, "paid_search": 45, "social": 20, "referral": 5, "trade_fair": 120,
    "partner": 60, "purchased_list": 2,
}  # fmt: skip
"""Euros a lead; made up."""


def main(folder: Path) -> None:
    """Add the column ``cost`` to leads.csv; running it again changes nothing."""
    with (folder / "leads.csv").open(encoding="utf-8", newline="") as file:
        leads = list(csv.DictReader(file))
    with (folder / "leads.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [name for name in leads[0] if name != "cost"] + ["cost"])
        writer.writeheader()
        writer.writerows({**lead, "cost": COSTS[lead["source"]]} for lead in leads)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

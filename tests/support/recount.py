"""Goals of a solution counted again from the tables alone, without the model."""

SOURCES = {
    "open": ("openings", ["place", "period"], "objective"),
    "built": ("block_cells", ["place", "block", "period"], "objective"),
    "bought": ("asset_cells", ["place", "asset", "vintage"], "objective"),
    "alive": ("upkeep", ["place", "asset", "period"], "objective"),
    "rent": ("rentals", ["place", "asset", "period"], "objective"),
    "use": ("activity_costs", ["place", "activity", "period"], "objective"),
    "serve": ("assignments", ["demand", "place"], "unit_cost"),
    "modules": ("modules", ["link", "module", "period"], "objective"),
}
"""Variable -> table that prices it, its key, its column."""


def cost(problem, values):
    """Discounted cost of a solution."""
    hours = problem.table("slices").set_index("slice")["hours"] / problem.table("slices")["hours"].sum()
    total = 0.0
    for variable, (table, keys, column) in SOURCES.items():
        rows = values[variable].merge(problem.table(table)[[*keys, column]], on=keys)
        share = rows["slice"].map(hours) if variable == "use" else 1.0
        total += float((rows["value"] * rows[column] * share).sum())
    return total


def shortage(problem, values, priced=False):
    """Weighted shortage, each slice by its share of the year; or what it costs at the shortage prices."""
    hours = problem.table("slices").set_index("slice")["hours"] / problem.table("slices")["hours"].sum()
    rows = values["short"].merge(problem.table("demands"), on="demand")
    if priced:
        return float((rows["value"] * rows["shortage_price"]).sum())
    return float((rows["value"] * rows["weight"] * rows["slice"].map(hours)).sum())


def goals(problem, values):
    """{goal: value} of every goal there is."""
    hours = problem.table("slices").set_index("slice")["hours"] / problem.table("slices")["hours"].sum()
    demands = problem.table("demands")
    asked = float((demands["amount"] * demands["weight"] * demands["slice"].map(hours)).sum())
    spent, short = cost(problem, values), shortage(problem, values)
    return {
        "shortage": short, "cost": spent, "cost_and_shortage": spent + shortage(problem, values, priced=True),
        "served": short - asked,
    }

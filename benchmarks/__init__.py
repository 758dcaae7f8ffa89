"""Commands that measure: the planner on public instances, its speed and its gaps, each beside a peer or a known value."""

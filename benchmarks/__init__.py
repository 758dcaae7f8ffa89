"""Commands that measure: the planner on public instances, speed and gaps, each beside a peer or a known value."""

"""Decisions that commit money, and how limits name them."""

DECISIONS = {"open": "period", "built": "period", "bought": "vintage", "modules": "period"}
"""Variables that commit money, and the index that says when it enters service."""
TERMS = {
    "open": ("place", None, "period"), "built": ("place", "block", "period"), "bought": ("place", "asset", "vintage"),
    "modules": ("link", "module", "period"),
}
"""How `limit_terms` names each: its place, item and period."""

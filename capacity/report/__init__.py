"""Pages of a plan: one offline HTML file, drawn as plain SVG, nothing fetched.

`write_report(plan, path)` writes it.
"""

from capacity.report.page import write_report

__all__ = ["write_report"]

"""The record as one HTML file: no network, no plotting library, readable without its script.

>>> from symcheck.report.html import render
"""

from symcheck.report.html.rendering import render

__all__ = ["render"]

"""Subjects: from what a person types to models and their claims. One kind of target a file."""

from symcheck.subjects.module import claims, home, subject

__all__ = ["claims", "home", "subject"]

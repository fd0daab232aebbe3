"""The report: one record, and its renderers."""

from symcheck.report.record import CounterexampleRecord, FindingRecord, LeafRecord, Record, Result

__all__ = ["CounterexampleRecord", "FindingRecord", "LeafRecord", "Record", "Result"]

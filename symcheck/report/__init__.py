"""The report: one record, and its renderers."""

from symcheck.report.record import (
    CounterexampleRecord,
    FindingRecord,
    LeafRecord,
    MinimalRecord,
    Record,
    Result,
    SavedRecord,
)
from symcheck.report.tensors import TensorRecord

__all__ = [
    "CounterexampleRecord",
    "FindingRecord",
    "LeafRecord",
    "MinimalRecord",
    "Record",
    "Result",
    "SavedRecord",
    "TensorRecord",
]

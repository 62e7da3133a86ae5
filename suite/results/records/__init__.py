"""Finished experiments as files: written from a store, checked, and read into another one."""

from suite.results.records.reading import import_records, read_records_into_memory, verify_records
from suite.results.records.writing import export_records

__all__ = ["export_records", "import_records", "read_records_into_memory", "verify_records"]

"""Readers of published data sets, one module each: typed records, read from their files one at a time."""

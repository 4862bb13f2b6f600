"""Segment Anything: SAM, SAM 2 and SAM 3 for pictures, as transformers builds them."""

"""CLIP: which of any words fits a picture best, as transformers builds it."""

"""Which models there are, and how they are loaded: cards, weights checked by their SHA-256, safetensors only."""

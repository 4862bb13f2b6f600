"""Noise schedules, samplers and guidance that diffusion models share."""

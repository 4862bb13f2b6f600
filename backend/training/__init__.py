"""One training loop for all models: docs/training.md says how to use it and what a model's recipe must provide."""

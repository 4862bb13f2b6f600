"""One folder a model; none of them imports another."""

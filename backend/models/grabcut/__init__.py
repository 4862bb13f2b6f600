"""GrabCut from a box or clicks."""

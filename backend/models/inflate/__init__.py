"""The `inflate` model: a silhouette blown up into a solid."""

"""Writers of synthetic scenes, videos and views in the formats of published data sets, one module each."""

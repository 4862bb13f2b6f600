"""U2NETP: the small U-square-Net, a salient-object network of 1.13 million parameters."""

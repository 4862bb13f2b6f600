"""Promptable segmentation: U2NETP that is told what is meant by points, a box and its last answer."""

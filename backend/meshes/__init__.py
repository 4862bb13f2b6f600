"""Meshes: fewer faces, colours and textures, files, checks and pictures of them."""

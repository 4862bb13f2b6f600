"""pix2pix3D: a label map or a drawing to a field that is seen, edited and cut into a mesh (Deng and others 2023)."""

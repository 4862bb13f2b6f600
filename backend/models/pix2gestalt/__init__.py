"""pix2gestalt (Ozguroglu et al., CVPR 2024): amodal completion by image-conditioned latent diffusion."""

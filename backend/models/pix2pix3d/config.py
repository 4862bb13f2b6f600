"""What a pix2pix3D is made of: the four published configurations and the starter's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SuperResolution = Literal["8xdc", "4x", "2x"]
# Side of the picture that each takes.
TAKES: dict[str, int] = {"8xdc": 128, "4x": 128, "2x": 64}


@dataclass(frozen=True)
class Config:
    """Sizes in pixels and channels, lengths in the field's own units.

    ``labels``: channels of the label map, 1 where it ``draws``. ``base`` and ``most`` bound the channels of a block at
    resolution r: min(base / r, most). ``pose_zeroed``: the camera of the map is taken but not looked at.
    ``plane_axes``: "published" samples (x, y), (x, z), (z, x); "three" has a plane for (z, y) instead of the last.
    ``near`` and ``far`` are depths along rays, or both 0 for where a ray meets the box.

    What the published ones have not: ``sees_rays``, the label encoder is told where each pixel looks from and to;
    ``empty_logit``, how likely a ray that meets nothing shows label 0; ``palettes``, of how many sets of part colours
    (one of which a seed picks) the style code is made, instead of being drawn; ``map_finer``, how many times finer
    maps are than the encoder sees them. ``style_rate`` is how fast the style's layers learn beside all others;
    ``steeper``, how many times as sharp a surface looks as it was learned, which blurs what is uncertain.
    """

    labels: int
    draws: bool = False
    label_size: int = 512
    z_dim: int = 512
    w_dim: int = 512
    pose_conditioned: bool = True
    pose_zeroed: bool = False
    label_layers: int = 7
    encoder_base: int = 32768
    encoder_most: int = 512
    plane_size: int = 256
    plane_base: int = 32768
    plane_most: int = 512
    plane_channels: int = 32
    plane_axes: Literal["published", "three"] = "published"
    decoder_hidden: int = 64
    render_size: int = 128
    picture_size: int = 512
    super_resolution: SuperResolution = "8xdc"
    super_widths: tuple[int, int] = (256, 128)
    near: float = 2.25
    far: float = 3.3
    box: float = 1.0
    coarse: int = 48
    fine: int = 48
    white_back: bool = False
    radius: float = 2.7
    pivot: tuple[float, float, float] = (0.0, 0.0, 0.0)
    focal: float = 4.2647
    iso_level: float = 50.0
    sees_rays: bool = False
    empty_logit: float = 0.0
    palettes: int = 0
    map_finer: int = 1
    style_rate: float = 0.01
    steeper: float = 1.0

    @property
    def map_size(self) -> int:
        """Side of the map that is taken, in pixels; ``label_size`` of it is what the encoder sees."""
        return self.label_size * self.map_finer

    @property
    def rows(self) -> int:
        """How many styles the planes' network takes: one for the first convolution, two a block, one for the last."""
        return 2 * (self.plane_size.bit_length() - 1) - 2

    @property
    def camera_numbers(self) -> int:
        return 25 if self.pose_conditioned else 0


PUBLISHED: dict[str, Config] = {
    "seg2cat": Config(labels=6, pivot=(0.0, 0.0, -0.06)),
    "seg2face": Config(labels=19, pivot=(0.0, 0.0, 0.2)),
    # Its options were not published with the others; these are presumed.
    "edge2cat": Config(labels=1, draws=True, pivot=(0.0, 0.0, -0.06)),
    "edge2car": Config(
        labels=1,
        draws=True,
        label_size=128,
        pose_zeroed=True,
        render_size=64,
        picture_size=128,
        super_resolution="2x",
        super_widths=(128, 64),
        near=0.1,
        far=2.6,
        box=1.6,
        coarse=64,
        fine=64,
        white_back=True,
        radius=1.7,
        focal=1.7074,
    ),
}

STARTER = Config(
    labels=6,
    label_size=64,
    z_dim=16,
    w_dim=96,
    pose_conditioned=False,
    encoder_base=1024,
    encoder_most=96,
    plane_size=64,
    plane_base=2048,
    plane_most=64,
    plane_channels=16,
    plane_axes="three",
    decoder_hidden=32,
    render_size=64,
    picture_size=128,
    super_resolution="2x",
    super_widths=(24, 16),
    near=0.0,
    far=0.0,
    coarse=24,
    fine=16,
    white_back=True,
    radius=2.2,
    focal=1.75,
    iso_level=10.0,
    sees_rays=True,
    empty_logit=8.0,
    palettes=256,
    map_finer=2,
    style_rate=1.0,
    steeper=2.0,
)

"""What adversarial training begins with: the networks of an EG3D or pix2pix3D file, as far as they fit."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from backend.models.pix2pix3d.pickles import read_snapshot
from backend.models.pix2pix3d.rivals import Rivals

# Which network of a file each of ours begins with: the first that is there.
_SOURCES = {
    "generator": ("G", "G_ema"),
    "discriminator": ("D",),
    "semantic_discriminator": ("D_semantic", "D"),
}


def begin(rivals: Rivals, path: Path) -> int:
    """Give ``rivals`` every tensor of the file ``path`` whose name and shape are theirs, as the authors began with
    EG3D's; the rest stays freshly drawn. Returns how many of them are the generator's.

    ProblemError (BAD_INPUT) when the file cannot be read.
    """
    networks = read_snapshot(path).networks
    taken: dict[str, int] = {}
    for name, sources in _SOURCES.items():
        found = next((networks[source].state for source in sources if source in networks), {})
        ours: nn.Module = getattr(rivals, name)
        state = ours.state_dict()
        fitting: dict[str, Tensor] = {
            key: each.float() for key, each in found.items() if key in state and state[key].shape == each.shape
        }
        ours.load_state_dict({**state, **fitting})
        taken[name] = len(fitting)
    return taken["generator"]

"""What a job gave: the visible mask and the samples to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from protocol import Image, Mask, Mesh, Outputs


@dataclass
class Sample:
    """One hypothesis of the whole object. ``mesh`` is None until somebody asks for it."""

    completed: Image
    amodal: Mask
    mesh: Mesh | None = None


@dataclass
class Result:
    """``chosen`` is the index of the sample that is shown. Of a ``flat`` one only the pictures are wanted, until
    somebody asks for a mesh."""

    job_id: str
    mask: Mask
    samples: list[Sample]
    info: dict[str, Any] = field(default_factory=dict)
    chosen: int = 0
    flat: bool = False

    @property
    def sample(self) -> Sample:
        return self.samples[self.chosen]

    @classmethod
    def of(cls, job_id: str, outputs: Outputs, info: dict[str, Any]) -> Result:
        """From the outputs of `whole_object`, whose mesh is that of the first sample, or of `complete`."""
        pairs = zip(outputs["completed"], outputs["amodal_masks"], strict=True)
        samples = [Sample(completed, amodal) for completed, amodal in pairs]
        if "mesh" in outputs:
            samples[0] = replace(samples[0], mesh=outputs["mesh"])
        return cls(job_id, outputs["mask"], samples, info, flat="mesh" not in outputs)


def note_of(info: Mapping[str, Any], levels: Mapping[str, str]) -> str:
    """What a job's ``info`` says: which models made it and of which level (by model name), the seed and the seconds, in
    one line; empty when the server said nothing."""
    models = info.get("models") or {}
    names = dict.fromkeys(map(str, models.values() if isinstance(models, dict) else models))
    parts = [", ".join(f"{name} ({levels[name]})" if name in levels else name for name in names)] if names else []
    if "seed" in info:
        parts.append(f"seed {info['seed']}")
    seconds = info.get("seconds")
    total = sum(seconds.values()) if isinstance(seconds, dict) else seconds
    if isinstance(total, int | float):
        parts.append(f"{total:.1f} s")
    return " · ".join(parts)

"""Parameters that several tasks have."""

from __future__ import annotations

from .descriptions import ParameterInfo

POINTS = ParameterInfo(
    "points",
    "points",
    default=[],
    title="Points",
    help="Clicks as [x, y, label] in pixels: label 1 is on the object, 0 is not.",
)
BOX = ParameterInfo("box", "box", title="Box", help="A box around the object: [x0, y0, x1, y1] in pixels.")
SEED = ParameterInfo(
    "seed",
    "integer",
    default=0,
    minimum=0,
    maximum=2**31 - 1,
    title="Seed",
    help="The same seed gives the same bytes.",
)
SAMPLES = ParameterInfo(
    "samples",
    "integer",
    default=3,
    minimum=1,
    maximum=8,
    title="Samples",
    help="How many completions to choose from.",
    basic=True,
)
QUALITY = ParameterInfo(
    "quality",
    "choice",
    default="standard",
    choices=["draft", "standard", "best"],
    title="Quality",
    help="Draft is quickest; best takes longest.",
    basic=True,
)
COMPLETION_QUALITY = ParameterInfo(
    "quality",
    "choice",
    default="standard",
    choices=["draft", "standard", "best", "reference"],
    title="Quality",
    help="Draft is quickest; reference is the model exactly as published, often far slower.",
    basic=True,
)
FACES = ParameterInfo(
    "faces",
    "integer",
    default=20_000,
    minimum=500,
    maximum=200_000,
    title="Faces",
    unit="triangles",
    help="About how many triangles the mesh may have.",
    basic=True,
)
TEXTURE = ParameterInfo(
    "texture_size",
    "integer",
    default=1024,
    minimum=0,
    maximum=4096,
    unit="pixels",
    title="Texture size",
    help="Side of the texture; 0 gives vertex colours alone.",
)


def model_choice(task: str, default: str, name: str = "model", title: str = "Model") -> ParameterInfo:
    """Which of the models that can do ``task``."""
    return ParameterInfo(
        name,
        "model",
        default=default,
        title=title,
        help=f"Which model does it ({task}).",
        model_task=task,
    )

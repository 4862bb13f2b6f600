"""Tasks that make objects from label maps and drawings, and change them by them."""

from __future__ import annotations

from .descriptions import ParameterInfo, PortInfo, TaskInfo
from .parameters import QUALITY, SEED, model_choice

_SIZE = ParameterInfo(
    "size",
    "integer",
    default=256,
    minimum=16,
    maximum=1024,
    unit="pixels",
    title="Picture size",
    help="Side of the picture and the label map that come back; small ones come sooner.",
)
_OUTPUTS = (
    PortInfo("field", "handle", help="The object on the server, to render, film, mesh, edit or mix."),
    PortInfo("image", "image", help="RGBA picture of it from the label map's camera."),
    PortInfo("labels", "label_map", help="What part each pixel of that picture shows."),
    PortInfo("camera", "camera", help="The camera that the label map is seen from."),
)


def _blend(name: str, title: str, what: str) -> ParameterInfo:
    return ParameterInfo(
        name, "number", default=0.5, minimum=0.0, maximum=1.0, title=title, help=f"{what} 0 is the first's, 1 the"
        " second's.", basic=True
    )  # fmt: skip


SYNTHESIZE = TaskInfo(
    "synthesize",
    "Make an object from labels",
    help="A whole object from a painted label map or a drawing: a labelled field that lives on the server.",
    inputs=[
        PortInfo(
            "label_map",
            "label_map",
            required=False,
            help="What part each pixel shows, by the ids of the model's labels.",
        ),
        PortInfo("drawing", "image", required=False, help="Or a drawing, dark on light, for a model that draws."),
        PortInfo("camera", "camera", required=False, help="Where it is seen from; the model's front otherwise."),
    ],
    parameters=[
        model_choice("synthesize", "seg2vehicle"),
        QUALITY,
        ParameterInfo(
            "find_camera",
            "boolean",
            default=False,
            title="Find the side",
            help="Without a camera, look for the side that the label map shows; otherwise it shows the model's front.",
        ),
        SEED,
        ParameterInfo(
            "truncation",
            "number",
            default=1.0,
            minimum=0.0,
            maximum=1.0,
            title="Variety",
            help="Below 1 the look comes nearer to the average of what the model learned: safer and duller.",
        ),
        _SIZE,
    ],
    outputs=list(_OUTPUTS),
    stages=["synthesize"],
)

EDIT = TaskInfo(
    "edit",
    "Change an object by its labels",
    help="The object made anew from a label map that was changed, seen from any side, in the look that it has.",
    inputs=[
        PortInfo("field", "handle", help="A field from synthesize, edit or mix."),
        PortInfo("label_map", "label_map", help="The changed label map, by the ids of the field's labels."),
        PortInfo("camera", "camera", required=False, help="Where that is seen from; the field's own camera otherwise."),
    ],
    parameters=[
        ParameterInfo(
            "keep_style",
            "boolean",
            default=True,
            title="Keep the look",
            help="Keep colours and material, and change the shape alone; otherwise the seed chooses new ones.",
            basic=True,
        ),
        QUALITY,
        SEED,
        _SIZE,
    ],
    outputs=list(_OUTPUTS),
    stages=["edit"],
)

MIX = TaskInfo(
    "mix",
    "Mix two objects",
    help="An object between two of one model: the shape so far from the first's to the second's, and so the look.",
    inputs=[
        PortInfo("first", "handle", help="A field from synthesize, edit or mix."),
        PortInfo("second", "handle", help="Another one of the same model."),
    ],
    parameters=[
        _blend("shape", "Shape", "Whose shape it has:"),
        _blend("style", "Look", "Whose colours and material it has:"),
        _SIZE,
    ],
    outputs=list(_OUTPUTS),
    stages=["mix"],
)

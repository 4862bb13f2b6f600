"""Tasks that look at an object that is there: its mesh, pictures of it and films."""

from __future__ import annotations

from .descriptions import ParameterInfo, PortInfo, TaskInfo
from .parameters import FACES, TEXTURE

_OBJECT = (
    PortInfo("object", "handle", required=False, help="A mesh or field on the server."),
    PortInfo("mesh", "mesh", required=False, help="Or a mesh sent along."),
)
_ELEVATION = ParameterInfo(
    "elevation",
    "number",
    default=15.0,
    minimum=-89.0,
    maximum=89.0,
    unit="degrees",
    title="Elevation",
    help="How far above the object's middle the camera stands.",
)
_FOV = ParameterInfo(
    "fov",
    "number",
    default=35.0,
    minimum=5.0,
    maximum=120.0,
    unit="degrees",
    title="Field of view",
    help="Vertical field of view.",
)

MESH = TaskInfo(
    "mesh",
    "Make a mesh",
    help="A watertight, coloured mesh of a field, with a texture or, of a labelled field, with a label for each face.",
    inputs=[PortInfo("field", "handle", help="A field from reconstruct, synthesize, edit or mix.")],
    parameters=[FACES, TEXTURE],
    outputs=[
        PortInfo("mesh", "mesh", help="The mesh in glTF axes, in a cube of side 1."),
        PortInfo("mesh_handle", "handle", help="The same mesh on the server, for rendering."),
    ],
    stages=["mesh"],
)

RENDER = TaskInfo(
    "render",
    "Render novel views",
    help="Pictures of a mesh or field from cameras given, or from a ring of views around it.",
    inputs=[
        *_OBJECT,
        PortInfo("cameras", "camera", many=True, required=False, help="Where to look from; replaces the ring."),
    ],
    parameters=[
        ParameterInfo(
            "views", "integer", default=8, minimum=1, maximum=120, title="Views", help="Views in the ring.", basic=True
        ),
        ParameterInfo(
            "size",
            "integer",
            default=512,
            minimum=16,
            maximum=2048,
            unit="pixels",
            title="Size",
            help="Side of each picture. A labelled field takes about four times as long at twice the size.",
            basic=True,
        ),
        _ELEVATION,
        _FOV,
        ParameterInfo(
            "transparent",
            "boolean",
            default=True,
            title="Transparent",
            help="Alpha 0 around the object instead of grey.",
        ),
    ],
    outputs=[
        PortInfo("views", "image", many=True, help="RGBA pictures, one a camera."),
        PortInfo(
            "label_maps",
            "label_map",
            many=True,
            required=False,
            help="What part each pixel shows, of a labelled field.",
        ),
        PortInfo("depths", "depth", many=True, required=False, help="How far away each pixel is, of a labelled field."),
    ],
    stages=["render"],
)

FILM = TaskInfo(
    "film",
    "Make a film",
    help="A film of a mesh or field as the camera moves around it; of a labelled field, also one of its parts.",
    inputs=list(_OBJECT),
    parameters=[
        ParameterInfo(
            "path",
            "choice",
            default="orbit",
            choices=["orbit", "swing", "tumble"],
            title="Path",
            help="Orbit goes round once; swing moves a little to all sides, as the published films of faces do; tumble"
            " goes over both poles, as those of cars do.",
            basic=True,
        ),
        ParameterInfo(
            "seconds",
            "number",
            default=4.0,
            minimum=0.1,
            maximum=60.0,
            unit="s",
            title="Length",
            help="How long the film is; it ends where it begins.",
            basic=True,
        ),
        ParameterInfo(
            "fps",
            "number",
            default=15.0,
            minimum=1.0,
            maximum=60.0,
            unit="frames/s",
            title="Frame rate",
            help="Pictures a second.",
        ),
        ParameterInfo(
            "size",
            "integer",
            default=256,
            minimum=16,
            maximum=1024,
            unit="pixels",
            title="Size",
            help="Side of the film.",
            basic=True,
        ),
        _ELEVATION,
        _FOV,
    ],
    outputs=[
        PortInfo("frames", "frames", help="The film, on light grey."),
        PortInfo(
            "label_frames", "frames", required=False, help="The same of a labelled field's parts, in their colours."
        ),
    ],
    stages=["film"],
)

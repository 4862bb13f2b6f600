"""The properties that live in the .blend file: settings on the scene, prompts on the image."""

from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    PointerProperty,
)

from . import parameters, places, timer
from .session import ImportOptions


class WHOLEFORM_PG_point(bpy.types.PropertyGroup):
    """One click, in pixels of the image, y downwards."""

    x: FloatProperty(name="X")
    y: FloatProperty(name="Y")
    on_object: BoolProperty(name="On the object", default=True)


class WHOLEFORM_PG_prompts(bpy.types.PropertyGroup):
    """What was pointed at in one image."""

    points: CollectionProperty(type=WHOLEFORM_PG_point)
    box: FloatVectorProperty(name="Box", size=4, description="x0, y0, x1, y1 in pixels, y downwards")
    has_box: BoolProperty(name="Has a box", default=False)


class WHOLEFORM_PG_settings(bpy.types.PropertyGroup):
    """What the panel sets."""

    image: PointerProperty(
        type=bpy.types.Image, name="Picture", description="The picture with the object that is to be made whole"
    )
    labels: PointerProperty(
        type=bpy.types.Image, name="Label Map", description="The image that an object's parts are painted on"
    )
    follow: BoolProperty(
        name="Follow the Brush",
        description="Make the object anew a quarter of a second after painting rests",
        default=False,
        update=lambda settings, context: timer.ensure(),
    )
    make: EnumProperty(
        name="Make",
        description="What is made of the object",
        items=[
            ("MESH", "Mesh", "The completed picture and a mesh of it"),
            ("PICTURE", "Picture", "The completed picture alone: an image, its mask, and a cut-out in the scene"),
        ],
        default="MESH",
        update=lambda settings, context: parameters.take_over(settings.id_data),
    )
    show: EnumProperty(
        name="Show",
        description="What is drawn over the picture",
        items=[
            ("PICTURE", "Picture", "The picture alone"),
            ("OUTLINE", "Outline", "The whole object's mask: blue what is seen, orange and dashed what is hidden"),
            ("WHOLE", "Whole", "The completed object in its place"),
            ("AGREEMENT", "Agreement", "Plain where all samples agree, striped where only some have the object"),
        ],
        default="WHOLE",
        update=lambda settings, context: places.redraw("IMAGE_EDITOR"),
    )
    height: FloatProperty(
        name="Height",
        description="Height of the imported object in scene units",
        default=1.0,
        min=0.0001,
        soft_max=100.0,
        unit="LENGTH",
    )
    origin: EnumProperty(
        name="Origin",
        description="Where the object's origin is",
        items=[("BASE", "Base", "Middle of the underside"), ("CENTRE", "Centre", "Middle of the object")],
        default="BASE",
    )
    place: EnumProperty(
        name="Place",
        description="Where the object is put",
        items=[
            ("CURSOR", "3D Cursor", "Upright at the 3D cursor, front towards -Y"),
            ("PICTURE", "As in Picture", "Where the camera saw it: the picture's own camera, else the active one"),
        ],
        default="CURSOR",
    )
    colours: EnumProperty(
        name="Colours",
        description="What the material shows",
        items=[
            ("TEXTURE", "Texture", "The picture's texture, where the result has one"),
            ("VERTEX", "Vertex Colours", "The colour attribute alone"),
        ],
        default="TEXTURE",
    )


def options_of(settings: Any) -> ImportOptions:
    """The import options that the panel shows."""
    return ImportOptions(settings.height, settings.origin, settings.place, settings.colours)


def points_of(image: Any) -> list[list[float]]:
    """The image's points as [x, y, label], label 1 on the object and 0 off it."""
    return [[point.x, point.y, float(point.on_object)] for point in image.wholeform.points]


def box_of(image: Any) -> list[float] | None:
    """The image's box as [x0, y0, x1, y1], or None."""
    return list(image.wholeform.box) if image.wholeform.has_box else None


CLASSES = (WHOLEFORM_PG_point, WHOLEFORM_PG_prompts, WHOLEFORM_PG_settings)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.wholeform = PointerProperty(type=WHOLEFORM_PG_settings)
    bpy.types.Image.wholeform = PointerProperty(type=WHOLEFORM_PG_prompts)


def unregister() -> None:
    del bpy.types.Image.wholeform
    del bpy.types.Scene.wholeform
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)

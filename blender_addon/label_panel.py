"""The fold "Paint Labels" of the tab, in both editors."""

from __future__ import annotations

from typing import Any

import bpy

from . import compat, label_images, labelling, parameters, thumbnails, wording
from .forms import stage_titles
from .panels import Tab, wrapped
from .session import Painting, current

_SHOWN = ("model", "quality", "seed")  # of the form
ACROSS = 130  # pixels that a swatch and its name need


def draw_map(layout: Any, scene: Any) -> None:
    """The label map, and whose labels a new one has."""
    row = layout.row(align=True)
    row.prop(scene.wholeform, "labels", text="")
    row.operator("wholeform.new_label_map", text="" if scene.wholeform.labels else "New Label Map", icon="ADD")
    group = parameters.group(scene, "LABELS")
    if group is None:
        wrapped(layout, "The palette comes with the connection")
        return
    column = layout.column(align=True)
    column.use_property_split = True
    column.use_property_decorate = False
    for field in parameters.fields(scene, "LABELS"):
        if field.name in _SHOWN:
            column.prop(group, field.name)


def draw_palette(layout: Any, context: Any, image: Any) -> None:
    """A swatch for each part; what is painted with is pressed."""
    picked = labelling.picked(context)
    grid = layout.column(align=True)
    known, columns = label_images.labels(image), _columns(context)
    for start in range(0, len(known), columns):
        row = grid.row(align=True)
        for index, label in enumerate(known[start : start + columns], start):
            icon = thumbnails.swatch(label.colour)
            pressed = label.colour == picked
            row.operator("wholeform.pick_label", text=label.name, icon_value=icon, depress=pressed).index = index


def _columns(context: Any) -> int:
    """How many swatches stand side by side without their names being cut off."""
    region, scale = context.region, context.preferences.system.ui_scale
    return max(1, int(region.width / (ACROSS * scale))) if region is not None else 1


def draw_object(layout: Any, scene: Any, painting: Painting | None) -> None:
    """Making the object, what it looks like, and what can be done with it."""
    row = layout.row()
    row.scale_y = 1.6
    row.operator("wholeform.make_object", icon="MESH_MONKEY")
    layout.prop(scene.wholeform, "follow")
    if painting is None:
        return
    _draw_progress(layout, painting)
    icon = thumbnails.icon(painting.icon, 0)
    if icon:
        layout.template_icon(icon_value=icon, scale=8.0)
    if painting.made is not None:
        column = layout.column(align=True)
        column.operator("wholeform.edit_from_view", icon="VIEW_CAMERA")
        column.operator("wholeform.import_object", icon="IMPORT")
    if painting.note:
        wrapped(layout, painting.note)


def _draw_progress(layout: Any, painting: Painting) -> None:
    session = current()
    under_way = [asked.job for asked in painting.jobs.values()]
    if not under_way:
        return
    row = layout.row(align=True)
    column = row.column()
    compat.progress(column, wording.fraction(under_way[0]))
    wrapped(column, wording.job_line(under_way[0], stage_titles(session.catalogue), session.connected))
    row.operator("wholeform.stop_making", text="", icon="CANCEL")


class _Labels(Tab):
    bl_label = "Paint Labels"

    def draw(self, context: Any) -> None:
        layout, scene = self.layout, context.scene
        draw_map(layout, scene)
        image = labelling.label_map(context)
        if image is None:
            return
        draw_palette(layout, context, image)
        draw_object(layout, scene, current().paintings.get(image.name))


CLASSES = tuple(
    type(
        f"{prefix}_PT_wholeform_labels",
        (_Labels, bpy.types.Panel),
        {
            "bl_space_type": space,
            "bl_idname": f"{prefix}_PT_wholeform_labels",
            "bl_parent_id": f"{prefix}_PT_wholeform",
            # Open where one paints.
            "bl_options": {"DEFAULT_CLOSED"} if space == "VIEW_3D" else set(),
        },
    )
    for prefix, space in (("VIEW3D", "VIEW_3D"), ("IMAGE", "IMAGE_EDITOR"))
)

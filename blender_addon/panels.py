"""The N-panel tab "Wholeform" in the 3D viewport and the Image Editor. Drawing reads; it never changes anything."""

from __future__ import annotations

from typing import Any

import bpy

from . import compat, parameters, pointing, preferences, prompts, thumbnails, wording
from .forms import stage_titles
from .properties import box_of, points_of
from .protocol import JobState
from .session import JobRecord, current

ACROSS = 4  # thumbnails in a row of the narrow panel


def draw_connection(layout: Any) -> None:
    """One dot with one word, the name of a server elsewhere, and what to do when there is trouble."""
    session = current()
    network = session.network
    row = layout.row(align=True)
    server = network.server or preferences.server()
    word = wording.CONNECTION_WORDS[network.state].capitalize()
    # The narrow panel shows little more than the word, so that comes first.
    row.label(text=word if server.is_local else f"{word}: {server.name}", icon=preferences.connection_icon())
    if network.client is None:
        row.operator("wholeform.test_connection", text="", icon="LINKED")
    row.operator("preferences.addon_show", text="", icon="PREFERENCES").module = __package__
    if network.problem is not None and not session.connected:
        wrapped(layout, f"{network.problem.message} {network.problem.hint}")
    if session.note:
        wrapped(layout, session.note)
    if server.is_local and not session.connected and not session.local.runs:
        layout.operator("wholeform.start_server", icon="PLAY")


def draw_source(layout: Any, scene: Any) -> None:
    """The picture and where it can come from."""
    column = layout.column(align=True)
    row = column.row(align=True)
    row.prop(scene.wholeform, "image", text="")
    row.operator("wholeform.open_image", text="", icon="FILE_FOLDER")
    row = column.row(align=True)
    row.operator("wholeform.use_render", icon="RENDER_STILL")
    row.operator("wholeform.grab_viewport", icon="VIEW3D")
    if scene.wholeform.image is None:
        column.operator("wholeform.use_example", icon="IMAGE_DATA", text="Try the Example")


def draw_prompts(layout: Any, image: Any | None) -> None:
    """Pointing, with counts."""
    column = layout.column(align=True)
    row = column.row(align=True)
    row.operator("wholeform.point", icon="RESTRICT_SELECT_OFF", depress=pointing.is_pointing())
    row.operator("wholeform.clear_prompts", text="", icon="X")
    if image is None:
        return
    points = points_of(image)
    if not points and box_of(image) is None:
        wrapped(column, "Nothing pointed at: takes what stands out most")
        return
    on = sum(label > 0 for _, _, label in points)
    counts = [f"{on} on" if on else "", f"{len(points) - on} off" if len(points) > on else ""]
    counts.append("box" if box_of(image) is not None else "")
    waiting = "  (looking)" if prompts.is_asking(image.name) else ""
    column.label(text="Pointed at: " + ", ".join(count for count in counts if count) + waiting)


def draw_form(layout: Any, scene: Any, basic: bool) -> None:
    """The parameters of the catalogue: the few that matter, or the others."""
    group, fields = parameters.group(scene), parameters.fields(scene)
    column = layout.column(align=not basic)
    column.use_property_split = True
    column.use_property_decorate = False
    for field in fields:
        if field.basic == basic and group is not None:
            column.prop(group, field.name)
    if not fields:
        wrapped(column, "Settings come with the connection")


def draw_samples(layout: Any, scene: Any) -> None:
    """The completions of the job shown, to choose from."""
    session = current()
    record = session.records.get(session.shown)
    if record is None or not record.thumbnails:
        return
    strip = list(range(len(record.thumbnails)))
    shown = [record.chosen] if record.accepted and record.chosen in strip else strip
    for start in range(0, len(shown), ACROSS):
        row = layout.row(align=True)
        for index in shown[start : start + ACROSS]:
            draw_sample(row.column(align=True), record, index)
    if record.samples:
        draw_choice(layout, record, scene)


def draw_sample(column: Any, record: JobRecord, index: int) -> None:
    """One thumbnail with its number."""
    icon = thumbnails.icon(record.job.id, index)
    if icon:
        column.template_icon(icon_value=icon, scale=4.0)
    if record.accepted:
        column.label(text=f"Sample {index + 1} accepted", icon="CHECKMARK")
    elif record.samples:
        depress = index == record.chosen and record.imported
        choose = column.operator("wholeform.choose_sample", text=str(index + 1), depress=depress)
        choose.job, choose.index = record.job.id, index
    else:
        column.label(text=str(index + 1))


def draw_choice(layout: Any, record: JobRecord, scene: Any) -> None:
    """What can be done with the chosen sample, and what is drawn of it over the picture."""
    column = layout.column(align=True)
    row = column.row(align=True)
    if record.accepted:
        row.operator("wholeform.choose_again", icon="LOOP_BACK").job = record.job.id
    elif len(record.samples) > 1:
        row.operator("wholeform.accept_sample", icon="CHECKMARK").job = record.job.id
    if record.flat:
        row.operator("wholeform.make_mesh", icon="MESH_MONKEY").job = record.job.id
    row = column.row(align=True)
    row.use_property_split = True
    row.use_property_decorate = False
    row.prop(scene.wholeform, "show")
    if scene.wholeform.show == "AGREEMENT" and record.result is not None:
        wrapped(column, wording.agreement(len(record.samples), record.result.looks.agreed))


def draw_job(layout: Any, record: JobRecord) -> None:
    """One job: its picture, what it does, how far it is, and a button to end it."""
    session = current()
    box = layout.box()
    row = box.row(align=True)
    icon = thumbnails.icon(record.job.id, 0)
    row.label(text=record.label + (f", sample {record.chosen + 1}" if record.parent else ""), icon_value=icon)
    if record.is_active:
        row.operator("wholeform.cancel", text="", icon="CANCEL").job = record.job.id
        titles = stage_titles(session.catalogue)
        compat.progress(box, wording.fraction(record.job))
        wrapped(box, wording.job_line(record.job, titles, session.connected, record.stopping))
        return
    if record.job.state is JobState.DONE and record.result is not None:
        row.operator("wholeform.import_result", text="", icon="IMPORT").job = record.job.id
    if len(record.samples) > 1 and (record.accepted or session.shown != record.job.id):
        row.operator("wholeform.choose_again", text="", icon="RENDERLAYERS").job = record.job.id
    if record.image is not None and not record.parent:
        row.operator("wholeform.run_again", text="", icon="FILE_REFRESH").job = record.job.id
    row.operator("wholeform.remove_job", text="", icon="X").job = record.job.id
    if record.note:
        wrapped(box, record.note)
    elif record.job.problem is not None:
        wrapped(box, str(record.job.problem))
        box.label(text=f"Job {record.job.id}")
    else:
        wrapped(box, _ending(record))


def _ending(record: JobRecord) -> str:
    if record.job.state is not JobState.DONE:
        return wording.job_line(record.job, {})
    if record.result is None:
        return "fetching the result"
    models = ", ".join(dict.fromkeys(record.job.info.get("models", {}).values()))
    text = "done" if record.imported else "done, not imported"
    if record.accepted:
        text = f"{text}, sample {record.chosen + 1} accepted"
    return f"{text}, by {models}" if models else text


def wrapped(layout: Any, text: str) -> None:
    """``text`` over as many lines as the panel's width needs."""
    region = bpy.context.region
    scale = bpy.context.preferences.system.ui_scale
    letters = max(24, int(region.width / (7.2 * scale)) - 4) if region is not None else 40
    column = layout.column(align=True)
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > letters:
            column.label(text=line)
            line = ""
        line = f"{line} {word}".strip()
    if line:
        column.label(text=line)


class Tab:
    """What the tab's panels share."""

    bl_region_type = "UI"
    bl_category = "Wholeform"


class _Main(Tab):
    bl_label = "Wholeform"

    def draw(self, context: Any) -> None:
        layout, image = self.layout, prompts.picture(context)
        draw_connection(layout)
        draw_source(layout, context.scene)
        draw_prompts(layout, image)
        layout.row(align=True).prop(context.scene.wholeform, "make", expand=True)
        draw_form(layout, context.scene, basic=True)
        row = layout.row()
        row.scale_y = 1.6
        row.operator("wholeform.make_whole", icon="MESH_MONKEY")
        draw_samples(layout, context.scene)


class _Jobs(Tab):
    bl_label = "Jobs"

    def draw(self, context: Any) -> None:
        records = current().records
        if not records:
            self.layout.label(text="No jobs yet")
        for record in reversed(list(records.values())):
            draw_job(self.layout, record)
        if len(current().active) > 1:
            self.layout.operator("wholeform.cancel_all", icon="CANCEL")


class _Import(Tab):
    bl_label = "Import"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        column = self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        for name in ("height", "origin", "colours", "place"):
            column.prop(context.scene.wholeform, name)


class _More(Tab):
    bl_label = "More"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        draw_form(self.layout, context.scene, basic=False)


def _make_classes() -> tuple[type, ...]:
    """Each panel once for each editor: Blender wants a class for both."""
    made: list[type] = []
    for prefix, space in (("VIEW3D", "VIEW_3D"), ("IMAGE", "IMAGE_EDITOR")):
        main = f"{prefix}_PT_wholeform"
        made.append(type(main, (_Main, bpy.types.Panel), {"bl_space_type": space, "bl_idname": main}))
        for base, name in ((_More, "more"), (_Jobs, "jobs"), (_Import, "import")):
            idname = f"{main}_{name}"
            fields = {"bl_space_type": space, "bl_idname": idname, "bl_parent_id": main}
            made.append(type(idname, (base, bpy.types.Panel), fields))
    return tuple(made)


CLASSES = _make_classes()

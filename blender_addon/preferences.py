"""The add-on's preferences: the list of servers, this computer's key, the local server."""

from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, IntProperty, StringProperty

from . import wording
from .local_server import default_command
from .protocol import ProblemError
from .protocol.security import default_key_path, load_keys
from .servers import Server, understood
from .session import current

LOCAL_NAME = "This computer"


class WHOLEFORM_PG_server(bpy.types.PropertyGroup):
    """One server."""

    name: StringProperty(name="Name", default="New server")
    address: StringProperty(
        name="Address", description="host or host:port; empty for the server that runs on this computer"
    )
    key: StringProperty(name="Server key", description="The server's public key, 40 characters; its owner has it")


class WHOLEFORM_UL_servers(bpy.types.UIList):
    """The servers by name."""

    # Blender counts the arguments, so all are named.
    def draw_item(
        self, context: Any, layout: Any, data: Any, item: Any, icon: int, active_data: Any, active_property: str
    ) -> None:
        row = layout.row()
        row.label(text=item.name, icon="HOME" if not item.address.strip() else "URL")
        row.label(text=item.address or "local")


class WholeformPreferences(bpy.types.AddonPreferences):
    bl_idname = __package__

    servers: CollectionProperty(type=WHOLEFORM_PG_server)
    active_server: IntProperty(name="Active server", default=0)
    command: StringProperty(
        name="Server command",
        description="Starts a server on this computer; empty for the one found: wholeform serve",
    )
    connect_at_start: BoolProperty(
        name="Connect when Blender starts",
        description="Otherwise the first job or Test Connection does it",
        default=True,
    )

    def draw(self, context: Any) -> None:
        layout = self.layout
        row = layout.row()
        row.template_list("WHOLEFORM_UL_servers", "", self, "servers", self, "active_server", rows=3)
        column = row.column(align=True)
        column.operator("wholeform.server_add", text="", icon="ADD")
        column.operator("wholeform.server_remove", text="", icon="REMOVE")
        draw_server(layout, self)
        draw_report(layout)
        draw_local(layout, self)
        draw_own_key(layout)
        layout.prop(self, "connect_at_start")


def draw_server(layout: Any, preferences: Any) -> None:
    """The chosen server's fields and what was understood of them."""
    item = chosen(preferences)
    if item is None:
        return
    box = layout.box()
    box.prop(item, "name")
    box.prop(item, "address")
    box.prop(item, "key")
    text, good = understood(Server(item.name, item.address, item.key))
    box.label(text=text, icon="CHECKMARK" if good else "ERROR")
    box.operator("wholeform.test_connection", icon="LINKED")


def draw_report(layout: Any) -> None:
    """What Test Connection found."""
    session = current()
    network = session.network
    if network.client is None:
        if session.note:
            layout.label(text=session.note, icon="INFO")
        return
    box = layout.box()
    box.label(text=wording.CONNECTION_WORDS[network.state].capitalize(), icon=connection_icon())
    welcome = network.client.server
    if session.connected and welcome is not None:
        models = [model.title for model in session.catalogue.models] if session.catalogue else []
        for line in wording.server_lines(welcome, session.heartbeat, session.round_trip_s, models):
            box.label(text=line)
    elif network.problem is not None:
        box.label(text=network.problem.message)
        if network.problem.hint:
            box.label(text=network.problem.hint)


def draw_local(layout: Any, preferences: Any) -> None:
    """The server on this computer."""
    box = layout.box()
    box.prop(preferences, "command")
    if not preferences.command:
        found = default_command()
        box.label(text=f"Found: {found}" if found else "No “wholeform” command found", icon="INFO")
    row = box.row()
    row.operator("wholeform.start_server", icon="PLAY")
    row.operator("wholeform.stop_server", icon="SNAP_FACE")


def draw_own_key(layout: Any) -> None:
    """This computer's public key, to be given to a server's owner."""
    row = layout.row()
    try:
        row.label(text=f"Your key: {load_keys(default_key_path('client')).public}", icon="KEYINGSET")
        row.operator("wholeform.copy_key", text="Copy", icon="COPYDOWN")
    except ProblemError:
        row.label(text="No key of yours yet: needed for servers on the network", icon="KEYINGSET")
        row.operator("wholeform.copy_key", text="Make and Copy", icon="ADD")


def connection_icon() -> str:
    """The one dot of the connection."""
    return {"connected": "RADIOBUT_ON", "connecting": "SORTTIME", "offline": "RADIOBUT_OFF"}.get(
        current().network.state.value, "ERROR"
    )


def get() -> Any:
    """The add-on's preferences."""
    return bpy.context.preferences.addons[__package__].preferences


def chosen(preferences: Any) -> Any | None:
    """The chosen entry of the list."""
    index = preferences.active_server
    return preferences.servers[index] if 0 <= index < len(preferences.servers) else None


def server() -> Server:
    """The chosen server; this computer's where the list is empty."""
    item = chosen(get())
    return Server(item.name, item.address, item.key) if item is not None else Server(LOCAL_NAME)


def ensure_local() -> None:
    """A fresh list holds this computer."""
    preferences = get()
    if len(preferences.servers) == 0:
        preferences.servers.add().name = LOCAL_NAME


CLASSES = (WHOLEFORM_PG_server, WHOLEFORM_UL_servers, WholeformPreferences)

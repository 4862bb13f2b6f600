"""The buttons of the preferences: the list of servers, the connection, the local server, this computer's key."""

from typing import Any

import bpy

from . import connecting, places, preferences, timer
from .protocol import ProblemError
from .protocol.connection import find_local
from .protocol.security import default_key_path, load_or_make_keys
from .servers import Server
from .session import current


class WHOLEFORM_OT_server_add(bpy.types.Operator):
    """Add a server to the list"""

    bl_idname = "wholeform.server_add"
    bl_label = "Add Server"
    bl_options = {"INTERNAL"}

    def execute(self, context: Any) -> set[str]:
        settings = preferences.get()
        settings.servers.add()
        settings.active_server = len(settings.servers) - 1
        return {"FINISHED"}


class WHOLEFORM_OT_server_remove(bpy.types.Operator):
    """Remove the chosen server from the list"""

    bl_idname = "wholeform.server_remove"
    bl_label = "Remove Server"
    bl_options = {"INTERNAL"}

    def execute(self, context: Any) -> set[str]:
        settings = preferences.get()
        settings.servers.remove(settings.active_server)
        settings.active_server = max(0, min(settings.active_server, len(settings.servers) - 1))
        preferences.ensure_local()
        return {"FINISHED"}


class WHOLEFORM_OT_test_connection(bpy.types.Operator):
    """Connect to the chosen server and show what it is: version, device, memory, models, round trip"""

    bl_idname = "wholeform.test_connection"
    bl_label = "Test Connection"
    bl_options = {"REGISTER"}

    def execute(self, context: Any) -> set[str]:
        session = current()
        network = session.network
        session.testing = True
        try:
            if session.connected and network.server == preferences.server() and network.client is not None:
                network.client.request_ping()
                network.client.request_catalogue()
            else:
                connecting.connect()
        except ProblemError as error:
            session.testing, session.note = False, str(error)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if network.client is None:
            session.testing = False
        timer.ensure()
        return {"FINISHED"}


class WHOLEFORM_OT_disconnect(bpy.types.Operator):
    """End the connection; jobs go on at the server"""

    bl_idname = "wholeform.disconnect"
    bl_label = "Disconnect"
    bl_options = {"REGISTER"}

    def execute(self, context: Any) -> set[str]:
        session = current()
        session.network.close()
        session.network.server, session.note = None, ""
        places.redraw()
        return {"FINISHED"}


class WHOLEFORM_OT_start_server(bpy.types.Operator):
    """Start a server on this computer and connect to it; one that runs already is used"""

    bl_idname = "wholeform.start_server"
    bl_label = "Start Local Server"
    bl_options = {"REGISTER"}

    def execute(self, context: Any) -> set[str]:
        try:
            if find_local() is None:
                connecting.start_local()
            else:
                connecting.connect(Server(preferences.LOCAL_NAME))
        except ProblemError as error:
            current().note = str(error)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        places.redraw()
        return {"FINISHED"}


class WHOLEFORM_OT_stop_server(bpy.types.Operator):
    """Stop the server on this computer; jobs that have not ended go on when it is started again"""

    bl_idname = "wholeform.stop_server"
    bl_label = "Stop"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return current().local.runs

    def execute(self, context: Any) -> set[str]:
        session = current()
        session.local.stop()
        session.network.close()
        session.network.server, session.note = None, "The local server was stopped"
        places.redraw()
        return {"FINISHED"}


class WHOLEFORM_OT_free_memory(bpy.types.Operator):
    """Have the server unload the models that nothing uses now"""

    bl_idname = "wholeform.free_memory"
    bl_label = "Free Memory"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return current().connected

    def execute(self, context: Any) -> set[str]:
        client = current().network.client
        if client is not None:
            client.request_free_memory()
            client.request_ping()
        return {"FINISHED"}


class WHOLEFORM_OT_copy_key(bpy.types.Operator):
    """Copy this computer's public key, to give it to a server's owner; it is made on first use"""

    bl_idname = "wholeform.copy_key"
    bl_label = "Copy Key"
    bl_options = {"INTERNAL"}

    def execute(self, context: Any) -> set[str]:
        try:
            keys = load_or_make_keys(default_key_path("client"))
        except (ProblemError, OSError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        context.window_manager.clipboard = keys.public
        self.report({"INFO"}, "Your public key is on the clipboard.")
        return {"FINISHED"}


CLASSES = (
    WHOLEFORM_OT_server_add,
    WHOLEFORM_OT_server_remove,
    WHOLEFORM_OT_test_connection,
    WHOLEFORM_OT_disconnect,
    WHOLEFORM_OT_start_server,
    WHOLEFORM_OT_stop_server,
    WHOLEFORM_OT_free_memory,
    WHOLEFORM_OT_copy_key,
)

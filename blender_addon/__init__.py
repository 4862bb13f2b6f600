"""Wholeform in Blender: point at an object in a picture and get the whole of it as a mesh.

Importing this package loads nothing else: Blender calls `register`, and the parts without bpy can be used without it.
"""

# Read by Blender 3.4 to 4.1 only, which know no extensions; kept equal to blender_manifest.toml by a test.
bl_info = {
    "name": "Wholeform",
    "description": "Turns what you can see into whole objects",
    "author": "Wholeform contributors",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "Sidebar of the 3D Viewport and the Image Editor",
    "category": "Import-Export",
}


def register() -> None:
    from . import registration

    registration.register()


def unregister() -> None:
    from . import registration

    registration.unregister()

# pyright: reportMissingImports=false
"""A stand-in for Blender's layout: it draws nothing, but every property and operator named must exist."""

from __future__ import annotations

from typing import Any

import bpy


class Layout:
    """Records what is drawn as texts in ``said``; a row or column writes into the same list."""

    def __init__(self, said: list[str] | None = None) -> None:
        self.said: list[str] = [] if said is None else said
        self.scale_y = 1.0
        self.use_property_split = False
        self.use_property_decorate = True

    def _part(self, *_: Any, **__: Any) -> Layout:
        return Layout(self.said)

    row = column = box = split = _part

    def label(self, text: str = "", icon: str = "NONE", icon_value: int = 0) -> None:
        self._check_icon(icon)
        self.said.append(text)

    def prop(self, data: Any, name: str, text: str | None = None, **_: Any) -> None:
        assert name in data.bl_rna.properties, f"{data.bl_rna.identifier} has no {name}"
        self.said.append(text or data.bl_rna.properties[name].name)

    def operator(
        self, idname: str, text: str | None = None, icon: str = "NONE", depress: bool = False, icon_value: int = 0
    ) -> Any:
        self._check_icon(icon)
        category, name = idname.split(".")
        kind = getattr(getattr(bpy.ops, category), name).get_rna_type()
        self.said.append(text or kind.name)
        return _Properties(kind)

    def progress(self, factor: float = 0.0, text: str = "") -> None:
        assert 0.0 <= factor <= 1.0
        self.said.append(text)

    def template_icon(self, icon_value: int, scale: float = 1.0) -> None:
        pass

    def template_list(self, *names: Any, **_: Any) -> None:
        self.said.append(names[0])

    @staticmethod
    def _check_icon(icon: str) -> None:
        known = bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items
        assert icon in known, f"there is no icon {icon}"


class _Properties:
    """An operator's properties: only those it has can be set."""

    def __init__(self, kind: Any) -> None:
        self.__dict__["kind"] = kind

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in self.__dict__["kind"].properties, f"{self.__dict__['kind'].identifier} has no {name}"


def drawn(panel: type) -> list[str]:
    """What the panel says now."""
    layout = Layout()
    stand_in = type("Drawn", (), {"layout": layout})()
    panel.draw(stand_in, bpy.context)  # type: ignore[attr-defined]
    return layout.said


def all_drawn(panels: Any) -> list[str]:
    """What all of the add-on's panels in the 3D viewport say now."""
    return [text for panel in panels.CLASSES if panel.bl_space_type == "VIEW_3D" for text in drawn(panel)]

"""Pictures for people made of pictures: contact sheets, turntables and the demo's overview."""

from .contact import coloured, contact_sheet
from .overview import overview
from .turntable import turntable_gif
from .views import views_sheet

__all__ = ["coloured", "contact_sheet", "overview", "turntable_gif", "views_sheet"]

"""Pictures for people made of pictures: contact sheets, turntables and the demo's overview."""

from .overview import overview
from .turntable import turntable_gif
from .views import views_sheet

__all__ = ["overview", "turntable_gif", "views_sheet"]

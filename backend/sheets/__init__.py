"""Pictures for people made of pictures: contact sheets, turntables and the demo's overview."""

from .contact import coloured, contact_sheet
from .film import FILM_FORMATS, save_film
from .overview import overview
from .turntable import turntable_gif
from .views import views_sheet

__all__ = ["FILM_FORMATS", "coloured", "contact_sheet", "overview", "save_film", "turntable_gif", "views_sheet"]

"""Released models leave again."""

from __future__ import annotations

from backend.hub.alone import alone_with
from backend.hub.cards import Card
from backend.hub.disk import size_of
from backend.hub.installed import downloads_folder, files_in, how_to_get, known_sources_file, model_folder, take_away
from protocol.problems import ErrorCode, ProblemError


def remove(card: Card, *, forget: bool = False) -> int:
    """Remove the converted files of ``card``'s model and what was fetched for it; the bytes freed. With ``forget`` the
    next pull may bring other files than the first one did. ProblemError: BAD_PARAMETER for a model that comes with
    Wholeform, NOT_FOUND when nothing is there, BUSY while another process pulls it."""
    if card.released is None:
        raise ProblemError(
            ErrorCode.BAD_PARAMETER,
            f"“{card.name}” comes with Wholeform and is not removed.",
            "Models that were fetched can be: wholeform models list.",
        )
    with alone_with(card.name):
        known = known_sources_file(card.name)
        forgets = forget and known.is_file()
        folders = [folder for folder in (model_folder(card.name), downloads_folder(card.name)) if folder.is_dir()]
        if not (folders or forgets):
            raise ProblemError(ErrorCode.NOT_FOUND, f"Nothing of “{card.name}” is there.", how_to_get(card.name))
        freed = sum(size_of(folder / file) for folder in folders for file in files_in(folder))
        for folder in folders:
            take_away(folder)
        if forgets:
            known.unlink()
    return freed

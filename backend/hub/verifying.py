"""Whether a model's files still are what they were: every byte is read."""

from __future__ import annotations

from backend.hub.cards import Card
from backend.hub.disk import Told, sha256_of, size_of, tell_nobody
from backend.hub.installed import RECORD, files_in, how_to_get, model_folder, read_record
from backend.hub.weights import weights_path


def is_here(card: Card) -> bool:
    """Whether there is anything of the model to verify; false alone for one that was not fetched."""
    return card.released is None or model_folder(card.name).is_dir()


def faults(card: Card, told: Told = tell_nobody) -> list[str]:
    """What is wrong with the files of ``card``'s model, a sentence each: converted files are compared with the record
    beside them, weights that come with Wholeform with the card."""
    if card.released is not None:
        return _faults_of_converted(card.name, told) if is_here(card) else [f"It is not here. {how_to_get(card.name)}"]
    if card.weights is None:
        return []
    path = weights_path(card.weights)
    if not path.is_file():
        return [f"{path} is missing."]
    return [] if sha256_of(path, told) == card.weights.sha256 else [f"{path} is not the file that its card names."]


def _faults_of_converted(name: str, told: Told) -> list[str]:
    record, folder = read_record(name), model_folder(name)
    if record is None:
        return [f"{folder / RECORD} is missing or cannot be read."]
    found = []
    for each in record.files:
        path = folder / each.file
        if not path.is_file():
            found.append(f"{path} is missing.")
        elif size_of(path) != each.size:
            found.append(f"{path} has {size_of(path):,} bytes in place of {each.size:,}.")
        elif sha256_of(path, told) != each.sha256:
            found.append(f"{path} was changed: its SHA-256 is not the recorded one.")
    listed = {RECORD, *(each.file for each in record.files)}
    return found + [f"{folder / file} does not belong there." for file in files_in(folder) if file not in listed]

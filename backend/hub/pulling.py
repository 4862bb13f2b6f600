"""Released models come here: fetched or given by hand, checked, converted once, and only then under their name."""

from __future__ import annotations

import importlib
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from backend import __version__
from backend.hub.alone import alone_with
from backend.hub.cards import Card, Released, Source
from backend.hub.disk import Told, check_room, sha256_of, size_in_words, size_of, tell_nobody, to_disk
from backend.hub.download import Wanted, fetch, mirrored
from backend.hub.installed import (
    RECORD,
    FileRecord,
    Record,
    downloads_folder,
    files_in,
    is_ready,
    known_sources_file,
    model_folder,
    models_dir,
    take_away,
)
from protocol.problems import ErrorCode, ProblemError

_NON_COMMERCIAL = re.compile(r"non-?commercial|\bNC\b", re.IGNORECASE)


def is_non_commercial(card: Card) -> bool:
    """Whether the card's licence or its summary forbids commercial use."""
    summary = card.released.licence_summary if card.released else ""
    return bool(_NON_COMMERCIAL.search(f"{card.licence} {summary}"))


def released_of(card: Card) -> Released:
    """What the card says of its sources; ProblemError (BAD_PARAMETER) for a model that comes with Wholeform."""
    if card.released is None:
        raise ProblemError(
            ErrorCode.BAD_PARAMETER, f"“{card.name}” comes with Wholeform.", "There is nothing to fetch: use it."
        )
    return card.released


def bytes_to_fetch(card: Card) -> int:
    """What the sources take that are not here yet; 0 where the card does not know."""
    folder = downloads_folder(card.name)
    here = {source.file: max(map(size_of, _places(folder / source.file))) for source in released_of(card).sources}
    return sum(max(source.size - here[source.file], 0) for source in released_of(card).sources)


def _places(path: Path) -> tuple[Path, Path]:
    return path, path.with_name(f"{path.name}.part")


def pull(card: Card, *, licence_accepted: bool, mirror: str = "", told: Told = tell_nobody) -> Path:
    """Fetch and convert the model of ``card``; the folder of its converted files. One that is there stays as it is.

    ``mirror``: see `backend.hub.download.mirrored`. ProblemError: BAD_PARAMETER for a model that is not fetched or a
    licence that was not accepted, BUSY when another process does the same, what `backend.hub.download.fetch` and
    the model's converter raise, and TOO_LARGE when the disk has no room for sources and converted files together.
    """
    released = _accepted(card, licence_accepted)
    with alone_with(card.name):
        if is_ready(card.name):
            return model_folder(card.name)
        downloads = downloads_folder(card.name)
        check_room(downloads, bytes_to_fetch(card) + released.stored_bytes, f"“{card.name}”")
        found, records = {}, []
        for number, source in enumerate(_with_known(card.name, released.sources)):
            path = downloads / source.file
            later = sum(each.size for each in released.sources[number + 1 :])
            url = mirrored(source.url, mirror, card.name, source.file)
            digest = fetch(Wanted(url, source.size, source.sha256, released.stored_bytes + later), path, told)
            found[source.file] = path
            records.append(FileRecord(source.file, size_of(path), digest, url))
        _install(card, released, found, records, told)
        shutil.rmtree(downloads)
    return model_folder(card.name)


def import_files(card: Card, files: Sequence[Path], *, licence_accepted: bool, told: Told = tell_nobody) -> Path:
    """As `pull`, from ``files`` (or folders with them) that were fetched by hand; they stay where they are.

    ProblemError (BAD_INPUT) when one is missing, is none of the model's, or has another size or SHA-256 than the
    card or the first pull says. A model that is there already is replaced.
    """
    released = _accepted(card, licence_accepted)
    with alone_with(card.name):
        found = _matched(card.name, released.sources, files)
        check_room(models_dir(), released.stored_bytes, f"“{card.name}”")
        records = []
        for source in _with_known(card.name, released.sources):
            path = found[source.file]
            size = size_of(path)
            if source.size not in (0, size):
                raise _not_it(path, f"it has {size:,} bytes in place of {source.size:,}", source)
            digest = sha256_of(path, told)
            if source.sha256 not in ("", digest):
                raise _not_it(path, f"its SHA-256 is {digest} in place of {source.sha256}", source)
            records.append(FileRecord(source.file, size, digest))
        _install(card, released, found, records, told)
    return model_folder(card.name)


def _accepted(card: Card, licence_accepted: bool) -> Released:
    released = released_of(card)
    if not licence_accepted:
        raise ProblemError(
            ErrorCode.BAD_PARAMETER,
            f"The licence of “{card.name}” must be accepted first: {released.licence_summary}",
            f"Read it at {released.licence_url}; then add --accept-licence.",
        )
    return released


def _with_known(name: str, sources: tuple[Source, ...]) -> list[Source]:
    """``sources`` with the SHA-256 that the first pull met where the card has none."""
    try:
        known = msgspec.json.decode(known_sources_file(name).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        known = {}
    return [replace(source, sha256=source.sha256 or known.get(source.file, "")) for source in sources]


def _matched(name: str, sources: tuple[Source, ...], files: Sequence[Path]) -> dict[str, Path]:
    """``files`` by the names of the sources that they are. A single one may have any name where one is asked for."""
    wanted = [source.file for source in sources]
    given: list[Path] = []
    for path in files:
        if path.is_dir():
            given += [path / file for file in wanted if (path / file).is_file()]
        elif path.is_file():
            given.append(path)
        else:
            raise ProblemError(ErrorCode.BAD_INPUT, f"There is no file {path}.", "Check the path.")
    if len(wanted) == len(given) == 1:
        return {wanted[0]: given[0]}
    found = {path.name: path for path in given}
    lacking = [source for source in sources if source.file not in found]
    if lacking:
        places = "; ".join(f"{source.file} from {source.url}" for source in lacking)
        raise ProblemError(
            ErrorCode.BAD_INPUT, f"“{name}” needs more files.", f"Fetch these too and name them: {places}"
        )
    for file, path in found.items():
        if file not in wanted:
            raise ProblemError(
                ErrorCode.BAD_INPUT, f"{path} is no file of “{name}”.", f"Its files: {', '.join(wanted)}."
            )
    return found


def _not_it(path: Path, why: str, source: Source) -> ProblemError:
    return ProblemError(
        ErrorCode.BAD_INPUT, f"{path} is not the file that is expected: {why}.", f"Fetch it again from {source.url}"
    )


def _install(card: Card, released: Released, found: dict[str, Path], sources: list[FileRecord], told: Told) -> None:
    """Convert beside the model's folder, then rename; whatever ends this early leaves no folder that looks ready."""
    folder = model_folder(card.name)
    unfinished = models_dir() / f".unfinished-{card.name}"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        _convert(released, found, unfinished, told)
        record = _record(card, released, unfinished, sources, told)
        (unfinished / RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
        for file in files_in(unfinished):
            to_disk(unfinished / file)
        if folder.exists():
            take_away(folder)
        os.replace(unfinished, folder)
        to_disk(models_dir())
        _remember(card.name, sources)
    except OSError as error:
        raise ProblemError(
            ErrorCode.TOO_LARGE,
            f"The converted files of “{card.name}” cannot be written to {models_dir()}: {error.strerror or error}.",
            f"They need {size_in_words(released.stored_bytes)}. Make room, then run the command again.",
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _convert(released: Released, found: dict[str, Path], folder: Path, told: Told) -> None:
    module, _, function = released.convert.partition(":")
    convert = getattr(importlib.import_module(module), function)
    total = max(released.stored_bytes, 1)

    def report(fraction: float) -> None:
        told("Converting", round(min(max(fraction, 0.0), 1.0) * total), total)

    report(0.0)
    from safetensors import SafetensorError

    try:
        convert(found, folder, report)
    except SafetensorError as error:  # a broken source, or a disk that is full
        raise ProblemError(
            ErrorCode.MODEL_FAILED,
            f"The files cannot be converted: {error}.",
            f"Is there room at {models_dir()}? Otherwise they are damaged: fetch them again.",
        ) from error
    if not any(file.endswith(".safetensors") for file in files_in(folder)):
        raise ProblemError(ErrorCode.INTERNAL, f"{released.convert} wrote no safetensors file.", "Mend it.")


def _record(card: Card, released: Released, folder: Path, sources: list[FileRecord], told: Told) -> Record:
    return Record(
        model=card.name,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        wholeform=__version__,
        licence=card.licence,
        licence_accepted=released.licence_summary,
        sources=sources,
        files=[FileRecord(file, size_of(folder / file), sha256_of(folder / file, told)) for file in files_in(folder)],
    )


def _remember(name: str, sources: list[FileRecord]) -> None:
    path = known_sources_file(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode({source.file: source.sha256 for source in sources}))

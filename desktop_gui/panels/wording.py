"""States and progress in the words that people see; the same everywhere in the window."""

from __future__ import annotations

import math

from PySide6.QtCore import QCoreApplication, QLocale

from protocol import ConnectionState, JobState

from ..state.jobs import JobEntry


def tr(text: str) -> str:
    """``text`` in the language of the window."""
    return QCoreApplication.translate("wording", text)


def connection_word(state: ConnectionState) -> str:
    """The one word beside the dot."""
    return {
        ConnectionState.CONNECTED: tr("connected"),
        ConnectionState.CONNECTING: tr("connecting"),
        ConnectionState.OFFLINE: tr("offline"),
        ConnectionState.KEY_REFUSED: tr("key refused"),
        ConnectionState.WRONG_SERVER: tr("wrong server"),
        ConnectionState.TOO_OLD: tr("too old"),
    }[state]


def stage_word(entry: JobEntry) -> str:
    """What the server does now; its own words for stages that this program does not know."""
    known = {
        "segment": tr("Finding the object"),
        "complete": tr("Completing the hidden part"),
        "reconstruct": tr("Reconstructing in 3D"),
        "mesh": tr("Making the mesh"),
        "render": tr("Rendering views"),
        "synthesize": tr("Making the object"),
        "edit": tr("Changing the object"),
    }
    return known.get(entry.stage) or entry.message or entry.stage or tr("Working")


def ordinal(number: int) -> str:
    """ "2nd" and so on; a plain number in other languages than English."""
    if QLocale().language() not in (QLocale.Language.English, QLocale.Language.C):
        return f"{number}."
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def duration(seconds: float) -> str:
    """About how long, in round figures."""
    if seconds < 60:
        return tr("{0} s").format(max(1, math.ceil(seconds)))
    return tr("{0} min").format(math.ceil(seconds / 60))


def progress_text(entry: JobEntry, connected: bool = True) -> str:
    """Where a job stands, in one line."""
    if entry.cancelling:
        return tr("Cancelling")
    match entry.state:
        case JobState.UPLOADING:
            if not connected:
                return tr("Waiting for the server")
            return tr("Sending the picture, {0} %").format(round(entry.fraction * 100))
        case JobState.QUEUED:
            if entry.position <= 1:
                return tr("Queued, next in line")
            return tr("Queued, {0} in line").format(ordinal(entry.position))
        case JobState.LOADING:
            return tr("Loading the model")
        case JobState.RUNNING:
            text = stage_word(entry)
            if entry.steps > 1:
                text = tr("{0}, step {1} of {2}").format(text, max(entry.step, 1), entry.steps)
            return text
        case JobState.FINISHING:
            return tr("Storing the result")
        case JobState.DONE:
            accepted = tr("sample {0} accepted").format(entry.chosen + 1) if entry.accepted else ""
            return " · ".join(part for part in (accepted, entry.note) if part) or tr("Done")
        case JobState.FAILED:
            return entry.problem.message if entry.problem is not None else tr("Failed")
        case JobState.CANCELLED:
            return tr("Cancelled")
        case JobState.EXPIRED:
            return tr("The server has removed its result")


def eta_text(entry: JobEntry) -> str:
    """How long it will still take; empty when nobody knows."""
    if entry.state is JobState.RUNNING and entry.eta_s >= 0 and not entry.cancelling:
        return tr("about {0}").format(duration(entry.eta_s))
    return ""


def agreement_text(samples: int, agreed: float) -> str:
    """What the picture of the agreement shows: ``agreed`` (0 to 1) is the part that all have of what any has."""
    return tr("All {0} samples agree on {1} %; striped: only some have it").format(samples, round(100 * agreed))

"""Says how it stands: the connection's dot, messages above the canvas, the history, the jobs list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale, QObject, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication

from protocol import ConnectionState, ErrorCode, JobState, Problem
from protocol.messages import ServerState

from .panels.connection_badge import ConnectionBadge, server_details
from .panels.history_panel import HistoryPanel
from .panels.jobs_panel import JobsPanel
from .panels.message_bar import MessageBar, Offer
from .panels.start_page import StartPage
from .panels.wording import connection_word, progress_text
from .state.servers import LOCAL
from .studio import Studio

PATIENCE_MS = 1500
CONNECTION = "connection"
LABELS = "labels"


class Reporting(QObject):
    """Listens to the studio; asks the window only to open the servers dialog."""

    def __init__(
        self,
        studio: Studio,
        badge: ConnectionBadge,
        messages: MessageBar,
        history: HistoryPanel,
        jobs: JobsPanel,
        start: StartPage,
        choose_server: Callable[[], None],
    ) -> None:
        super().__init__(messages)
        self._studio = studio
        self._badge = badge
        self._messages = messages
        self._history = history
        self._jobs = jobs
        self._start = start
        self._choose_server = choose_server
        self._was_connected = False
        self._round_trip_s = 0.0
        self._server_state: ServerState | None = None
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._patience.timeout.connect(self._still_connecting)
        connection, making = studio.connection, studio.making
        connection.state_changed.connect(self._on_connection)
        connection.heartbeat.connect(self._on_heartbeat)
        studio.problem_raised.connect(self._on_problem)
        studio.labelling.failed.connect(self._on_labels_failed)
        studio.orbiting.failed.connect(self._on_labels_failed)
        studio.labelling.made_changed.connect(lambda: messages.dismiss(LABELS))
        studio.noted.connect(history.note)
        studio.whole_elsewhere.connect(self._on_whole_elsewhere)
        studio.active_changed.connect(self._show_jobs)
        making.list_changed.connect(self._show_jobs)
        making.entry_changed.connect(self._show_entry)
        making.ended.connect(lambda _: self._fill_start_page())
        studio.keeping.changed.connect(self._show_paintings)
        self._show_paintings()

    # --- connection ---

    @property
    def _server_name(self) -> str:
        choice = self._studio.connection.choice
        return LOCAL if choice.is_local else f"{choice.name} ({choice.address.removeprefix('tcp://')})"

    def _on_connection(self, state: ConnectionState, problem: Problem | None) -> None:
        self._history.note(f"{self._server_name}: {connection_word(state)}")
        self._show_badge()
        self._show_jobs()
        self._patience.stop()
        if state is ConnectionState.CONNECTED:
            self._was_connected = True
            self._messages.dismiss(CONNECTION)
        elif state is ConnectionState.CONNECTING:
            self._patience.start()
        elif problem is not None:
            self._messages.show_problem(problem, CONNECTION, offers=self._connection_offers(problem))
        else:
            self._messages.dismiss(CONNECTION)

    def _connection_offers(self, problem: Problem) -> list[Offer]:
        again = self.tr("Start server") if self._studio.connection.choice.is_local else self.tr("Try again")
        offers = [Offer(self.tr("Servers"), self._choose_server)]
        if problem.code is not ErrorCode.NOT_FOUND:
            offers.insert(0, Offer(again, self._studio.connection.start_again))
        own = self._studio.connection.public_key
        if problem.code is ErrorCode.KEY_REFUSED and own:
            offers[0] = Offer(self.tr("Copy my key"), lambda: QGuiApplication.clipboard().setText(own))
        return offers

    def _still_connecting(self) -> None:
        if self._studio.connection.choice.is_local:
            text = self.tr("Starting a server on this computer")
            if self._was_connected:
                text = self.tr("The server on this computer stopped and is being started again")
            hint = self.tr("Jobs go on by themselves.") if self._studio.making.jobs.running() else ""
        else:
            text = self.tr("Waiting for {0}").format(self._server_name)
            hint = self.tr("Your jobs and results stay on the server.")
        self._messages.show_waiting(text, hint, CONNECTION, [Offer(self.tr("Servers"), self._choose_server)])

    def _on_heartbeat(self, state: ServerState, round_trip_s: float) -> None:
        self._server_state, self._round_trip_s = state, round_trip_s
        self._show_badge()

    def _show_badge(self) -> None:
        connection = self._studio.connection
        details = connection.problem.message if connection.problem is not None else ""
        if connection.state is ConnectionState.CONNECTED:
            details = server_details(connection.server, self._server_state, self._round_trip_s)
        self._badge.show_state(connection.state, self._server_name, details)

    # --- messages ---

    def _on_problem(self, problem: Problem, job_id: str) -> None:
        self._history.note(str(problem))
        offers = []
        entry = self._studio.making.jobs.get(job_id)
        if entry is not None and not entry.parent:
            offers.append(Offer(self.tr("Run again"), lambda: self._studio.run_again(job_id)))
        self._messages.show_problem(problem, job_id or "problem", job_id, offers)

    def _on_labels_failed(self, problem: Problem, job_id: str) -> None:
        self._history.note(str(problem))
        again = Offer(self.tr("Try again"), self._try_labels_again)
        self._messages.show_problem(problem, LABELS, job_id, [again])

    def _try_labels_again(self) -> None:
        self._messages.dismiss(LABELS)
        self._studio.labelling.again()

    def _on_whole_elsewhere(self, job_id: str) -> None:
        entry = self._studio.making.jobs.get(job_id)
        if entry is not None:
            show = Offer(self.tr("Show"), lambda: self._studio.show_job(job_id))
            self._messages.show_notice(self.tr("{0} is whole.").format(entry.label), job_id, [show])

    def saved(self, paths: list[Path]) -> None:
        """Tell what was written."""
        names = ", ".join(path.name for path in paths)
        folder = paths[0].parent
        show = Offer(self.tr("Open folder"), lambda: _open_folder(folder))
        self._messages.dismiss("problem")
        self._messages.show_notice(self.tr("Saved {0}").format(names), "saved", [show], str(folder))
        self._history.note(self.tr("Saved {0} in {1}").format(names, folder))

    # --- jobs ---

    def _show_jobs(self) -> None:
        entries = self._studio.making.jobs.shown()
        self._jobs.show_list(entries)
        for entry in entries:
            self._show_entry(entry.id)
        self._fill_start_page()

    def _show_entry(self, job_id: str) -> None:
        making = self._studio.making
        entry = making.jobs.get(job_id)
        if entry is None:
            return
        document = self._studio.document
        shown = document.result.job_id if document is not None and document.result is not None else ""
        current = document is not None and job_id in (document.job_id, shown)
        self._jobs.show_entry(entry, making.thumbnails.get(job_id), making.connected, current)

    def _fill_start_page(self) -> None:
        words = {JobState.DONE: self.tr("whole"), JobState.FAILED: self.tr("failed")}
        rows = [
            (entry.id, entry.label or self.tr("Object"), words.get(entry.state) or progress_text(entry))
            for entry in self._studio.making.jobs.shown()
            if entry.state not in (JobState.CANCELLED, JobState.EXPIRED)
        ]
        self._start.show_jobs(rows)

    def _show_paintings(self) -> None:
        rows = []
        for painting in self._studio.keeping.paintings:
            when = QDateTime.fromSecsSinceEpoch(int(painting.changed))
            rows.append((painting.id, painting.name, QLocale().toString(when, QLocale.FormatType.ShortFormat)))
        self._start.show_paintings(rows)


def _open_folder(folder: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

"""Jobs of one kind, of which only the newest matters: one runs at a time, and none waits that has been overtaken."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from protocol import Job

from .connection import Connection, Request


class Latest(QObject):
    """``about`` is whatever the asker wants to know again with the answer."""

    progressed = Signal(object, object)  # Job, about
    answered = Signal(object, object)  # Job that has ended and was not outdated, about
    busy_changed = Signal()

    def __init__(self, connection: Connection, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._connection = connection
        self._running: tuple[Request, object] | None = None
        self._waiting: tuple[Request, object] | None = None
        self._outdated = False
        connection.job_changed.connect(self._on_job)
        connection.state_changed.connect(lambda *_: self._look_again())

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._waiting is not None or (self._running is not None and not self._outdated)

    @property
    def running(self) -> object:
        """What the running job is about; None when none runs."""
        return self._running[1] if self._running is not None else None

    def ask(self, request: Request, about: object = None, outdates: bool = True) -> None:
        """Run ``request`` as soon as nothing else runs, unless a newer one comes before that. With ``outdates`` the
        running job is cancelled, and its answer dropped; otherwise it comes first."""
        self._waiting = (request, about)
        if outdates:
            self._outdate()
        self._go_on()
        self.busy_changed.emit()

    def stop(self) -> None:
        """Nothing is wanted any more."""
        self._waiting = None
        self._outdate()
        self.busy_changed.emit()

    def _outdate(self) -> None:
        if self._running is not None and not self._outdated:
            self._outdated = True
            self._connection.cancel(self._running[0].job_id)

    def _go_on(self) -> None:
        # A job is no longer open when it never left this program, or was left behind at another server.
        if self._running is not None and not self._connection.is_open(self._running[0].job_id):
            self._running = None
        if self._running is None and self._waiting is not None:
            self._running, self._waiting, self._outdated = self._waiting, None, False
            self._connection.submit(self._running[0])

    def _look_again(self) -> None:
        before = self._running
        self._go_on()
        if self._running is not before:
            self.busy_changed.emit()

    def _on_job(self, job: Job) -> None:
        if self._running is None or job.id != self._running[0].job_id:
            return
        about, dropped = self._running[1], self._outdated
        if not job.state.is_final:
            if not dropped:
                self.progressed.emit(job, about)
            return
        self._running = None
        self._go_on()
        if not dropped:
            self.answered.emit(job, about)
        self.busy_changed.emit()

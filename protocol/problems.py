"""What can go wrong: a short closed list of kinds, each problem with a sentence for the person and what to do."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class ErrorCode(StrEnum):
    """The closed list. A newer minor version may add codes; treat an unknown one as ``INTERNAL``."""

    BAD_MESSAGE = "bad_message"  # not readable as a message of this protocol
    VERSION = "version"  # the two sides speak different major versions
    BAD_INPUT = "bad_input"  # a value is wrong: dtype, shape, size, content
    BAD_PARAMETER = "bad_parameter"  # a parameter is unknown or outside its range
    UNKNOWN_TASK = "unknown_task"
    UNKNOWN_MODEL = "unknown_model"
    NOT_FOUND = "not_found"  # no such job, handle or blob (or not yours, which looks the same)
    TOO_LARGE = "too_large"  # over a limit of the server
    BUSY = "busy"  # the queue is full; try again later
    MODEL_FAILED = "model_failed"  # a model could not do it with this input
    OUT_OF_MEMORY = "out_of_memory"
    WORKER_LOST = "worker_lost"  # the worker process died, twice, on this job
    TIMEOUT = "timeout"  # no answer in time
    UNREACHABLE = "unreachable"  # nobody answers at the address
    KEY_REFUSED = "key_refused"  # the server does not know this client's key, or is not the one expected
    WRONG_SERVER = "wrong_server"  # something else answers at the address
    INTERNAL = "internal"  # a fault of ours; the server's log has the details


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One problem: ``message`` says what happened, ``hint`` what to do, ``reference`` finds it in the server's log."""

    code: ErrorCode
    message: str
    hint: str = ""
    reference: str = ""

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ProblemError(Exception):
    """A problem as an exception. ``problem`` is what a front end shows."""

    def __init__(self, code: ErrorCode, message: str, hint: str = "", reference: str = "") -> None:
        self.problem = Problem(code, message, hint, reference)
        super().__init__(str(self.problem))

    @classmethod
    def of(cls, problem: Problem) -> ProblemError:
        return cls(problem.code, problem.message, problem.hint, problem.reference)

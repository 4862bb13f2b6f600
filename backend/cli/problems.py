"""What scripts learn from a failed command: its exit status, and with --json the problem itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import typer

from protocol import JobCancelled
from protocol.problems import ErrorCode, Problem, ProblemError

# 2 is also what a misspelled option gives.
ASKED_WRONGLY, NOT_CONNECTED, FAILED, CANCELLED, INTERRUPTED = 2, 3, 4, 5, 130

EXIT_STATUSES = (
    "Exit status: 0 done; 2 the command, a parameter or a file is wrong; 3 no server can be reached or it refuses;"
    " 4 the job failed; 5 the job was cancelled elsewhere; 130 cancelled with Ctrl-C."
)

_STATUS = {
    **dict.fromkeys(
        (
            ErrorCode.BAD_INPUT,
            ErrorCode.BAD_PARAMETER,
            ErrorCode.UNKNOWN_TASK,
            ErrorCode.UNKNOWN_MODEL,
            ErrorCode.NOT_FOUND,
            ErrorCode.TOO_LARGE,
        ),
        ASKED_WRONGLY,
    ),
    **dict.fromkeys(
        (
            ErrorCode.UNREACHABLE,
            ErrorCode.KEY_REFUSED,
            ErrorCode.WRONG_SERVER,
            ErrorCode.VERSION,
            ErrorCode.TIMEOUT,
            ErrorCode.BUSY,
        ),
        NOT_CONNECTED,
    ),
}


def exit_status(problem: Problem) -> int:
    """The exit status for ``problem``."""
    return _STATUS.get(problem.code, FAILED)


@contextmanager
def shown(as_json: bool = False) -> Iterator[None]:
    """Show a problem as a sentence and what to do, or as JSON on stdout, and exit with its status."""
    try:
        yield
    except ProblemError as error:
        problem = error.problem
        if as_json:
            print(json.dumps({"problem": msgspec.to_builtins(problem)}, ensure_ascii=False))
        else:
            reference = f"Details are in the server's log under {problem.reference}." if problem.reference else ""
            print("\n".join(filter(None, (problem.message, problem.hint, reference))), file=sys.stderr)
        raise typer.Exit(exit_status(problem)) from None
    except JobCancelled:
        print("The job was cancelled.", file=sys.stderr)
        raise typer.Exit(CANCELLED) from None

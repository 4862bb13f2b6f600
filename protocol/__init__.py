"""What travels between Wholeform's clients and its server, and the client that sends it."""

from typing import TYPE_CHECKING, Any

from .client import Client as Client
from .events import CatalogueArrived as CatalogueArrived
from .events import ConnectionChanged as ConnectionChanged
from .events import Event as Event
from .events import HeartbeatArrived as HeartbeatArrived
from .events import JobChanged as JobChanged
from .events import SnapshotArrived as SnapshotArrived
from .jobs import Job as Job
from .jobs import JobCancelled as JobCancelled
from .jobs import Outputs as Outputs
from .problems import ErrorCode as ErrorCode
from .problems import Problem as Problem
from .problems import ProblemError as ProblemError
from .states import ConnectionState as ConnectionState
from .states import JobState as JobState
from .values import Array as Array
from .values import Camera as Camera
from .values import Depth as Depth
from .values import Frames as Frames
from .values import Handle as Handle
from .values import Image as Image
from .values import LabelMap as LabelMap
from .values import Mask as Mask
from .values import Mesh as Mesh
from .values import Value as Value

if TYPE_CHECKING:
    from .aio import AsyncClient as AsyncClient


def __getattr__(name: str) -> Any:
    """AsyncClient when it is asked for: asyncio takes as long to import as the rest of the protocol."""
    if name == "AsyncClient":
        from .aio import AsyncClient

        return AsyncClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

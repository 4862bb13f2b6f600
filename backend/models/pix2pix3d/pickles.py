"""The authors' files: a pickle of whole networks, with their programs in it, read without running any of it.

Classes that StyleGAN3's code calls persistent are stored with the text of the module that defines them, for the loader
to execute. Here they are names with attributes; the text is passed over.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.hub.inert import (
    DICT,
    NUMPY_NUMBERS,
    TENSORS,
    Array,
    Names,
    Object,
    Refused,
    Stand,
    an_object,
    read_inert,
    tensors,
)
from protocol.problems import ErrorCode, ProblemError

if TYPE_CHECKING:
    from torch import Tensor

NETWORKS = ("G", "D", "G_ema", "D_semantic")

# Classes of which the networks have objects that are stored without a program.
_CLASSES = (
    ("torch.nn.modules.container", "Sequential"),
    ("torch.nn.modules.activation", "Softplus"),
    ("training.triplane_cond", "OSGDecoder_semantic_lateSeparate"),
    ("training.volumetric_rendering.renderer", "ImportanceRenderer"),
    ("training.volumetric_rendering.ray_marcher", "MipRayMarcher2"),
    ("training.volumetric_rendering.ray_sampler", "RaySampler"),
    # In the files of EG3D, with which training begins.
    ("training.triplane", "OSGDecoder"),
    *(("training.superresolution", f"SuperresolutionHybrid{kind}") for kind in ("2X", "4X", "8X", "8XDC")),
)
_DEPTH = 32  # modules within modules
_PLAIN = (str, int, float, bool, type(None))


def _persistent(meta: Any) -> Object:
    """An object of a persistent class, by the description that is stored of it."""
    kind, state = meta["class_name"], meta["state"]
    if meta["type"] != "class" or type(kind) is not str or type(state) is not dict:
        raise Refused("has an object of a form that is not read")
    return Object(kind, state)


NAMES: Names = {
    **TENSORS,
    **NUMPY_NUMBERS,
    ("collections", "OrderedDict"): DICT,
    ("dnnlib.util", "EasyDict"): DICT,
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): Stand(calls=_persistent),
    **{(module, name): an_object(name) for module, name in _CLASSES},
}


@dataclass(frozen=True)
class Network:
    """A network in the file: the name of its class, its tensors by key as PyTorch's `state_dict` has them, the
    ``options`` it was made with and what was set on it since (``attributes``), both as far as they are plain values.
    ``kinds`` are the classes of its modules by path, its own under ""."""

    class_name: str
    arrays: dict[str, Array]
    options: dict[str, Any]
    attributes: dict[str, Any]
    kinds: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> dict[str, Tensor]:
        """All tensors, read from the file anew at each call."""
        return tensors(self.arrays)


@dataclass(frozen=True)
class Snapshot:
    """What a file holds: its networks by name (G, D, G_ema, D_semantic) and what its data set was made with."""

    networks: dict[str, Network]
    training_set_kwargs: dict[str, Any]


def read_snapshot(path: Path, member: str = "") -> Snapshot:
    """The networks in a file of the authors, or in the file named ``member`` of their tar archive.

    Nothing that it contains is run. Its tensors stay in it until asked for, so it must stay too. ProblemError
    (BAD_INPUT) naming the file and what is wrong with it.
    """
    try:
        content = read_inert(path, NAMES, _start(path, member))
        if type(content) is not dict:
            raise Refused("holds no dictionary of networks")
        most = path.stat().st_size
        networks = {name: _network(content[name], most) for name in NETWORKS if isinstance(content.get(name), Object)}
        if not networks:
            raise Refused(f"holds none of {', '.join(NETWORKS)}")
        return Snapshot(networks, _plain_table(content.get("training_set_kwargs")))
    except (Refused, OSError) as error:
        said = f"cannot be read: {error.strerror or error}" if isinstance(error, OSError) else str(error)
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"{path.name} {said}.",
            "Give a pix2pix3d_*.pkl as its authors released it, or as their training code writes it.",
        ) from None


def _start(path: Path, member: str) -> int:
    """Where the pickle begins: in a tar archive files lie as they are."""
    with path.open("rb") as file:
        try:
            if not tarfile.is_tarfile(file):
                return 0
            file.seek(0)
            with tarfile.open(fileobj=file, mode="r:") as archive:
                places = {Path(each.name).name: each.offset_data for each in archive if each.isreg()}
        except (tarfile.TarError, MemoryError, ValueError, OverflowError) as error:
            raise Refused(f"is an archive that cannot be read: {str(error)[:200]}") from None
    if member not in places:
        raise Refused(f"is an archive without “{member}”")
    return places[member]


def _network(root: Object, most: int) -> Network:
    arrays: dict[str, Array] = {}
    kinds: dict[str, str] = {}
    for path, module in _modules(root, "", set()):
        kinds[path] = module.name
        for name, array in _own(module):
            key = f"{path}.{name}" if path else name
            if key in arrays:
                raise Refused(f"has two tensors with the name {key[:200]}")
            arrays[key] = array
    if sum(array.nbytes for array in arrays.values()) > most:
        raise Refused("has tensors that take more than the file")
    attributes = {name: value for name, value in root.state.items() if not str(name).startswith("_")}
    options = _plain_table(root.state.get("_init_kwargs"))
    return Network(root.name, arrays, options, _plain_table(attributes), kinds)


def _modules(module: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Object]]:
    """A module and those in it, with their paths, in the order of PyTorch's `state_dict`."""
    if not isinstance(module, Object) or id(module) in seen or path.count(".") >= _DEPTH:
        raise Refused(f"has no tree of modules: see “{path[:200]}”")
    seen.add(id(module))
    yield path, module
    for name, part in _table(module, "_modules").items():
        if part is not None:
            yield from _modules(part, f"{path}.{name}" if path else name, seen)


def _own(module: Object) -> Iterator[tuple[str, Array]]:
    """A module's own parameters and those of its buffers that are kept."""
    passing = module.state.get("_non_persistent_buffers_set", set())
    if type(passing) is not set:
        raise Refused("has a module whose “_non_persistent_buffers_set” is no set")
    for table in ("_parameters", "_buffers"):
        for name, array in _table(module, table).items():
            if array is None or (table == "_buffers" and name in passing):
                continue
            if not isinstance(array, Array):
                raise Refused(f"has “{name[:200]}” that is no tensor")
            yield name, array


def _table(module: Object, name: str) -> dict[str, Any]:
    table = module.state.get(name, {})
    if type(table) is not dict or not all(type(key) is str for key in table):
        raise Refused(f"has a module whose “{name}” is no table")
    return table


def _plain_table(value: Any) -> dict[str, Any]:
    found = _plain(value)
    return {str(key): item for key, item in found.items()} if isinstance(found, dict) else {}


_LEFT_OUT = object()  # in the place of what is no plain value


def _plain(value: Any, done: dict[tuple[int, int], Any] | None = None, within: int = 8) -> Any:
    """``value`` with plain values alone: containers at most ``within`` deep, and the rest left out. ``done`` knows what
    was seen, as a few containers that hold each other many times over could else be without end."""
    done = {} if done is None else done
    if type(value) in _PLAIN:
        return value
    if not within or type(value) not in (dict, list, tuple, set):
        return _LEFT_OUT
    place = id(value), within
    if place not in done:
        pairs = value.items() if type(value) is dict else enumerate(value)
        items = [(key, _plain(item, done, within - 1)) for key, item in pairs]
        kept = [(key, item) for key, item in items if item is not _LEFT_OUT]
        done[place] = dict(kept) if type(value) is dict else type(value)(item for _, item in kept)
    return done[place]

"""pix2pix3D's own files become a model; other networks, odd options and malicious files are refused, and why is
said."""

from __future__ import annotations

import io
import os
import tarfile
import tomllib
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from typer.testing import CliRunner

from backend.cli.main import app
from backend.fields.cameras import orbit
from backend.hub import registry
from backend.models import pix2pix3d
from backend.models.pix2pix3d.checkpoint import CONFIG, WEIGHTS, convert, converted
from backend.models.pix2pix3d.config import PUBLISHED, Config
from backend.models.pix2pix3d.generator import Generator
from backend.models.pix2pix3d.pickles import read_snapshot
from backend.pipelines.context import Context
from protocol.problems import ErrorCode, ProblemError

from .foreign_classes import Runs
from .tiny_pix2pix3d import SMALL
from .tiny_snapshots import Module, network, write

FILE = "pix2pix3d_seg2cat.pkl"
KIND = "TriPlaneSemanticEntangleGenerator"
RENDERING = {"ray_start": 2.25, "ray_end": 3.3, "box_warp": 1, "depth_resolution": 4, "depth_resolution_importance": 4}
OPTIONS: dict[str, Any] = {"rendering_kwargs": RENDERING, "neural_rendering_resolution": 8}


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {name: torch.randn_like(tensor) for name, tensor in Generator(SMALL).state_dict().items()}


def generator(tensors: dict[str, Tensor], kind: str = KIND, **changed: Any) -> Module:
    return network(tensors, kind, {**OPTIONS, "rendering_kwargs": {**RENDERING, **changed}})


def refused(path: Path) -> str:
    with pytest.raises(ProblemError, match=path.name) as caught:
        converted(path)
    assert caught.value.problem.code is ErrorCode.BAD_INPUT
    return str(caught.value)


def test_a_file_becomes_a_model_and_its_program_is_not_run(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    content = {"G": generator(tensors), "G_ema": generator(tensors), "training_set_kwargs": {"path": "a.zip"}}
    path = write(tmp_path / FILE, content)
    convert({FILE: path}, tmp_path, lambda _: None)
    config = msgspec.json.decode((tmp_path / CONFIG).read_bytes(), type=Config)
    assert config == SMALL
    found = load_file(tmp_path / WEIGHTS)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
    Generator(config).load_state_dict(found)


def test_a_file_in_the_authors_archive(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    write(tmp_path / FILE, {"G_ema": generator(tensors)})
    archive = tmp_path / "release.tar"
    with tarfile.open(archive, "w") as packed:
        packed.addfile(tarfile.TarInfo("readme"), io.BytesIO())
        packed.add(tmp_path / FILE, f"release/{FILE}")
    found, _ = converted(archive, FILE)
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
    with pytest.raises(ProblemError, match=r"without “pix2pix3d_seg2face\.pkl”"):
        converted(archive, "pix2pix3d_seg2face.pkl")
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(tmp_path / FILE, FILE)
    assert "archive that cannot be read" in refused(archive)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("TriPlaneGenerator", "makes no labels"),
        ("TriPlaneSemanticGenerator", "two backbones"),
        ("TriPlaneSemanticEntangleGenerator_withBG", "background of its own"),
        ("Other", "unknown here"),
    ],
)
def test_other_networks_are_refused_by_their_class(tmp_path: Path, tensors: Any, kind: str, says: str) -> None:
    said = refused(write(tmp_path / FILE, {"G_ema": generator(tensors, kind)}))
    assert kind in said
    assert says in said


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"c_scale": 2}, "“c_scale” is 2"),
        ({"ray_start": "auto"}, "“ray_start” is 'auto'"),
        ({"ray_end": None}, "“ray_end” is missing"),
        ({"box_warp": float("nan")}, "“box_warp” is nan"),
        ({"depth_resolution": 10**9}, "“depth_resolution” is 1000000000"),
        ({"avg_camera_pivot": [0, 0]}, "“avg_camera_pivot” is a list"),
        ({"superresolution_noise_mode": "random"}, "“superresolution_noise_mode” is 'random'"),
    ],
)
def test_options_that_the_generator_does_not_have(tmp_path: Path, tensors: Any, changed: Any, says: str) -> None:
    assert says in refused(write(tmp_path / FILE, {"G_ema": generator(tensors, **changed)}))


@pytest.mark.parametrize(
    ("name", "tensor", "says"),
    [
        ("decoder.net.0.weight", None, "“decoder.net.0.weight” is missing"),
        ("decoder.net.2.bias", None, "first “decoder.net.2.bias”"),
        ("more", torch.ones(1), "not of it, first “more”"),
        ("decoder.net.0.weight", torch.ones(4), "too few dimensions"),
        ("backbone.mapping.fc0.weight", torch.ones(0, 4), "no style"),
        ("backbone.synthesis.b8.conv1.weight", torch.ones(7, 2, 3, 3), "does not go with the others"),
        ("backbone.synthesis.b12.conv1.weight", torch.ones(2, 2, 3, 3), "the sizes [4, 8, 12, 16]"),
        ("superresolution.block1.conv1.noise_const", torch.ones(100, 100), "unknown kind"),
    ],
)
def test_tensors_that_are_not_a_generators(tmp_path: Path, tensors: Any, name: str, tensor: Any, says: str) -> None:
    changed = {**tensors, name: tensor} if tensor is not None else {k: v for k, v in tensors.items() if k != name}
    assert says in refused(write(tmp_path / FILE, {"G_ema": generator(changed)}))


def test_modules_that_are_no_tree(tmp_path: Path) -> None:
    def said(**state: Any) -> str:
        return refused(write(tmp_path / FILE, {"G_ema": Module(KIND, **state)}))

    part, deep = Module("Part"), Module("Part")
    assert "no tree of modules: see “b”" in said(_modules={"a": part, "b": part})
    for _ in range(40):
        deep = Module("Part", _modules={"a": deep})
    assert "no tree of modules" in said(_modules={"a": deep})
    assert "no tree of modules" in said(_modules={"a": {}})
    assert "no tensor" in said(_parameters={"a": [1]})
    assert "is no table" in said(_buffers=[1])
    assert "is no table" in said(_buffers={1: torch.ones(1)})
    assert "is no set" in said(_buffers={"a": torch.ones(1)}, _non_persistent_buffers_set=1)
    shared = torch.ones(2000)
    assert "more than the file" in said(_parameters={f"p{number}": shared for number in range(50)})
    assert "two tensors with the name a.b" in said(
        _parameters=OrderedDict({"a.b": torch.ones(1)}), _modules={"a": Module("Part", _buffers={"b": torch.ones(1)})}
    )


def test_what_passes_and_what_is_not_there_is_left_out(tmp_path: Path) -> None:
    buffers = {"kept": torch.ones(1), "passing": torch.ones(2), "absent": None}
    root = Module("Any", _buffers=buffers, _non_persistent_buffers_set={"passing"}, _modules={"none": None}, size=3)
    root.state |= {"tensor": torch.ones(1), "nested": {"a": [1, torch.ones(1)], "b": (2, [])}, "_own": 1}
    (found,) = read_snapshot(write(tmp_path / FILE, {"D": root})).networks.values()
    assert list(found.state) == ["kept"]
    assert found.attributes == {"training": False, "size": 3, "nested": {"a": [1], "b": (2, [])}}


def test_attributes_that_hold_each_other_many_times(tmp_path: Path) -> None:
    value: Any = []
    for _ in range(7):
        value = [value] * 1000
    (found,) = read_snapshot(write(tmp_path / FILE, {"D": Module("Any", value=value)})).networks.values()
    assert len(found.attributes["value"]) == 1000


def test_malicious_and_other_files(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    trace = tmp_path / "trace"
    evil = Runs(os.system, f"touch {trace}")
    for content in (
        evil,
        {"G_ema": evil},
        {"G_ema": generator(tensors, evil=evil)},
        {"G_ema": Module(KIND, more=[evil])},
    ):
        assert "names posix.system" in refused(write(tmp_path / FILE, content))
    assert not trace.exists()
    assert "holds none of G, D" in refused(write(tmp_path / FILE, {"G_ema": {}}))
    assert "no dictionary" in refused(write(tmp_path / FILE, [1]))
    assert "no averaged generator" in refused(write(tmp_path / FILE, {"G": generator(tensors)}))
    (tmp_path / FILE).write_bytes(b"")
    assert "is empty" in refused(tmp_path / FILE)
    with tarfile.open(tmp_path / FILE, "w", format=tarfile.PAX_FORMAT) as packed:
        sparse = tarfile.TarInfo("a")
        sparse.pax_headers = {"GNU.sparse.map": "x,1", "GNU.sparse.size": "3"}
        packed.addfile(sparse)
    assert "archive that cannot be read" in refused(tmp_path / FILE)
    assert "cannot be read" in refused(tmp_path / "missing.pkl")


@pytest.mark.parametrize("name", ["seg2cat", "seg2face", "edge2car"])
def test_cards_say_what_the_networks_take(name: str) -> None:
    path = Path(str(pix2pix3d.__file__)).with_name(f"card_{name}.toml")
    card, config = tomllib.loads(path.read_text("utf-8")), PUBLISHED[name]
    labels, released = card["labels"], card["released"]
    assert (card["name"], labels["size"], labels.get("draws", False)) == (name, config.label_size, config.draws)
    if not config.draws:
        assert len(labels["names"]) == len(labels["colours"]) == config.labels
    (source,) = released["sources"]
    assert source["file"] == f"pix2pix3d_{name}.pkl"
    with torch.device("meta"):
        stored = sum(each.nbytes for each in Generator(config).state_dict().values())
    assert 0 < released["stored_bytes"] - stored < 200_000


def test_the_command_makes_a_model_of_the_file_that_paints(
    tmp_path: Path, tensors: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHOLEFORM_MODELS", str(tmp_path / "models"))
    card = registry.cards()["seg2cat"]
    assert card.released is not None
    small = replace(card, released=replace(card.released, stored_bytes=40_000_000))  # there need not be room for more
    found = {**registry.cards(), "seg2cat": small}
    monkeypatch.setattr(registry, "cards", lambda: found)
    path = write(tmp_path / FILE, {"G_ema": generator(tensors)})
    done = CliRunner().invoke(app, ["models", "import", "seg2cat", str(path), "--accept-licence"])
    assert done.exit_code == 0, done.output
    assert Path(done.stdout.strip()).name == "seg2cat"
    model = registry.load("seg2cat", "cpu")
    ids = np.zeros((SMALL.label_size, SMALL.label_size), np.uint16)
    ids[4:-4, 4:-4] = 1
    (view,) = model.synthesize(ids, None, 0, 1.0, Context()).render([orbit(20, 10, 32)], 48, Context())
    assert view.image.shape == (48, 48, 4)
    assert view.image[..., :3].std() > 0

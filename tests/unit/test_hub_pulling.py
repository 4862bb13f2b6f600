"""Released models from a server and from files: checked, converted, recorded; nothing half made is ever loaded."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.hub import download, registry
from backend.hub.alone import alone_with
from backend.hub.cards import Card
from backend.hub.installed import downloads_folder, is_ready, model_folder, models_dir, read_record
from backend.hub.pulling import bytes_to_fetch, import_files, is_non_commercial, pull
from backend.hub.registry import load_card, model_infos
from backend.hub.removing import remove
from backend.hub.verifying import faults
from backend.hub.weights import weights_path
from protocol.connection import data_dir
from protocol.problems import ErrorCode, ProblemError

from . import tiny_released
from .tiny_released import NAME
from .tiny_web import TinyWeb

ROOT = Path(__file__).parents[2]
FILES = {"config.json": tiny_released.CONFIG, "weights.ckpt": tiny_released.checkpoint()}


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHOLEFORM_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(download, "BACKOFF_S", 0.001)


@pytest.fixture
def web() -> Iterator[TinyWeb]:
    with TinyWeb({f"/{name}": content for name, content in FILES.items()}) as running:
        yield running


@pytest.fixture
def card(web: TinyWeb) -> Card:
    return tiny_released.card(FILES, web.url)


def pulled(card: Card, **options: Any) -> Path:
    return pull(card, licence_accepted=True, **options)


def refused(code: ErrorCode, action: Callable[[], object]) -> str:
    with pytest.raises(ProblemError) as caught:
        action()
    assert caught.value.problem.code is code
    return str(caught.value)


def left() -> list[str]:
    """What lies among the models, save the locks."""
    return sorted(path.name for path in models_dir().iterdir() if path.name != ".locks")


def test_where_models_lie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert models_dir() == tmp_path / "models"
    monkeypatch.delenv("WHOLEFORM_MODELS")
    assert models_dir() == data_dir() / "models"
    monkeypatch.delenv("WHOLEFORM_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert sys.platform != "linux" or models_dir() == tmp_path / "wholeform" / "models"


def test_a_pulled_model_is_recorded_ready_and_loads(card: Card, web: TinyWeb) -> None:
    told: list[tuple[str, int, int]] = []
    folder = pulled(card, told=lambda *update: told.append(update))
    assert folder == model_folder(NAME)
    device, tensors, config = load_card(card, "cpu")
    assert (device, config) == ("cpu", tiny_released.CONFIG.decode())
    assert torch.equal(tensors["a"], torch.arange(1000.0).half())
    record = json.loads((folder / "record.json").read_text())
    assert record["licence_accepted"] == "Be kind."
    assert [each["url"] for each in record["sources"]] == [f"{web.url}/{name}" for name in FILES]
    digests = [hashlib.sha256(content).hexdigest() for content in FILES.values()]
    assert [each["sha256"] for each in record["sources"]] == digests
    converted = {each["file"]: each["sha256"] for each in record["files"]}
    assert converted["model.safetensors"] == hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert left() == [".downloads", ".known", NAME]
    assert not downloads_folder(NAME).exists()
    assert ("Converting", 2000, 4000) in told
    web.requests.clear()
    assert pulled(card) == folder
    assert web.requests == []


def test_the_catalogue_says_what_to_run_until_it_is_there(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "cards", lambda: {NAME: card})
    (info,) = model_infos()
    assert (info.ready, info.missing) == (False, f"Fetch it: wholeform models pull {NAME}")
    assert f"models pull {NAME}" in refused(ErrorCode.MODEL_FAILED, lambda: registry.load(NAME, "cpu"))
    pulled(card)
    (info,) = model_infos()
    assert (info.ready, info.missing) == (True, "")
    assert registry.load(NAME, "cpu")[0] == "cpu"


def test_a_licence_has_to_be_accepted(card: Card, web: TinyWeb) -> None:
    said = refused(ErrorCode.BAD_PARAMETER, lambda: pull(card, licence_accepted=False))
    assert "Be kind." in said
    assert "https://licence.example/nc" in said
    assert "--accept-licence" in said
    assert web.requests == []
    refused(ErrorCode.BAD_PARAMETER, lambda: import_files(card, [], licence_accepted=False))


def test_a_half_downloaded_file_is_never_loaded_and_goes_on(card: Card, web: TinyWeb) -> None:
    web.cuts = [10_000, 1000]  # the first file is shorter than that
    web.statuses = [200, 200, *[503] * (download.ATTEMPTS - 1)]
    refused(ErrorCode.UNREACHABLE, lambda: pulled(card))
    assert not is_ready(NAME)
    refused(ErrorCode.MODEL_FAILED, lambda: load_card(card, "cpu"))
    assert bytes_to_fetch(card) == len(FILES["weights.ckpt"]) - 1000
    web.requests.clear()
    pulled(card)
    assert web.requests == [("/weights.ckpt", "bytes=1000-")]


@pytest.mark.parametrize(
    ("converter", "error"),
    [
        ("convert_and_find_fault", ProblemError),
        ("convert_and_crash", KeyError),
        ("convert_on_a_full_disk", ProblemError),
        ("convert_to_nothing", ProblemError),
    ],
)
def test_a_conversion_that_fails_leaves_nothing_but_the_sources(
    web: TinyWeb, converter: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        pulled(tiny_released.card(FILES, web.url, converter=converter))
    assert left() == [".downloads"]
    assert not is_ready(NAME)
    web.requests.clear()
    pulled(tiny_released.card(FILES, web.url))
    assert web.requests == []


def test_a_killed_conversion_never_looks_ready(web: TinyWeb) -> None:
    program = (
        "from tests.unit.tiny_released import card; from backend.hub.pulling import pull;"
        f" pull(card({{'config.json': b'', 'weights.ckpt': b''}}, {web.url!r},"
        " converter='convert_and_be_killed', known=False), licence_accepted=True)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    assert (models_dir() / f".unfinished-{NAME}" / "model.safetensors").is_file()
    assert not is_ready(NAME)
    pulled(tiny_released.card(FILES, web.url))
    assert left() == [".downloads", ".known", NAME]


def test_the_first_pull_pins_what_the_card_does_not(web: TinyWeb) -> None:
    unknown = tiny_released.card(FILES, web.url, known=False)
    pulled(unknown)
    assert remove(unknown) > 2000
    web.files["/weights.ckpt"] = other = FILES["weights.ckpt"] + b"more"
    digest = hashlib.sha256(other).hexdigest()
    assert digest in refused(ErrorCode.BAD_INPUT, lambda: pulled(unknown))
    assert remove(unknown, forget=True) > 0
    pulled(unknown)
    record = read_record(NAME)
    assert record is not None
    assert record.sources[1].sha256 == digest


def test_a_mirror_in_a_folder(web: TinyWeb, card: Card, tmp_path: Path) -> None:
    (tmp_path / "disk" / NAME).mkdir(parents=True)
    for name, content in FILES.items():
        (tmp_path / "disk" / NAME / name).write_bytes(content)
    pulled(card, mirror=(tmp_path / "disk").as_uri())
    assert is_ready(NAME)
    assert web.requests == []


def test_a_small_disk_is_said_before_anything_is_asked_for(
    card: Card, web: TinyWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    def usage(free: int) -> Any:
        return lambda _: shutil._ntuple_diskusage(0, 0, free)  # type: ignore[attr-defined]

    needed = sum(map(len, FILES.values())) + 4000 + (256 << 20)
    monkeypatch.setattr(shutil, "disk_usage", usage(needed - 1))
    assert "“tiny-released” needs" in refused(ErrorCode.TOO_LARGE, lambda: pulled(card))
    assert web.requests == []
    monkeypatch.setattr(shutil, "disk_usage", usage(needed))
    pulled(card)


def test_two_at_once(card: Card) -> None:
    with alone_with(NAME):
        refused(ErrorCode.BUSY, lambda: pulled(card))
        refused(ErrorCode.BUSY, lambda: remove(card))
    pulled(card)


# --- files given by hand ---


@pytest.fixture
def by_hand(tmp_path: Path) -> Path:
    folder = tmp_path / "by hand"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return folder


def imported(card: Card, *files: Path) -> Path:
    return import_files(card, files, licence_accepted=True)


def test_files_given_by_hand_become_the_same_model(card: Card, by_hand: Path, web: TinyWeb) -> None:
    imported(card, by_hand / "weights.ckpt", by_hand / "config.json")
    one = read_record(NAME)
    remove(card)
    pulled(card)
    other = read_record(NAME)
    assert one is not None
    assert other is not None
    assert one.files == other.files
    imported(card, by_hand)  # a folder, over a model that is there
    assert load_card(card, "cpu")[0] == "cpu"
    assert sorted(path.name for path in by_hand.iterdir()) == sorted(FILES)


def test_wrong_files_given_by_hand(card: Card, by_hand: Path, tmp_path: Path) -> None:
    weights, config = by_hand / "weights.ckpt", by_hand / "config.json"
    said = refused(ErrorCode.BAD_INPUT, lambda: imported(card, config))
    assert card.released is not None
    assert f"weights.ckpt from {card.released.sources[1].url}" in said
    refused(ErrorCode.BAD_INPUT, lambda: imported(card, weights, config, tmp_path / "nowhere"))
    (tmp_path / "odd.bin").write_bytes(b"odd")
    assert "odd.bin is no file" in refused(
        ErrorCode.BAD_INPUT, lambda: imported(card, weights, config, tmp_path / "odd.bin")
    )
    content = weights.read_bytes()
    weights.write_bytes(content[:-1])
    assert "bytes in place of" in refused(ErrorCode.BAD_INPUT, lambda: imported(card, by_hand))
    weights.write_bytes(content[:-1] + b"!")
    assert "SHA-256" in refused(ErrorCode.BAD_INPUT, lambda: imported(card, by_hand))
    assert not is_ready(NAME)


def test_a_single_file_may_have_any_name(web: TinyWeb, by_hand: Path) -> None:
    card = tiny_released.card({"weights.ckpt": FILES["weights.ckpt"]}, web.url, converter="convert_and_find_fault")
    renamed = (by_hand / "weights.ckpt").rename(by_hand / "weights (1).ckpt")
    with pytest.raises(KeyError, match=r"config\.json"):  # the converter was reached, and wants another file
        imported(card, renamed)


# --- afterwards ---


def test_verifying_names_every_difference(card: Card) -> None:
    assert "models pull" in faults(card)[0]
    folder = pulled(card)
    assert faults(card) == []
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    (folder / "odd.safetensors").write_bytes(b"odd")
    changed, odd = faults(card)
    assert "was changed" in changed
    assert "odd.safetensors does not belong" in odd
    assert is_ready(NAME)  # which looks at sizes alone
    (folder / "model.safetensors").write_bytes(content[:-1])
    assert "bytes in place of" in faults(card)[0]
    assert not is_ready(NAME)
    (folder / "model.safetensors").unlink()
    assert "is missing" in faults(card)[0]
    (folder / "record.json").write_text("{}")
    assert "record.json" in faults(card)[0]
    remove(card)
    pulled(card)
    assert faults(card) == []


def test_verifying_what_comes_with_wholeform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    card = registry.cards()["u2netp"]
    assert faults(card) == []
    assert faults(registry.cards()["grabcut"]) == []
    assert card.weights is not None
    damaged = tmp_path / "u2netp.safetensors"
    monkeypatch.setattr("backend.hub.verifying.weights_path", lambda _: damaged)
    assert "is missing" in faults(card)[0]
    damaged.write_bytes(weights_path(card.weights).read_bytes()[:-1])
    assert "not the file that its card names" in faults(card)[0]


def test_removing(card: Card, web: TinyWeb) -> None:
    refused(ErrorCode.NOT_FOUND, lambda: remove(card))
    refused(ErrorCode.BAD_PARAMETER, lambda: remove(registry.cards()["u2netp"]))
    folder = pulled(card)
    nbytes = sum(path.stat().st_size for path in folder.iterdir())
    assert remove(card) == nbytes
    assert not folder.exists()
    web.cuts, web.statuses = [10_000, 1000], [200, 200, *[503] * download.ATTEMPTS]
    refused(ErrorCode.UNREACHABLE, lambda: pulled(card))
    assert remove(card) > 1000
    assert not any(os.scandir(models_dir() / ".downloads"))


def test_models_that_come_with_wholeform_are_not_pulled() -> None:
    for name in ("u2netp", "grabcut"):
        refused(ErrorCode.BAD_PARAMETER, lambda name=name: pulled(registry.cards()[name]))


@pytest.mark.parametrize(
    ("licence", "summary", "forbidden"),
    [
        ("CC-BY-NC-4.0", "Be kind.", True),
        ("Own", "Non-commercial use only.", True),
        ("Own", "For noncommercial research.", True),
        ("Apache-2.0", "Free to use, also commercially; once announced.", False),
    ],
)
def test_non_commercial_terms_are_known(card: Card, licence: str, summary: str, forbidden: bool) -> None:
    assert card.released is not None
    changed = replace(card, licence=licence, released=replace(card.released, licence_summary=summary))
    assert is_non_commercial(changed) is forbidden

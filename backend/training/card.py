"""What a run ends with: an fp16 safetensors file, its card in TOML and the same for people in Markdown."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from backend.hub.cards import read_card
from protocol.problems import ErrorCode, ProblemError

from .config import TrainConfig
from .files import write_whole
from .recipe import Facts

_BARE_KEY = re.compile(r"[A-Za-z0-9_\-]+")


@dataclass(frozen=True)
class Run:
    """How a run went: ``seconds`` over all its parts, ``scores`` of what is written, ``baselines`` by name."""

    steps: int
    seconds: float
    hardware: str
    scores: Mapping[str, float]
    baselines: Mapping[str, Mapping[str, float]]


def hardware(device: torch.device, processes: int) -> str:
    """What the run runs on, for people: "2 x NVIDIA H200" or "CPU (AMD EPYC 7763, 2 threads)"."""
    if device.type == "cuda":
        return f"{processes} x {torch.cuda.get_device_name(device)}"
    threads = f"{processes * torch.get_num_threads()} threads"
    return f"CPU ({_processor()}, {threads})"


def _processor() -> str:
    try:
        named = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    except OSError:
        named = None
    return named[1] if named else platform.processor() or platform.machine()


@torch.no_grad()
def round_to_half(module: nn.Module) -> None:
    """Round every floating number of ``module`` to the nearest float16, in place, keeping its type: what is evaluated
    is then what is written."""
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(tensor.half())


def write_weights(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write ``tensors``, floating ones as float16, and return the file's SHA-256. ProblemError (MODEL_FAILED) naming
    the tensor when a number does not fit into float16 (65504) or is none."""
    stored = {}
    for name, tensor in tensors.items():
        stored[name] = (tensor.half() if tensor.is_floating_point() else tensor).to("cpu", copy=True).contiguous()
        if tensor.is_floating_point() and not bool(stored[name].isfinite().all()):
            raise ProblemError(
                ErrorCode.MODEL_FAILED,
                f"The tensor “{name}” has numbers that float16 cannot hold.",
                "Train with more weight decay or a lower learning rate.",
            )
    write_whole(path, lambda file: save_file(stored, file))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_cards(
    folder: Path, config: TrainConfig, facts: Facts, run: Run, weights: Path, sha256: str
) -> tuple[Path, Path]:
    """Write card.toml, which backend/hub/cards.py reads, and card.md, and return their paths. ProblemError (INTERNAL)
    naming the field when the recipe's facts make no valid card."""
    card = {
        "name": config.name,
        "title": facts.title,
        "tasks": list(facts.tasks),
        "level": config.level,
        "good_for": facts.good_for,
        "licence": facts.licence,
        "origin": facts.origin,
        "entry": facts.entry,
        "memory_bytes": facts.memory_bytes,
        **({"labels": dict(facts.labels)} if facts.labels else {}),
        "weights": {
            "file": weights.name,
            "sha256": sha256,
            "licence": facts.licence,
            "origin": f"Trained by this project's own code, `wholeform train {config.recipe}`.",
        },
        "measured": {
            "architecture": facts.architecture,
            "data": facts.data,
            "seeds": facts.seeds,
            "steps": run.steps,
            "batch_size": config.batch_size,
            "precision": config.precision,
            "hardware": run.hardware,
            "minutes": round(run.seconds / 60, 1),
            "torch": torch.__version__,
            "scores": dict(run.scores),
            "baselines": {name: dict(scores) for name, scores in run.baselines.items()},
        },
    }
    toml, markdown = folder / "card.toml", folder / "card.md"
    write_whole(toml, lambda file: file.write_text(_toml(card), "utf-8"))
    read_card(toml)
    write_whole(markdown, lambda file: file.write_text(_markdown(card, config), "utf-8"))
    return toml, markdown


def _toml(table: Mapping[str, Any], where: str = "") -> str:
    """``table`` as TOML: plain values first, then the tables in it under their full names."""
    lines = [f"{_key(key)} = {_value(value)}\n" for key, value in table.items() if not isinstance(value, Mapping)]
    for key, value in table.items():
        if isinstance(value, Mapping):
            name = f"{where}{_key(key)}"
            lines.append(f"\n[{name}]\n{_toml(value, f'{name}.')}")
    return "".join(lines)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _value(key)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, float):
        return repr(value)
    # JSON's texts, whole numbers and truth values are TOML's too.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _markdown(card: Mapping[str, Any], config: TrainConfig) -> str:
    measured, weights = card["measured"], card["weights"]
    names = list(dict.fromkeys(key for row in (measured["scores"], *measured["baselines"].values()) for key in row))
    rows = {"**this model**": measured["scores"], **measured["baselines"]}
    table = [("", *names), ("---", *("---:" for _ in names))]
    table += [(who, *(f"{row[name]:.4g}" if name in row else "–" for name in names)) for who, row in rows.items()]
    settings = {**config.plain(), "model": json.dumps(config.model), "data": json.dumps(config.data)}
    return "\n".join(
        [
            f"# {card['title']} ({card['name']}, {card['level']})",
            "",
            card["good_for"],
            "",
            f"- Architecture: {measured['architecture']}",
            f"- Tasks: {', '.join(card['tasks'])}",
            f"- Data: {measured['data']}",
            f"- Seeds: {measured['seeds']}",
            f"- Trained: {measured['steps']} steps of {measured['batch_size']} examples"
            f" in {measured['minutes']} minutes on {measured['hardware']}, torch {measured['torch']}",
            f"- Weights: `{weights['file']}` (float16), SHA-256 `{weights['sha256']}`",
            f"- Licence: {card['licence']}",
            f"- Origin: {card['origin']}",
            "",
            "## Scores",
            "",
            *(f"| {' | '.join(row)} |" for row in table),
            "",
            "## Settings",
            "",
            *(f"- {name}: {value}" for name, value in settings.items()),
            "",
        ]
    )

"""Training configs: what is read, and what is said about each mistake."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest

from backend.training.config import read_config
from backend.training.options import Range
from protocol.problems import ErrorCode, ProblemError

LEAST = 'steps = 10\nbatch_size = 4\nlearning_rate = 1\nout = "here"\n'


@dataclass(frozen=True)
class Options:
    sizes: tuple[Annotated[int, Range(1, 9)], ...]
    kind: Literal["a", "b"] = "a"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "train.toml"


def test_the_least_and_the_defaults(file: Path) -> None:
    file.write_text('steps = 10\nbatch_size = 4\nlearning_rate = 1\n[model]\nwidth = 3\n[data]\n"x y" = [1]\n')
    config = read_config(file, "some_model")
    assert (config.steps, config.batch_size, config.learning_rate) == (10, 4, 1.0)
    assert isinstance(config.learning_rate, float)
    assert (config.name, config.out, config.level) == ("some-model", Path("training-output/some-model"), "yours")
    assert config.model == {"width": 3}
    assert config.data == {"x y": [1]}
    assert read_config(file, "some_model", Path("there")).out == Path("there")
    assert "file" not in config.plain()


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("stepz = 3", "stepz"),
        ('file = "x"', "file"),
        ('precision = "fp8"', "precision"),
        ("seed = -1", "seed"),
        ("seed = 1.0", "seed"),
        ("seed = true", "seed"),
        ("ema_decay = 1.0", "ema_decay"),
        ("clip = nan", "clip"),
        ("clip = inf", "clip"),
        ('clip = "1"', "clip"),
        ("recompute = 1", "recompute"),
        ("warmup_steps = 11", "warmup_steps"),
        ('name = "../x"', "name"),
        ("model = 3", "model"),
        ("keep_checkpoints = 0", "keep_checkpoints"),
    ],
)
def test_mistakes_name_file_and_field_and_what_is_allowed(file: Path, line: str, field: str) -> None:
    file.write_text(LEAST + line)
    with pytest.raises(ProblemError) as caught:
        read_config(file, "tiny")
    problem = caught.value.problem
    assert problem.code is ErrorCode.BAD_PARAMETER
    assert str(file) in problem.message
    assert f"“{field}”" in problem.message
    assert problem.hint


@pytest.mark.parametrize("field", ["steps", "batch_size", "learning_rate"])
def test_what_has_no_default_must_be_there(file: Path, field: str) -> None:
    file.write_text("\n".join(line for line in LEAST.splitlines() if not line.startswith(field)))
    with pytest.raises(ProblemError, match=f"“{field}” is missing"):
        read_config(file, "tiny")


def test_files_that_are_none(file: Path, tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match=r"cannot be read"):
        read_config(tmp_path / "nowhere.toml", "tiny")
    file.write_text("steps = ")
    with pytest.raises(ProblemError, match=r"is no TOML"):
        read_config(file, "tiny")
    file.write_bytes(b"\xff")
    with pytest.raises(ProblemError, match=r"is no TOML"):
        read_config(file, "tiny")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "“data.sizes” is missing"),
        ("sizes = 3", "“data.sizes” is 3"),
        ("sizes = [1, 10]", r"“data.sizes\[1\]” is 10"),
        ('sizes = [1]\nkind = "c"', "“data.kind” is 'c'"),
        ("sizes = [1]\nkinds = 1", "“data.kinds” is no known field"),
    ],
)
def test_a_recipe_s_table_is_checked_the_same_way(file: Path, table: str, said: str) -> None:
    file.write_text(f"{LEAST}[data]\n{table}")
    with pytest.raises(ProblemError, match=said):
        read_config(file, "tiny").options("data", Options)


def test_a_recipe_s_table(file: Path) -> None:
    file.write_text(f'{LEAST}[model]\nsizes = [2, 3]\nkind = "b"')
    assert read_config(file, "tiny").options("model", Options) == Options((2, 3), "b")

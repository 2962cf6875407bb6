# SPDX-License-Identifier: Apache-2.0
"""build.json is read as if a stranger had written it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tailrace.core.errors import ModelError, TailraceError
from tailrace.design.config import Config
from tailrace.design.folder import own
from tailrace.design.manifest import STAGES, put_back, read_manifest, take_off

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, **changes: Any) -> Path:
    """A folder whose manifest has these values."""
    take_off(folder, "import", Config())
    for stage in STAGES:
        put_back(folder, stage, 1.0, {"name": "n.onnx", "sha256": "0" * 64})
    manifest = json.loads((folder / "build.json").read_text())
    for key, value in changes.items():
        part, _, name = key.partition("__")
        if name:
            manifest[part][name] = value
        else:
            manifest[part] = value
    (folder / "build.json").write_text(json.dumps(manifest))
    return folder


def test_what_is_written_is_read(tmp_path: Path) -> None:
    manifest = read_manifest(written(tmp_path))
    assert list(manifest["stages"]) == list(STAGES)
    assert manifest["model"]["sha256"] == "0" * 64


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stages__route": {"seconds": 1.0}}, "there is no stage 'route'"),
        ({"stages__plan": 1.0}, "the seconds of the stage plan are None"),
        ({"stages__plan": {"seconds": "x"}}, "the seconds of the stage plan are 'x'"),
        ({"stages__plan": {"seconds": -1}}, "the seconds of the stage plan are -1"),
        ({"stages__plan": {"seconds": float("nan")}}, "the seconds of the stage plan are nan"),
        ({"model__sha256": 3}, "the model's sha256 is 3"),
        ({"config__fps": "many"}, "fps is 'many'"),
        ({"config__part": "../../etc"}, "there is no part '../../etc'"),
        ({"config__layers": {"dense_0": {"pe": []}}}, "pe is []"),
        (
            {"config__vectors": "../../secret.npy"},
            "the vectors are '../../secret.npy', and its own are called",
        ),
        ({"config__vectors": "/dev/zero"}, "the vectors are '/dev/zero', and its own are called"),
    ],
)
def test_what_tailrace_never_writes_is_refused(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(TailraceError) as error:
        read_manifest(written(tmp_path, **changes))
    assert said in str(error.value)
    assert error.value.where == str(tmp_path / "build.json")
    assert error.value.exit_code == 1


def test_a_file_of_the_folder_is_no_link_out_of_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    folder = tmp_path / "build"
    folder.mkdir()
    (folder / "model.onnx").symlink_to(tmp_path / "secret")
    (folder / "graph").symlink_to(tmp_path)
    for name in ("model.onnx", "graph/secret", "../secret"):
        with pytest.raises(ModelError, match="this leads out of the build folder"):
            own(folder, name)
    with pytest.raises(ModelError, match="there is no such file"):
        own(folder, "vectors.npy")

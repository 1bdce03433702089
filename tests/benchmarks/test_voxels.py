"""The program that measures pictures of voxel worlds."""

import json

import jax
import numpy as np
import pytest

from benchmarks import voxels
from docs.generator.figure_tables import voxel_pictures
from jaxenvs.simulators.voxels.camera import Lens, picture, to_rgb


@pytest.mark.slow
def test_pictures_beside_numpy_become_rows_of_the_page(tmp_path, monkeypatch, capsys):
    file = tmp_path / "speed.json"
    monkeypatch.setattr(voxels, "SIZES", (16,))
    monkeypatch.setattr(voxels, "DISTANCES", (8,))
    sizes = ["--pictures", "3", "--floor-pictures", "2", "--repeats", "1", "--note", "At small sizes."]
    monkeypatch.setattr("sys.argv", ["voxels", *sizes, "--json", str(file)])
    voxels.main()
    figures = json.loads(file.read_text())
    assert {"command", "date", "device", "versions", "rows"} < set(figures) and figures["note"] == "At small sizes."
    room, hills = figures["rows"]
    assert (room["world"], room["size"], room["pictures"]) == ("room", 16, 3)
    assert room["pictures_per_second"] > 0 and room["numpy_pictures_per_second"] > 0
    assert (hills["world"], hills["view_distance"]) == ("hills", 8) and "numpy_pictures_per_second" not in hills
    table = voxel_pictures(figures)
    assert "| room | 16 x 16 | 18 |" in table and "| hills | 84 x 84 | 8 |" in table
    assert "'world': 'room'" in capsys.readouterr().out


@pytest.mark.parametrize("number", range(2))
def test_numpy_draws_the_same_room(number):
    lens, scenes = Lens(42, 42, view_distance=18), voxels.rooms(2)
    one = jax.tree.map(lambda x: np.asarray(x)[number], scenes)
    theirs = voxels.draw_with_numpy(lens, one.blocks, one.light, one.eye, float(one.yaw))
    ours = np.asarray(to_rgb(picture(lens, jax.tree.map(jax.numpy.asarray, one))))
    # Rounding decides a few pixels at the edges of faces and of their pixels.
    assert (np.abs(ours.astype(int) - theirs).max(axis=-1) <= 3).mean() > 0.98

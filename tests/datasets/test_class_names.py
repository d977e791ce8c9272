"""Classes that may be called by a name, and which ones the names mean."""

import pytest

from disentbench.datasets import _raycasting, mpi3d_complex, mpi3d_real, rooms3d

SOLIDS = {"cube": 0, "cylinder": 1, "sphere": 2, "cone": 3}


def test_a_solid_of_the_rooms_is_called_by_its_name():
    for name, number in SOLIDS.items():
        assert rooms3d.dataset(shape=name).shape == (number,)
        assert _raycasting.SOLIDS[number].normal is getattr(_raycasting, f"_{name}_normal")
    assert rooms3d.dataset(shape={"from": "sphere", "to": "cone"}).shape == (2, 3)
    with pytest.raises(ValueError, match="no class 'ball'; choose from 0 to 3 or cube, cylinder"):
        rooms3d.dataset(shape="ball")


@pytest.mark.parametrize("dataset", [mpi3d_complex.dataset, mpi3d_real.dataset])
def test_classes_of_mpi3d_are_called_by_the_authors_names(dataset):
    made = dataset(object_size="large", camera_height=["top", "bottom"], background_color="salmon")
    assert (made.object_size, made.camera_height, made.background_color) == ((1,), (0, 2), (2,))
    assert all(len(made.values[name]) == len(names) for name, names in made.names.items())

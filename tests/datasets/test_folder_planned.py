"""A study of a folder of images in which the study itself stands."""

import os

from builders.checkouts import copy_of_checkout, planned, snakemake, variant
from builders.own_folder import NAMES, make_folder

STUDY = {
    "datasets": {"own": {"of": "folder", "path": ".", "image_size": 64}},
    "training": {"steps": 1, "batch_size": 2},
    "metrics": ["elbo"],
}


def test_its_own_results_and_notes_beside_the_images_make_nothing_anew(tmp_path):
    checkout = copy_of_checkout(make_folder(tmp_path / "own"))
    study, images = variant(checkout, "beside", **STUDY), "results/smoke/own/images.h5"
    made = snakemake(checkout, images, config=study)
    assert made.returncode == 0, made.stderr
    (checkout / "README").write_text("x")
    assert planned(checkout, study, images) == {}
    os.utime(checkout / NAMES[2], (1, 1))
    assert planned(checkout, study, images) == {"data": 1}

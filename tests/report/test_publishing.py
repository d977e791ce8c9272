"""A page and all beside it are put in place together, and never over those of another page."""

import pytest
from builders.studies import LEAN, made, rendered, scored

from disentbench.errors import UserError
from disentbench.report import page as study_page
from disentbench.report import publish
from disentbench.storage import seals

FILES = ("results.json", "figures/a.png", "tables/a.csv")


def published(page, *names, text="first"):
    """A page and files beside it, put in place as those of a report are."""
    with publish.fresh(page) as folder:
        for name in (page.name, *names):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)


def there(folder):
    """The text of every file in a folder, by name."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def test_what_is_not_made_again_goes_be_it_for_machines_too(tmp_path):
    page = tmp_path / "page.html"
    published(page, *FILES)
    (tmp_path / "figures/mine.png").write_text("mine")
    published(page, "tables/a.csv", text="second")
    left = there(tmp_path)
    del left["page.sha256"]
    assert left == {"page.html": "second", "tables/a.csv": "second", "figures/mine.png": "mine"}
    assert seals.all_damaged(tmp_path) == []


@pytest.mark.parametrize("name", ["page.html", "results.json", "figures/a.png"])
def test_a_folder_in_the_place_of_a_file_leaves_all_as_it_was(tmp_path, name):
    page = tmp_path / "page.html"
    published(page, "tables/a.csv")
    (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / name).mkdir(parents=True)
    before = there(tmp_path)
    with pytest.raises(IsADirectoryError, match="is a folder, and files go there"):
        published(page, *FILES, text="second")
    assert there(tmp_path) == before


def test_a_file_in_the_place_of_a_folder_leaves_all_as_it_was(tmp_path):
    page = tmp_path / "page.html"
    published(page, "figures/a.png")
    (tmp_path / "tables").write_text("no folder")
    before = there(tmp_path)
    with pytest.raises(NotADirectoryError, match="tables is no folder"):
        published(page, *FILES, text="second")
    assert there(tmp_path) == before


def test_an_error_while_drawing_leaves_all_as_it_was(tmp_path):
    page = tmp_path / "page.html"
    published(page, *FILES)
    before = there(tmp_path)
    with pytest.raises(TypeError):
        published(page, *FILES, text=None)
    assert there(tmp_path) == before


def test_another_page_keeps_its_files(tmp_path):
    published(tmp_path / "page.html", *FILES)
    before = there(tmp_path)
    other = tmp_path / "other.html"
    with pytest.raises(UserError, match=r"figures/a.png belongs to .*page.html; name another"):
        published(other, "figures/a.png", text="second")
    with pytest.raises(UserError, match=r"results.json belongs to .*page.html; name another"):
        publish.require_free(other)
    assert there(tmp_path) == before
    publish.require_free(tmp_path / "page.html")
    (tmp_path / "page.html").unlink()
    published(other, *FILES, text="second")
    assert there(tmp_path)["results.json"] == "second"


def test_pages_of_which_each_has_files_of_its_own_share_a_folder(tmp_path):
    published(tmp_path / "page.html", *FILES)
    published(tmp_path / "other.html", "figures/other.png")
    assert seals.all_damaged(tmp_path) == []


def test_a_folder_in_the_place_of_the_table_is_not_to_be_removed(tmp_path):
    with pytest.raises(UserError, match=r"is a folder; name the tidy table") as refused:
        study_page.render(made(**LEAN), tmp_path, tmp_path, tmp_path / "out/page.html")
    assert "rm" not in str(refused.value).split()
    assert not (tmp_path / "out").exists()


def test_the_table_of_another_study_is_refused(tmp_path):
    other = scored(made(objectives={"factor_vae": {"gamma": [9]}}, **LEAN))
    with pytest.raises(UserError, match=r"has no run of the study 'little'; name its own table"):
        rendered(tmp_path, made(**LEAN), other)
    assert not (tmp_path / "report").exists()

"""Whether a page asks for anything that is not of the site: styles, scripts, fonts, pictures."""

from html.parser import HTMLParser
from pathlib import Path

ASSETS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
KINDS = {"stylesheet", "preload", "icon", "preconnect", "modulepreload"}


class Assets(HTMLParser):
    """Collects what a page loads by itself; what a reader may click on is not of it."""

    def __init__(self):
        super().__init__()
        self.asked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the address of a tag that loads something."""
        given = dict(attrs)
        if tag == "link" and not KINDS & set((given.get("rel") or "").split()):
            return
        if address := given.get(ASSETS.get(tag, "")):
            self.asked.append(address)


def foreign(html: str) -> list[str]:
    """What a page loads from another host."""
    assets = Assets()
    assets.feed(html)
    return [a for a in assets.asked if "://" in a or a.startswith("//")]


def foreign_styles(css: str) -> list[str]:
    """What a style sheet loads from another host."""
    parts = [part.partition(")")[0].strip(" '\"") for part in css.split("url(")[1:]]
    return [part for part in parts if part.startswith(("http:", "https:", "//"))] + [
        line for line in css.split(";") if "@import" in line
    ]


def of_site(folder: Path) -> list[str]:
    """A sentence for each file of the site that asks for something from elsewhere."""
    looks = {".html": foreign, ".css": foreign_styles}
    found = (
        (path, looks[path.suffix](path.read_text(encoding="utf-8")))
        for path in sorted(folder.rglob("*"))
        if path.suffix in looks
    )
    return [f"{path} loads {', '.join(asked)}" for path, asked in found if asked]

"""Origin: what the site was made from, and where both of them are on the web."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from support.basics.errors import UsageError
from support.publish.table import is_address
from support.records import installation

GITHUB = "github.com"
COLAB = "https://colab.research.google.com/github"


@dataclass(frozen=True)
class Origin:
    """`repository` is the address of the sources, "" where none is known; `commit` and `date` say
    what the site was made from, and when."""

    repository: str
    commit: str
    date: str

    @classmethod
    def of(cls, repository: str = "") -> Origin:
        """The origin of a site made now. Raises UsageError for what is no address."""
        repository = repository.strip().rstrip("/").removesuffix(".git")
        if repository and not is_address(repository):
            raise UsageError(f"--repository: {repository} should begin with https://")
        today = datetime.datetime.now(datetime.timezone.utc).date()
        return cls(
            repository, installation.commit().removesuffix("+"), today.isoformat()
        )

    @property
    def site(self) -> str:
        """Where GitHub Pages publishes the repository; "" for one that is elsewhere."""
        owner, _, name = self._on_github.partition("/")
        return f"https://{owner.lower()}.github.io/{name}/" if name else ""

    @property
    def _on_github(self) -> str:
        parts = urlsplit(self.repository)
        return parts.path.strip("/") if parts.netloc == GITHUB else ""

    def page(self, path: str) -> str:
        """The address of a page of the site."""
        path = path.removesuffix("index.html")
        return self.site + quote(path)

    def source(self, path: str) -> str:
        """Where a file of the repository is shown; "" without a repository."""
        at = self.commit or "HEAD"
        return f"{self.repository}/blob/{at}/{quote(path)}" if self.repository else ""

    def edit(self, path: str) -> str:
        """Where a file of the repository is changed; "" without a repository."""
        return f"{self.repository}/edit/main/{quote(path)}" if self.repository else ""

    def colab(self, path: str) -> str:
        """Where a notebook opens in Colab; "" if the repository is not on GitHub."""
        where = self._on_github
        return f"{COLAB}/{where}/blob/main/{quote(path)}" if where else ""

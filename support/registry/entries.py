"""What the registry's files say, one class for each kind of file."""

from dataclasses import dataclass, field
from pathlib import Path

from common.params import MODELS


@dataclass(frozen=True, eq=False)
class Language:
    """A language of notebooks. In `kernel`, the words that start its kernel, {python},
    {start_kernel} and {environment} are filled in; the connection file's path is appended.

    `assignment` ("{name} = {value};"), `comment` ("// {}") and `integer` ("{}") say how parameters are
    injected where papermill does not know the language, or writes its integers as real numbers.
    """

    name: str
    jupyter: str  # what Jupyter calls it
    kernel: tuple[str, ...]
    first_images: str  # code that leaves {} images in x_test
    sibling: str = ""  # the file of common/ that its notebooks use
    assignment: str = ""
    comment: str = ""
    integer: str = "{}"


@dataclass(frozen=True, eq=False)
class EnvironmentEntry:
    """A set of pins, and what completes them.

    `index` has a variant's index, which is asked only for what the usual ones lack. `check` is a
    command that succeeds where the machine has what `needs` names; `debian` are the packages
    that provide it. `gpu` says what the GPU pins were built for, `probe` is a script in
    support/ceilings/probes/ that measures a GPU's ceilings with this environment.
    """

    name: str
    folder: Path
    python: str
    index: dict[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    check: tuple[str, ...] = ()
    debian: tuple[str, ...] = ()
    gpu: str = ""
    probe: str = ""

    def pins(self, variant: str) -> Path:
        """The lock file of the variant, "cpu" or "gpu"."""
        return self.folder / f"{variant}.txt"

    @property
    def finish(self) -> Path | None:
        """A script that completes the environment, run by its Python; None if there is none."""
        path = self.folder / "finish.py"
        return path if path.exists() else None


@dataclass(frozen=True, eq=False)
class Framework:
    """A row of the tables: notebooks, and the environment and settings that they run in.

    `notebooks` is the prefix of its files where that is not the key. `like` names an entry whose
    conventions hold where this one has none of its own. `imports` are the modules that an
    installed Python must have, perhaps with limits ("keras>=3"); without any it runs in
    its pinned environment only. `variables` are environment variables of its kernel, in which
    {cores}, {environment}, {caches}, {python}, {mkl_cpu_type} and {openblas_core_type} are
    filled in, and those that end up empty are left out; `sharing` are more of them, where
    several notebooks share a GPU, and `quick` where a run is only to show that everything
    works, such as to compile faster.
    `tuned` notebooks end in _tuned and are ranked apart. `documentation` says where names of its
    API are described, by what they begin with; see publish/site/names.py. `conventions` name an option
    of each trap in false_friends.toml; `mistakes` are runs that walk into one on purpose.
    """

    key: str
    label: str
    language: Language
    environment: EnvironmentEntry
    precisions: tuple[str, ...]
    state: str
    release: str
    upstream: str
    root: Path  # of the folder with its entry
    folder: Path  # of its notebooks
    gru: str = ""  # where there is an RNN
    notebooks: str = ""
    like: str = ""
    imports: tuple[str, ...] = ()
    models: tuple[str, ...] = tuple(MODELS)
    tuned: bool = False
    successor: str = ""
    predecessor: str = ""
    article: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    sharing: dict[str, str] = field(default_factory=dict)
    quick: dict[str, str] = field(default_factory=dict)
    documentation: dict[str, str] = field(default_factory=dict)
    conventions: dict[str, str] = field(default_factory=dict)
    mistakes: tuple[dict, ...] = ()

    @property
    def family(self) -> str:
        """What it shares with others that run the same notebooks."""
        return (self.notebooks or self.key) + self._ending

    @property
    def _ending(self) -> str:
        return "_tuned" if self.tuned else ""

    def notebook(self, model: str) -> Path:
        """The path of its notebook for the model."""
        return self.folder / f"{self.notebooks or self.key}_{model}{self._ending}.ipynb"

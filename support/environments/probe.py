"""Say, as JSON, what this Python is and which modules it could import. Runs on any Python from 3.6 on.

Given as text to the Python in question (`python -c`), so that it need not see this file:
arguments are the names of modules. Nothing is imported but the standard library.
"""

import importlib.util
import json
import os
import platform
import sys
from typing import Any, Dict, Iterable, List, Tuple

sys.path[:] = [folder for folder in sys.path if folder not in ("", os.getcwd())]


def distributions() -> Iterable[Any]:
    """The installed distributions; pkg_resources has them where importlib.metadata does not."""
    try:
        from importlib import metadata

        return metadata.distributions()
    except ImportError:
        import pkg_resources

        return pkg_resources.working_set


def packages_and_modules() -> Tuple[Dict[str, str], Dict[str, str]]:
    """{package: version} and {top-level module: version of its package}."""
    packages = {}  # type: Dict[str, str]
    modules = {}  # type: Dict[str, str]
    for found in distributions():
        if hasattr(found, "read_text"):
            name, top = found.metadata["Name"], found.read_text("top_level.txt")
        else:
            name = found.project_name
            has = found.has_metadata("top_level.txt")
            top = found.get_metadata("top_level.txt") if has else None
        if not name:  # a leftover of a package that was removed
            continue
        name = name.lower().replace("_", "-")
        packages.setdefault(name, found.version)
        for module in (top or name.replace("-", "_")).split():
            modules.setdefault(module.lower(), found.version)
    return packages, modules


def can_import(name: str) -> bool:
    """Whether there is a module of that name; a mere folder is none."""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    return found is not None and found.origin is not None


def main(names: List[str]) -> None:
    packages, versions = packages_and_modules()
    libc = platform.libc_ver()
    print(
        json.dumps(
            {
                "executable": sys.executable,
                "version": platform.python_version(),
                "prefix": sys.prefix,
                "libc": "-".join(libc),
                "packages": packages,
                "modules": {
                    name: versions.get(name.lower(), "")
                    for name in names
                    if can_import(name)
                },
            }
        )
    )


main(sys.argv[1:])

"""The registry: every framework, environment and language, each in a file of its own.

    frameworks/<Key>.toml        a row of the tables; see entries.Framework for its fields
    environments/<name>/         environment.toml, cpu.in and gpu.in, their locks cpu.txt and gpu.txt,
                                 and perhaps finish.py; see entries.EnvironmentEntry
    languages/<Name>.toml        how a language's notebooks are run; see entries.Language

Folders outside the repository may add the same files, and notebooks/ beside them:
ROSETTA_FRAMEWORKS=/path[:/path].
"""

from support.registry.entries import EnvironmentEntry, Framework, Language
from support.registry.reading import frameworks, languages
from support.registry.selection import nearest, select

__all__ = [
    "EnvironmentEntry",
    "Framework",
    "Language",
    "frameworks",
    "languages",
    "nearest",
    "select",
]

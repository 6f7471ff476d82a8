"""Environments that notebooks run in: made from pins, or installed already and used as they are."""

from support.environments.base import Environment
from support.environments.installed import Installed
from support.environments.pinned import Pinned

__all__ = ["Environment", "Installed", "Pinned"]

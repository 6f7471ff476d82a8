"""Make one pinned environment, in a process of its own: `python -m support.environments.make NAME
VARIANT OUTCOME.json`.

What it has to say goes to standard output. The file gets {} or, if it is not possible, the reason,
the remedy and whether the machine lacks something.
"""

import os
import sys

from common.files import write_json
from support.basics.errors import NotPossible
from support.basics.paths import PRIVATE
from support.basics.processes import end_with
from support.environments.pinned import Pinned
from support.registry.reading import environments


def main(name: str, variant: str, outcome: str) -> None:
    end_with(os.getppid())
    try:
        Pinned(environments()[name], variant).prepare(_say)
    except NotPossible as error:
        details = {"remedy": error.remedy, "lacking": error.lacking}
        write_json(outcome, {"reason": error.reason, **details})
    except OSError as error:
        write_json(outcome, {"reason": f"{PRIVATE}: {error.strerror or error}"})
    else:
        write_json(outcome, {})


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

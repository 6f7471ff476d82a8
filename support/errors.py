"""The two kinds of trouble that are told to the user in one line rather than as a traceback."""


class UsageError(Exception):
    """The command asks for something that does not exist; exit status 2."""


class NotPossible(Exception):
    """This machine lacks something. `mend` is the command or step that would provide it."""

    def __init__(self, reason, mend=""):
        super().__init__(reason)
        self.reason = reason
        self.mend = mend

    def __str__(self):
        return f"{self.reason}; to mend: {self.mend}" if self.mend else self.reason

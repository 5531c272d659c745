"""The one exception for what a user can mend: bad input, said in one line."""


class UserError(Exception):
    """What went wrong, where, and what would have been valid, in one line."""


class Unwritable(UserError):
    """A file can not be written. What was being done can be done again once it can."""


class Unavailable(UserError):
    """Where a job was sent to, it can not be done: no fault of the job."""

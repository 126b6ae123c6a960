"""The commands: a module each, which holds a `click` command of the module's name.

A new command is a new module here and its name in `COMMANDS`; help, README and tests are held to that list.
"""

COMMANDS = (
    "init",
    "check",
    "refresh",
    "rules",
    "audience",
    "report",
    "verify",
    "export",
    "status",
    "runs",
    "rollback",
    "diff",
    "measure",
    "simulate",
    "completion",
)

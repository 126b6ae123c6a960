"""The command line: parse, call the Python API, render, exit.

In: arguments. Out: the result on standard output, as a table or as JSON; progress and errors on standard error; an
exit status that a scheduler can use. All work is left to `segwarehouse.api`; it and everything heavy is imported by
the command that needs it, so that `--help` answers at once.
"""

from segwarehouse.cli.entry import main, program

__all__ = ["main", "program"]

"""`segwarehouse completion`: print what makes a shell complete commands and options."""

import click
from click.shell_completion import get_completion_class

from segwarehouse.cli.options import common_options, example

VARIABLE = "_SEGWAREHOUSE_COMPLETE"
"""Set by the script when it asks this program for completions; click derives the name from that of the program."""


@click.command(
    epilog=example(
        'eval "$(segwarehouse completion bash)"     # in ~/.bashrc; zsh likewise, in ~/.zshrc',
        "segwarehouse completion fish > ~/.config/fish/completions/segwarehouse.fish",
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common_options
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that makes SHELL complete commands, options and files."""
    shape = get_completion_class(shell)
    if shape is None:
        raise click.UsageError(f"click has no completion for {shell}")
    click.echo(shape(context.find_root().command, {}, "segwarehouse", VARIABLE).source())

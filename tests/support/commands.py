"""The commands of `power-edge`, each of which is imported when it is first asked for."""

import click


def commands_of(group: click.Group) -> dict[str, click.Command]:
    """The commands of a group by name, those included that nothing has imported yet."""
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}

"""`tsflow service install|uninstall|show`: letting systemd keep the stack up."""

import click

from tsflow.cli.output import console


@click.group()
def service() -> None:
    """Let systemd keep the stack up, also after a reboot."""


@service.command("install")
def _install() -> None:
    """Write a systemd user unit and start it, now and at each start of this machine."""
    from tsflow.stack import unit
    from tsflow.stations.scheduled import variables_of_sources

    path = unit.install(variables_of_sources())
    console.print(f"written {path}; `systemctl --user status tsflow` shows it, `tsflow service uninstall` removes it", markup=False)
    console.print("so that it starts at boot, before anybody logs in: loginctl enable-linger", markup=False)


@service.command("uninstall")
def _uninstall() -> None:
    """Stop the unit and remove it; data and settings stay."""
    from tsflow.stack import unit

    unit.uninstall()
    console.print("removed; `tsflow up` starts the stack by hand", markup=False)


@service.command("show")
def _show() -> None:
    """Print the unit's file, and change nothing."""
    from tsflow.stack import unit

    click.echo(unit.unit(), nl=False)

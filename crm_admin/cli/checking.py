"""`flask check`: whether the data is whole and every attachment has its file."""

from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from crm_admin.services import attachments, backups, installation


@click.command("check")
@click.option("--contents", is_flag=True, help="Read every attachment, not only its size.")
@click.option("--remove-stray", is_flag=True, help="Remove files that belong to no record.")
@with_appcontext
def command(contents: bool, remove_stray: bool) -> None:
    """Look for damage: in the database, and between attachments and their files."""
    if not backups.is_there():
        raise click.ClickException("There is no database with tables of ours.")
    problems = [f"The database: {fault}" for fault in backups.faults()]
    if installation.version() != installation.newest():
        problems.append("The database is of another version: start the application to upgrade it.")
    found = attachments.inspect(Path(current_app.config["INSTANCE"]), contents=contents)
    problems += [f"Attachment {id}: its file is missing." for id in found.missing]
    problems += [f"Attachment {id}: its file is not as it was." for id in found.damaged]
    for path in found.stray:
        if remove_stray:
            path.unlink(missing_ok=True)
            click.echo(f"Removed {path}, which belonged to no record.")
        else:
            problems.append(f"{path} belongs to no record; --remove-stray removes it.")
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise click.exceptions.Exit(1)
    click.echo("All is well.")

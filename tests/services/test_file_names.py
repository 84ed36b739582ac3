"""Names and kinds of files that people bring."""

import pytest

from crm_admin.errors import Invalid
from crm_admin.services import file_names

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("合同 2026.pdf", "合同 2026.pdf"),
        ("报价单（最终版）.xlsx", "报价单（最终版）.xlsx"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\wang\\合同.docx", "合同.docx"),
        ("a\r\nSet-Cookie: x=1.pdf", "aSet-Cookie_ x=1.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\x00.pdf", "a.pdf"),
        ("a\x1b[31m.pdf", "a[31m.pdf"),
        ('say "hi" <b>?.pdf', "say _hi_ _b__.pdf"),
        ("  two   spaces .pdf ", "two spaces .pdf"),
        ("CON.txt", "_CON.txt"),
        ("lpt1", "_lpt1"),
        ("..", "file"),
        ("", "file"),
        ("/", "file"),
        ("\ud800.pdf", "pdf"),
        ("e\u0301.pdf", "\u00e9.pdf"),
        ("𠮷野家.pdf", "𠮷野家.pdf"),
        (".htaccess", "htaccess"),
    ],
)
def test_a_name_is_made_harmless_and_chinese_stays(given, kept):
    assert file_names.cleaned(given) == kept


@pytest.mark.parametrize(
    "name", ["合" * 400 + ".pdf", "a." + "b" * 400, "." + "x" * 400, "a" * 151]
)
def test_a_long_name_is_cut_and_keeps_its_ending(name):
    cut = file_names.cleaned(name)
    assert len(cut) <= file_names.LONGEST_NAME
    assert cut.endswith(".pdf") == name.endswith(".pdf")


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.pdf", b"%PDF-1.7"),
        ("a.pdf", b"\xef\xbb\xbf%PDF-1.7"),
        ("a.PNG", PNG),
        ("a.jpeg", b"\xff\xd8\xff\xe0"),
        ("a.webp", b"RIFF\x00\x00\x00\x00WEBP"),
        ("a.docx", b"PK\x03\x04"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("a.csv", "客户,电话".encode("gb18030")),
        ("a.txt", b"MZ is how this note begins"),
        ("a.dwg", b"AC1027"),
        ("no ending", b"x"),
        ("page.html", b"<script>alert(1)</script>"),
    ],
)
def test_a_file_that_is_what_it_says_is_taken(name, head):
    file_names.check(name, head)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.pdf", PNG),
        ("a.png", b"%PDF-1.7"),
        ("a.jpg", b"<html>"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("a.webp", b"RIFF\x00\x00\x00\x00WAVE"),
        ("a.pdf", b"MZ\x90\x00\x03\x00"),
        ("setup.exe", b"MZ\x90\x00\x03\x00"),
        ("notes.txt", b"\x7fELF\x02\x01\x01\x00"),
        ("a.txt", b""),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(name, head):
    with pytest.raises(Invalid):
        file_names.check(name, head)

"""Every text is translated, and reads as its readers write."""

import pytest
from babel.messages.catalog import Message

pytest.importorskip("opencc", reason="OpenCC not installed: catalogues are not compared")

from scripts import translations


def test_the_catalogues_are_complete_and_current():
    assert translations.problems() == []


@pytest.mark.parametrize(
    ("simplified", "expected"),
    [
        ("%(name)s 的合同将在 %(day)s 到期。", "%(name)s 的合約將在 %(day)s 到期。"),
        ("用户信息的质量", "使用者資訊的品質"),
        ("账号、密码、邮箱", "帳號、密碼、電子郵件信箱"),
        ("导出到回收站", "匯出到資源回收筒"),
        ("工作台", "工作台"),
        ("皇后在里程碑之后", "皇后在里程碑之後"),
        ("保存字段", "儲存欄位"),
    ],
)
def test_traditional_says_it_as_taiwan_does(simplified, expected):
    assert translations.traditional(simplified) == expected


@pytest.mark.parametrize(
    ("text", "found"),
    [("客戶與聯絡人", ""), ("皇后、公里、台灣、只有", ""), ("客户與联絡人", "户联")],
    ids=["traditional", "characters that both write", "simplified"],
)
def test_simplified_characters_are_found(text, found):
    assert translations.simplified_characters(text) == found


@pytest.mark.parametrize(
    ("text", "translated", "fault"),
    [
        ("Ends on %(day)s", "到期日", "placeholders differ"),
        ("Ends on %(day)s", "%(date)s 到期", "placeholders differ"),
        ("<b>Save</b>", "保存", "placeholders differ"),
        ("Save", "Save", "left in English"),
        ("Save", "", "not translated"),
        ("Save", "儲存", "Traditional characters"),
        ("Save", "保存 ", "spaces around it"),
    ],
)
def test_a_faulty_translation_is_told(text, translated, fault):
    faults = [*translations.faults(Message(text, translated), "zh_Hans_CN")]
    assert any(fault in found for found in faults), faults


@pytest.mark.parametrize("text", ["Excel", "%(name)s (%(code)s)", "CSV", "1–5"])
def test_what_is_no_word_may_stay_as_it_is(text):
    assert [*translations.faults(Message(text, text), "zh_Hans_CN")] == []

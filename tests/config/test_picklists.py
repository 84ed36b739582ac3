"""The vocabularies a new installation starts with."""

import csv
import tomllib
from pathlib import Path

import pytest

from crm_admin.models.base import Model
from crm_admin.services import picklists
from scripts import translations

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "config" / "picklists").glob("*.toml"))
LANGUAGES = ("en", "zh_hans", "zh_hant")
COLOURS = {"", "ok", "warn", "bad", "inf", "mut"}
MAVEN = ROOT.parent / "shared" / "data" / "maven-crm" / "accounts.csv"


def read(file):
    return tomllib.loads(file.read_text(encoding="utf-8"))


def test_every_picklist_that_a_column_names_is_shipped():
    named = {
        column.info["picklist"]
        for mapper in Model.registry.mappers
        for column in mapper.columns
        if column.info.get("picklist")
    }
    assert named == {file.stem for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_every_choice_has_one_code_a_name_in_each_language_and_a_known_colour(file):
    content = read(file)
    codes = [item["code"] for item in content["items"]]
    assert len(codes) == len(set(codes))
    for row in [content["label"], *content["items"]]:
        assert all(row[language] for language in LANGUAGES)
        assert row.get("colour", "") in COLOURS
    for language in LANGUAGES:
        names = [item[language] for item in content["items"]]
        assert len(names) == len(set(names)), "two choices that read the same cannot be imported"


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_each_chinese_name_is_written_as_its_readers_write(file):
    content = read(file)
    for row in [content["label"], *content["items"]]:
        assert not [*translations.wrong_characters(row["zh_hans"], "zh_Hans_CN")]
        assert not [*translations.wrong_characters(row["zh_hant"], "zh_Hant_TW")]


def test_a_choice_is_found_by_its_name_in_any_language(app):
    for text in ("software", "Software", "软件", "軟體"):
        assert picklists.code_of("industries", text) == "software"


def test_a_sector_of_an_imported_file_is_a_choice_unless_it_is_misspelt(app):
    if not MAVEN.exists():
        pytest.skip(f"{MAVEN} is not here")
    with MAVEN.open(encoding="utf-8") as lines:
        sectors = {row["sector"] for row in csv.DictReader(lines)}
    unknown = {sector for sector in sectors if picklists.code_of("industries", sector) is None}
    assert unknown == {"technolgy"}

"""Every template can be read, and every one that a screen names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted(
    p.relative_to(ROOT / "templates").as_posix() for p in ROOT.glob("templates/**/*.html")
)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_can_be_read(site, name):
    assert site.jinja_env.get_template(name)


def test_every_template_that_is_named_is_there():
    named = re.compile(r"""["']([\w/]+\.html)["']""")
    missing = [
        (path.relative_to(ROOT).as_posix(), name)
        for path in [*ROOT.glob("crm_admin/**/*.py"), *ROOT.glob("templates/**/*.html")]
        for name in named.findall(path.read_text(encoding="utf-8"))
        if name not in TEMPLATES
    ]
    assert missing == []

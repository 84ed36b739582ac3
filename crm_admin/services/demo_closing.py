"""How demo interactions were closed: mostly the same day, some late, a few not yet."""

from dataclasses import dataclass
from random import Random

from crm_admin.models.interactions import MEETING
from crm_admin.services.demo_customers import Profile, Row
from crm_admin.services.demo_words import Calendar

#: The company has closed what it writes down for so many days; what is older nobody closed.
CLOSING_SINCE = 365
#: What is written where nothing is to follow, by language.
NOTHING = {"hans": "无", "hant": "無", "en": "None"}
#: What stands where its author had nothing to say at first: place and effect.
REST = {
    "hans": ("电话", "已沟通，客户知悉。"),
    "hant": ("電話", "已溝通，客戶知悉。"),
    "en": ("By phone", "Talked it over; they know."),
}
_NEEDED = ("contact_id", "kind", "place", "effect")


@dataclass
class Closer:
    """Closes interactions in the company's own way."""

    calendar: Calendar
    system_id: int

    def close(self, random: Random, row: Row, days: int, profile: Profile) -> None:
        """Close an interaction of so many days ago, if it was closed."""
        chance = random.random()
        if row["kind"] == MEETING:
            self._attend(row)
        if days > CLOSING_SINCE:
            return
        row["written_on"] = self.calendar.before(days)
        if chance < (0.5 if days == 1 else 0.06 if days < 6 else 0):
            return
        if chance < 0.96:
            self._complete(random, row, days, profile)
        planned = row["next_step"] == NOTHING[profile.language] or row.get("next_step_on")
        complete = planned and all(row[key] is not None for key in _NEEDED)
        if not complete:  # the system did, at midnight
            row |= {"late": True, "closed_by_id": self.system_id}
            row["closed_at"] = self.calendar.moment(days - 1, 5)
            return
        late = chance > 0.9 and days > 1
        after = self.calendar.moment(days - 1 if late else days, 540 + int(180 * chance))
        evening = self.calendar.moment(days, 1080 + int(300 * chance))
        row |= {"late": late, "closed_by_id": row["author_id"]}
        row["closed_at"] = after if late else evening
        row["updated_at"] = row["closed_at"]

    def _complete(self, random: Random, row: Row, days: int, profile: Profile) -> None:
        """Fill in what its author had to fill in to close it."""
        language = profile.language
        if row["contact_id"] is None and profile.contacts:
            row["contact_id"] = profile.contacts[0]["id"]
        row["kind"] = row["kind"] or "call"
        row["place"] = row["place"] or REST[language][0]
        row["effect"] = row["effect"] or REST[language][1]
        row["next_step"] = row["next_step"] or NOTHING[language]
        if row["next_step"] != NOTHING[language]:
            row["next_step_on"] = self.calendar.before(days - 2 - int(20 * random.random()))

    @staticmethod
    def _attend(row: Row) -> None:
        row["colleagues"] = [row["author_id"]]
        row["guests"] = [row["contact_id"]] if row["contact_id"] else []

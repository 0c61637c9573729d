"""The sample organisation is complete, consistent and in both languages."""

import re

from welink_desktop.core.resources import resource
from welink_desktop.evaluation.colleagues.history import TABLES, table
from welink_desktop.evaluation.sample import HOME, department_path, localpart_of_name, sample

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_organisation_is_large_enough() -> None:
    organisation = sample()
    inside = [person for person in organisation.people.values() if not person.external]
    assert len(inside) >= 24
    assert len(organisation.departments) >= 5
    assert len(organisation.rooms) >= 8


def test_departments_form_one_nested_tree() -> None:
    departments = sample().departments
    assert [each.key for each in departments if not each.parent] == ["hospital"]
    assert max(len(department_path(each.key, departments)) for each in departments) >= 4


def test_everybody_has_a_unique_account_and_staff_number() -> None:
    people = sample().people.values()
    assert len({person.localpart for person in people}) == len(people)
    numbers = [person.staff_number for person in people if person.staff_number]
    assert len(set(numbers)) == len(numbers) == len([person for person in people if not person.external])
    assert all(re.fullmatch(r"[a-z.]+", person.localpart) for person in people)


def test_managers_exist_and_pictures_are_there() -> None:
    organisation = sample()
    for person in organisation.people.values():
        assert not person.manager or person.manager in organisation.people
        for picture in (person.avatar, person.camera):
            assert not picture or resource("people", picture).is_file()


def test_conversations_are_in_both_languages_with_pictures_and_files() -> None:
    lines = [line for room in sample().rooms for line in room.lines]
    assert sum(bool(CHINESE.search(line.text)) for line in lines) >= 30
    assert sum(line.text.isascii() and bool(line.text) for line in lines) >= 15
    assert sum(bool(line.picture) for line in lines) >= 2
    assert {line.file[1] for line in lines if line.file[1]} == set(TABLES)
    assert all(resource("sample", "pictures", f"{line.picture}.svg").is_file() for line in lines if line.picture)
    assert all(line.reply is None or line.reply < len(room.lines) for room in sample().rooms for line in room.lines)


def test_partner_people_are_external() -> None:
    organisation = sample()
    external = {person.organisation for person in organisation.people.values() if person.external}
    assert "Northbridge Engineering" in external
    assert HOME not in external


def test_person_of_a_matrix_id() -> None:
    organisation = sample()
    person = organisation.person_of(organisation.user_id("song"))
    assert person is not None
    assert person.name == "宋予安"
    assert organisation.person_of("@nobody:yunshan.example") is None


def test_names_become_plain_accounts() -> None:
    assert localpart_of_name("Tomás Ibarra") == "tomas.ibarra"
    assert localpart_of_name("Song Yu’an") == "song.yuan"


def test_sample_files_are_tables() -> None:
    assert table("points").splitlines()[0] == "编号,位置,类型,状态"

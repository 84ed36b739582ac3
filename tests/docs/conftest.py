"""The files under example/ belong to a copy of the project that test_adding_an_entity.py makes."""

collect_ignore = ["example"]

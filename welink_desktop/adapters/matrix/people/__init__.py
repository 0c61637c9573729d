"""People and the organisation (matrix.md §4, §5): profiles, local index with pinyin, the department tree.

`directory.PeopleDirectory` implements `core.ports.people.People`. `spoken`, `index`, `profile` and `tree` are pure.
"""

"""Edits of programs: from uses of an API and rules to changes that can be shown, done and undone.

`rules` reads what is to become what, `planner` makes changes of one text, `project` does it to
files, `store` undoes it. Nothing is written that does not parse.
"""

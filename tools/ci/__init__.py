"""The steps of the workflows in .github/workflows/ that are more than one command.

`make ci-NAME` runs the module of that name. A step reads its input from the environment: no shell
ever reads an input, a title or the name of a branch.
"""

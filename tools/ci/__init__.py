"""The steps of the workflows in .github/workflows/ that are more than one command.

`make ci-NAME` runs the module of that name. What a step is told comes by the environment: no shell
ever reads an input, a title or the name of a branch.
"""

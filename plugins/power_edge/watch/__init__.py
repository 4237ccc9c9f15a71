"""Watch nodes: notice what may have changed, and judge again the items that it can have changed.

A source (`sources/`) reports events. `affected` turns an event into items, `settle` waits until a
burst is over, `node` lets these items be judged and records what became of them.
"""

"""Watch nodes: notice what may have changed, and judge again the items that it can have changed.

A source (`sources/`) reports events. `affected` turns an event into items, `debounce` waits until a
burst is over, `node` lets these items be judged and records what became of them.

Sources also report acts: who did something (`cause`). `attribution` decides whether an act, or
what the machine itself keeps (`machine_records`), is the cause of a transition. `attach` hands the
transition on with it.
"""

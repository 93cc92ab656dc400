"""``json.*`` and ``jevt.*`` (its older name): any place of an event that is JSON, by JSON pointer."""

from seawall.run.events.fields.model import table

FIELDS = table("""
json.value     string   !   the value at a JSON pointer, such as /user/username
json.obj       string   -   the whole event as text
json.rawtime   string   -   time of the event, nanoseconds since 1970
jevt.value     string   !   the value at a JSON pointer; older name of json.value
jevt.obj       string   -   the whole event as text; older name of json.obj
jevt.rawtime   string   -   time of the event, nanoseconds since 1970; older name of json.rawtime
""")

"""``fs.path.*``: the paths in the arguments of a call on files."""

from seawall.run.events.fields.model import table

FIELDS = table("""
fs.path.name          string    -   the path, made absolute
fs.path.nameraw       string    -   the path as the call gave it
fs.path.source        string    -   where something is moved, copied or linked from, made absolute
fs.path.sourceraw     string    -   the same as the call gave it
fs.path.target        string    -   where it is moved, copied or linked to, made absolute
fs.path.targetraw     string    -   the same as the call gave it
""")

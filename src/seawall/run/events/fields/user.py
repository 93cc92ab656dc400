"""``user.*`` and ``group.*``: who runs the process."""

from seawall.run.events.fields.model import table

FIELDS = table("""
user.uid              uint      -   user id
user.name             string    -   user name
user.homedir          string    -   home directory
user.shell            string    -   login shell
user.loginuid         int       -   user id at login; -1 where nobody logged in
user.loginname        string    -   user name at login
group.gid             uint      -   group id
group.name            string    -   group name
""")

"""Detection: one rule language over every source of events, and its engines.

* ``language``: rule files to compiled rules, with every error and warning.
* ``engine``: rules over events, by columns or row by row, to alerts.
* ``rules``: the rules that come with Seawall.
* ``audit_policy``: which rules are blind under an audit policy.
* ``history``: the same rules over stored events; ``sigma``: rules of others.

    rules = compile_rules([RuleFile("rules.yaml", text)])
    for message in rules.errors:
        print(message.file, message.line, message.message)
"""

"""System-call events as Falco and sysdig print them: one JSON object a line, its keys the names of fields.

``source`` looks fields up; ``derive`` computes those that an event lacks from others that it has.
"""

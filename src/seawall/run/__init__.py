"""The third phase: what happens in a running cluster. Built so far: the events of audit logs and system calls (``events``), and detection on them
(``detect``)."""

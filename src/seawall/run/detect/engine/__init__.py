"""The engines of detection: rules and events in, alerts out.

``Detector(rules, source).judge(batch)`` is what everything uses. It evaluates rules over columns: every comparison once for each *distinct* value,
combined by numpy over the rows that are still in question. ``rows.matches(condition, get)`` says the same of one event, plainly; both stand on
``comparison``, and the tests hold them against each other.

    comparison, patterns, operands   one comparison on one value
    rows                             a condition on one event
    columns, plan, columnar          conditions on a batch of events
    extensions, state                what Falco's language lacks: windows, sequences, first-time-seen
    output, alert, noise             from a matching row to what is printed
    detector                         all of it together
"""

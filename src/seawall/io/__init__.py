"""The outside world: sources are read here, reports are rendered here. One interface, one file per implementation."""

"""What others publish about vulnerabilities, one file per format: bytes in, records out.

Each module has ``read(path, data)``: it yields :data:`~seawall.build.advisories.model.Record` for what it understands and a
:class:`~seawall.build.advisories.model.FeedProblem` for what it does not, and it never raises for what is in the data. ``path`` is only told
back, and read where a format says something by the place of a file. :mod:`recognise` tells which module a file is for, :mod:`files` finds the
files, in directories and in archives.
"""

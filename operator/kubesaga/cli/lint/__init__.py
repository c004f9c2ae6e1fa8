"""What is wrong with manifests, before any cluster sees them: the operator's own findings, with file, line and column.

``documents`` reads files and knows where each field stands, ``single`` checks one object, ``across`` what several say
of each other, ``report`` shows the problems in the formats that people and CI services read. Called by the command
``lint``.
"""

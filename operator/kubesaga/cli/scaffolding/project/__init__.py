"""The files of a new project, as `init` writes them: `__PACKAGE__` and the like stand for names.

They end in `.tmpl`, so that no tool takes them for code of this one; `scaffolding.new_project` reads them.
"""

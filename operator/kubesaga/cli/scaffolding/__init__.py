"""What `init` and `generate` write: projects, handlers, tests, templates and types. Pure but for `files`."""

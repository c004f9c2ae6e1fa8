"""The command line: ``kubesaga``, found by kubectl as ``kubectl saga``.

``main`` runs it and turns every error into one line and an exit code; ``commands`` has a module for each topic. What
talks to a cluster stands on ``kubesaga.client``, what runs a workflow here on ``kubesaga.local``. A module of this
package imports nothing heavy at its top, so that help and completion answer at once.
"""

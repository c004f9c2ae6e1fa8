"""`python -m hack.cluster`: the test cluster's commands."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator, Sequence

from hack.cluster import providers
from hack.cluster.errors import ClusterError
from hack.cluster.images import PROJECT_IMAGES
from hack.cluster.local import COMPONENTS
from hack.cluster.paths import Paths

DESCRIPTION = """\
One real Kubernetes for development and tests.

providers:
  kind     a cluster in Docker; the default where a Docker engine answers
  local    Kubernetes built from its Go modules, in namespaces of this machine; the default elsewhere
  current  the cluster that your own kubeconfig points at; only when named

Everything is kept under .cache/ of the checkout, or $KUBESAGA_CACHE.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    formatter = argparse.RawDescriptionHelpFormatter
    root = argparse.ArgumentParser("python -m hack.cluster", description=DESCRIPTION, formatter_class=formatter)
    names = ", ".join(providers.NAMES)
    root.add_argument("--provider", choices=providers.NAMES, help=f"one of {names}; default: the one that is up")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="bring the cluster up; an answering one is left alone")
    commands.add_parser("down", help="take the cluster down and remove all that it left")
    load = commands.add_parser("load", help="build the project's images where they changed, and load them")
    load.add_argument("images", nargs="*", metavar="IMAGE", help=f"default: {', '.join(PROJECT_IMAGES)}")
    key = commands.add_parser("image-key", help="print what changes whenever an image of the project does")
    key.add_argument("image", metavar="IMAGE", choices=PROJECT_IMAGES)
    commands.add_parser("kubeconfig", help="print the path of the cluster's kubeconfig")
    commands.add_parser("audit-log", help="print the path of the API server's audit log (provider local)")
    commands.add_parser("status", help="say what runs")
    for name, effect in (("restart", "end a component in order and start it again"), ("kill", "end one by SIGKILL")):
        command = commands.add_parser(name, help=effect)
        command.add_argument("component", metavar="COMPONENT", help=", ".join(COMPONENTS))
    killed = commands.add_parser("kill-container", help="end a pod's container by SIGKILL")
    killed.add_argument("container", metavar="ID", help="as in the pod's status, without containerd://")
    inside = commands.add_parser("on-node", help="run a command where the node's processes and its network are")
    inside.add_argument("words", nargs=argparse.REMAINDER, metavar="WORD", help="the command and its arguments")
    return root


def run(arguments: argparse.Namespace, paths: Paths) -> None:
    """Do what the command line says."""
    provider = providers.choose(arguments.provider, paths)
    match arguments.command:
        case "up":
            provider.up()
        case "down":
            provider.down()
        case "load":
            provider.load(arguments.images or PROJECT_IMAGES)
        case "image-key":
            print(provider.images.key(arguments.image))
        case "kubeconfig":
            print(provider.kubeconfig())
        case "audit-log":
            print(provider.audit_log())
        case "status":
            print(provider.status())
        case "restart":
            provider.restart(arguments.component)
        case "kill":
            provider.kill(arguments.component)
        case "kill-container":
            provider.kill_container(arguments.container)
        case "on-node":
            print(provider.on_node(*arguments.words), end="")


@contextlib.contextmanager
def exclusive(paths: Paths) -> Iterator[None]:
    """Let one command at a time change the cluster of a cache; others wait."""
    paths.cache.mkdir(parents=True, exist_ok=True)
    folder = os.open(paths.cache, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def main(words: Sequence[str]) -> int:
    """Run one command; returns the process's exit status."""
    arguments = parser().parse_args(words)
    paths = Paths.from_environment()
    changes = arguments.command in {"up", "down", "load", "restart", "kill"}
    try:
        with exclusive(paths) if changes else contextlib.nullcontext():
            run(arguments, paths)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

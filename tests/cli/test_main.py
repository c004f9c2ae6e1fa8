"""The command as a process: names, help, errors in one line, exit codes, signals, readers that go."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from kubesaga import __version__
from kubesaga.cli import __main__ as program
from kubesaga.cli import main as module
from kubesaga.cli.errors import CliError
from kubesaga.cli.exits import MEANINGS, ExitCode, of_outcome
from kubesaga.cli.main import main, new_app
from kubesaga.engine.vocabulary import TaskOutcome

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 60
HEAVY = (
    "asyncio", "kubernetes", "aiohttp", "kopf", "rich", "yaml", "kubesaga.api.models", "kubesaga.client",
    "kubesaga.local",
)  # fmt: skip

Capture = pytest.CaptureFixture[str]


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A Python of its own that runs this code."""
    paths = os.pathsep.join(str(ROOT / each) for each in ("operator", "handlers_image"))
    return subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths, **environment},
        cwd=ROOT,
    )


def every_command(group: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """The words of every command below a group."""
    for name, command in getattr(group, "commands", {}).items():
        yield (*path, name)
        yield from every_command(command, *path, name)


COMMANDS = list(every_command(typer.main.get_command(new_app())))


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replaces all commands by one, ``fail``, that does what it is given."""

    def replace(error: BaseException) -> None:
        def fail() -> None:
            raise error

        def app_with_it() -> typer.Typer:
            app = typer.Typer(rich_markup_mode=None)
            app.callback()(lambda: None)
            app.command("fail")(fail)
            return app

        monkeypatch.setattr(module, "new_app", app_with_it)

    return replace


def test_alone_it_prints_its_help(capsys: Capture) -> None:
    assert main([]) == ExitCode.DONE
    assert "Usage: kubesaga" in capsys.readouterr().out


def test_it_tells_its_version(capsys: Capture) -> None:
    assert main(["--version"]) == ExitCode.DONE
    assert capsys.readouterr().out == f"kubesaga {__version__}\n"


def test_found_by_kubectl_it_calls_itself_as_one_types_it(capsys: Capture) -> None:
    assert main(["lint", "--help"], program="kubectl-saga") == ExitCode.DONE
    assert "Usage: kubectl saga lint" in capsys.readouterr().out


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_that_begins_with_a_short_sentence(words: tuple[str, ...], capsys: Capture) -> None:
    assert main([*words, "--help"]) == ExitCode.DONE
    usage, _, about = capsys.readouterr().out.partition("\n\n")
    assert usage.startswith(f"Usage: kubesaga {' '.join(words)}")
    assert about.strip().partition("\n")[0]


def test_a_command_that_does_not_exist_gets_the_name_that_was_meant(capsys: Capture) -> None:
    assert main(["lnt"]) == ExitCode.USAGE
    assert capsys.readouterr().err == "error: kubesaga has no command 'lnt'\nhint: did you mean lint?\n"


def test_a_command_like_no_other_gets_the_way_to_the_list(capsys: Capture) -> None:
    assert main(["xyzzy"], program="kubectl-saga") == ExitCode.USAGE
    assert "hint: see: kubectl saga --help" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lint", "--strct", "."], "--strict"),
        (["graph"], "TEMPLATE"),
        (["graph", "a.yaml", "-o", "png"], "png"),
        (["graph", "a.yaml", "b.yaml"], "b.yaml"),
        (["--bogus"], "--bogus"),
    ],
)
def test_wrong_usage_is_an_error_and_a_hint(arguments: list[str], said: str, capsys: Capture) -> None:
    assert main(arguments) == ExitCode.USAGE
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["error", "hint"]
    assert said in " ".join(lines)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--kubeconfig", "/nowhere", "-n", "shop", "list"],
        ["-nshop", "--kubeconfig=/nowhere", "list", "-o", "name"],
        ["-n", "shop", "templates", "list", "--kubeconfig", "/nowhere"],
        ["--kubeconfig=/nowhere", "get", "--", "order-1"],
    ],
)
def test_the_options_of_the_cluster_may_stand_before_the_command(arguments: list[str], capsys: Capture) -> None:
    assert main(arguments) == ExitCode.USAGE
    assert capsys.readouterr().err.startswith("error: there is no kubeconfig at /nowhere\n")


@pytest.mark.parametrize("arguments", [["-n", "shop"], ["-n"], ["-n", "shop", "lint", "."]])
def test_options_of_the_cluster_need_a_command_that_takes_them(arguments: list[str], capsys: Capture) -> None:
    assert main(arguments) == ExitCode.USAGE
    assert "-n" in capsys.readouterr().err


def test_a_namespace_that_can_be_none_is_wrong_usage(tmp_path: Path, capsys: Capture) -> None:
    config = tmp_path / "config"
    config.write_text(
        "{current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], "
        "clusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}], users: [{name: a, user: {}}]}"
    )
    assert main(["list", "-n", "Bad_NS", "--kubeconfig", str(config)]) == ExitCode.USAGE
    assert "'Bad_NS' is no name of a namespace" in capsys.readouterr().err


def test_an_expected_error_has_no_traceback_unless_asked_for(failing: Any, capsys: Capture) -> None:
    failing(CliError("no Task order-1", "see: kubesaga list", ExitCode.NOT_FOUND))
    assert main(["fail"]) == ExitCode.NOT_FOUND
    assert capsys.readouterr().err == "error: no Task order-1\nhint: see: kubesaga list\n"
    assert main(["fail", "--debug"]) == ExitCode.NOT_FOUND
    assert "Traceback" in capsys.readouterr().err


def test_a_bug_asks_for_the_traceback_and_has_a_code_of_its_own(failing: Any, capsys: Capture) -> None:
    failing(KeyError("oops"))
    assert main(["fail"]) == ExitCode.BUG
    said = capsys.readouterr().err
    assert "KeyError: 'oops'" in said
    assert "--debug" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
        (typer.Abort(), ExitCode.INTERRUPTED),
        (typer.Exit(ExitCode.COMPENSATED), ExitCode.COMPENSATED),
        (PermissionError(13, "Permission denied", "orders.yaml"), ExitCode.USAGE),
        (OSError(errno.ENOSPC, "No space left on device"), ExitCode.USAGE),
    ],
)
def test_what_ends_a_command_has_its_code(error: BaseException, code: ExitCode, failing: Any, capsys: Capture) -> None:
    failing(error)
    assert main(["fail"]) == code
    assert "Traceback" not in capsys.readouterr().err


def test_what_would_steer_the_terminal_is_not_printed(failing: Any, capsys: Capture) -> None:
    failing(CliError("no \x1b[31mTask\nred"))
    main(["fail"])
    assert capsys.readouterr().err == "error: no \N{REPLACEMENT CHARACTER}[31mTask red\n"


def test_debug_after_two_dashes_is_an_argument(capsys: Capture) -> None:
    assert main(["lint", "--", "--debug"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "error: --debug: there is no such file" in said
    assert "Traceback" not in said


def test_ctrl_c_while_the_program_is_loaded_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    class CtrlC:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "kubesaga.cli.main":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "kubesaga.cli.main")
    monkeypatch.setattr(sys, "meta_path", [CtrlC(), *sys.meta_path])
    assert program.main() == ExitCode.INTERRUPTED
    assert capsys.readouterr().err == "interrupted\n"


def test_a_reader_who_has_gone_ends_it_quietly() -> None:
    code = (
        "import sys; from kubesaga.cli.main import main; sys.exit(main(['lint', 'tests/corpus/invalid', '-o', 'json']))"
    )
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, stdout=writing, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    os.close(writing)
    assert ended.returncode == ExitCode.BROKEN_PIPE
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr


@pytest.mark.parametrize(("encoding", "branch"), [("utf-8", "─"), ("latin-1", "?")])
def test_what_the_outputs_encoding_does_not_have_is_replaced(encoding: str, branch: str) -> None:
    code = (
        "from kubesaga.cli.main import main; from kubesaga.cli import output; import typer\n"
        "from kubesaga.cli import main as m\n"
        "app = typer.Typer(); app.callback()(lambda: None)\n"
        "app.command('show')(lambda: (print('─ü'), output.print_json('─ü'), output.print_yaml('─ü')))\n"
        "m.new_app = lambda: app\n"
        "raise SystemExit(main(['show']))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        encoding=encoding,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        cwd=ROOT,
    )
    assert ended.returncode == ExitCode.DONE, ended.stderr
    text, as_json, as_yaml, *_ = ended.stdout.splitlines()
    assert text == f"{branch}ü"
    assert json.loads(as_json) == yaml.safe_load(as_yaml) == "─ü"


def test_a_closed_output_is_no_fault() -> None:
    command = f"{sys.executable} -m kubesaga.cli --version >&-"
    ended = subprocess.run(["sh", "-c", command], check=False, capture_output=True, text=True, cwd=ROOT)
    assert (ended.returncode, ended.stderr) == (ExitCode.DONE, "")


def test_ctrl_c_ends_it_with_a_word(tmp_path: Path) -> None:
    pipe = tmp_path / "template.yaml"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [sys.executable, "-m", "kubesaga.cli", "graph", str(pipe)], stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    with pipe.open("w"):  # Returns when the command reads.
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=WAIT_SECONDS)
    assert (process.returncode, said) == (ExitCode.INTERRUPTED, "interrupted\n")


def test_it_runs_as_a_module() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "kubesaga.cli", "--version"], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert (ended.returncode, ended.stdout) == (0, f"kubesaga {__version__}\n")


# typer itself reads options with pydantic, but not for the root's help.
@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [(["--help"], ("pydantic", *HEAVY)), (["--version"], HEAVY), (["lint", "--help"], HEAVY), (["xyzzy"], HEAVY)],
)
def test_help_loads_nothing_heavy(arguments: list[str], heavy: tuple[str, ...]) -> None:
    ended = python(
        "import sys; from kubesaga.cli.main import main\n"
        f"main({arguments})\n"
        f"print('loaded:', [name for name in {heavy} if name in sys.modules])"
    )
    assert ended.stdout.splitlines()[-1] == "loaded: []"


def test_the_shell_completes_commands() -> None:
    code = "import sys; from kubesaga.cli.main import main; sys.exit(main([], program='kubesaga'))"
    ended = python(code, _KUBESAGA_COMPLETE="complete_bash", COMP_WORDS="kubesaga lin", COMP_CWORD="1")
    assert ended.stdout.split() == ["lint"]


@pytest.mark.parametrize("program", ["kubesaga", "kubectl-saga"])
def test_the_script_for_completion_names_the_file_that_runs(program: str) -> None:
    code = f"from kubesaga.cli.main import main; main(['--show-completion', 'bash'], program={program!r})"
    script = python(code).stdout
    assert script.strip().endswith(f" {program}")


@pytest.mark.parametrize(
    ("words", "candidates"),
    [
        (["graph", "--te"], ["--template\tWhich one, if the file has several.", ":4"]),
        (["templates", "s"], ["show\tShow one template on a page.", ":4"]),
        (["graph", ""], [":0"]),
        (["graph", "it's"], [":0"]),
    ],
)
def test_kubectl_completes_words_too(words: list[str], candidates: list[str]) -> None:
    ended = python(f"import sys; from kubesaga.cli.kubectl_completion import main; sys.exit(main({words}))")
    assert (ended.returncode, ended.stdout.splitlines()) == (0, candidates)


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(ExitCode)


def test_every_outcome_has_an_exit_code() -> None:
    good = {TaskOutcome.SUCCEEDED, TaskOutcome.PARTIALLY_SUCCEEDED, TaskOutcome.RESOLVED_MANUALLY}
    assert {outcome for outcome in TaskOutcome if of_outcome(outcome) is ExitCode.DONE} == good

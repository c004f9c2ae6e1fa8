"""Settings: flags win over variables, and what is wrong is explained where it was said."""

from __future__ import annotations

import pytest

from kubesaga.runtime.settings import PREFIX, OperatorSettings


def parse(*arguments: str, **variables: str) -> OperatorSettings:
    return OperatorSettings.parse(arguments, {PREFIX + name: value for name, value in variables.items()})


def test_without_any_input_there_are_working_defaults() -> None:
    settings = parse()
    assert settings.namespaces == ()
    assert settings.lease_name == "kubesaga-operator"
    assert (settings.workers, settings.resync_interval, settings.job_retention) == (8, 300.0, 3600.0)
    assert (settings.health_port, settings.log_format, settings.log_level) == (8080, "json", "info")
    assert (settings.revision_retention, settings.max_running_tasks) == (3600.0, 0)
    assert (settings.environment, settings.default_image, settings.kubeconfig) == (None, None, None)


def test_variables_set_everything_that_flags_set() -> None:
    by_variable = parse(
        NAMESPACES="shop, lab,shop",
        LEASE_NAMESPACE="ops",
        LEASE_NAME="leader.shop",
        IDENTITY="pod-0",
        WORKERS="4",
        RESYNC_INTERVAL="60",
        JOB_RETENTION="120",
        REVISION_RETENTION="90",
        MAX_RUNNING_TASKS="7",
        ENVIRONMENT="production",
        DEFAULT_IMAGE="handlers:dev",
        HEALTH_PORT="0",
        LOG_FORMAT="text",
        LOG_LEVEL="debug",
        KUBECONFIG="here",
    )
    by_flag = parse(
        *("--namespaces", "shop,lab", "--lease-namespace", "ops", "--lease-name", "leader.shop"),
        *("--identity", "pod-0", "--workers", "4", "--resync-interval", "60", "--job-retention", "120"),
        *("--revision-retention", "90", "--max-running-tasks", "7", "--environment", "production"),
        *("--default-image", "handlers:dev", "--health-port", "0", "--log-format", "text"),
        *("--log-level", "DEBUG", "--kubeconfig", "here"),
    )
    assert by_variable == by_flag
    assert by_flag.namespaces == ("shop", "lab")


def test_a_flag_wins_over_its_variable_and_an_empty_variable_is_none() -> None:
    assert parse("--workers", "2", WORKERS="9").workers == 2
    assert parse(WORKERS="").workers == 8
    assert parse(NAMESPACES="").namespaces == ()


def test_two_processes_of_one_host_have_different_identities() -> None:
    assert parse().identity != parse().identity


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (["--workers", "0"], {}, "argument --workers: '0' is not a whole number of at least 1"),
        ([], {"WORKERS": "many"}, "KUBESAGA_OPERATOR_WORKERS: 'many' is not a whole number"),
        ([], {"RESYNC_INTERVAL": "5m"}, "KUBESAGA_OPERATOR_RESYNC_INTERVAL: '5m' is not a number"),
        (["--job-retention", "0"], {}, "argument --job-retention: '0' is not a number of at least 120"),
        (["--job-retention", "inf"], {}, "argument --job-retention: 'inf' is not a number"),
        (["--job-retention", "nan"], {}, "argument --job-retention: 'nan' is not a number"),
        (["--namespaces", "a,B"], {}, "argument --namespaces: 'B' is no namespace's name"),
        (["--lease-name", "a..b"], {}, "argument --lease-name: 'a..b' is no object's name"),
        (["--health-port", "70000"], {}, "argument --health-port: '70000' is no port"),
        ([], {"LOG_LEVEL": "loud"}, "LOG_LEVEL: 'loud' is not one of debug, info, warning, error"),
        (["--max-running-tasks", "-1"], {}, "argument --max-running-tasks: '-1' is not a whole number of at least 0"),
        ([], {"ENVIRONMENT": "Prod"}, "ENVIRONMENT: 'Prod' is no environment's name: at most 63 lower-case letters"),
        (["--log-format=xml"], {}, "argument --log-format: 'xml' is not one of json, text"),
        (["--identity", " "], {}, "argument --identity: must not be empty"),
        (["--worker", "3"], {}, "unrecognized arguments: --worker 3"),
    ],
)
def test_bad_input_names_the_option_or_variable_and_exits_with_2(
    arguments: list[str], variables: dict[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        parse(*arguments, **variables)
    assert end.value.code == 2
    assert said in capsys.readouterr().err


def test_help_names_every_option_and_the_variables(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parse("--help")
    assert end.value.code == 0
    text = capsys.readouterr().out
    for field in OperatorSettings.__dataclass_fields__:
        assert f"--{field.replace('_', '-')} " in text
    assert "KUBESAGA_OPERATOR_LEASE_NAME" in text

"""What is wrong with the lists that Kubernetes reads: names that appear twice, volumes that are not there."""

from __future__ import annotations

from collections.abc import Iterator

from kubesaga.api.constants import INPUT_PATH, INPUT_VOLUME, TMP_PATH, TMP_VOLUME
from kubesaga.api.findings.finding import Code, Finding, did_you_mean, finding, listed
from kubesaga.api.findings.raw import Raw, all_steps, an_object, objects

_OWN_TMP = "every step has a writable /tmp of its own: remove it, or choose another name and path"
_OWN_INPUT = "a step finds a large input there: choose another name and path"
_RESERVED_VOLUMES = {TMP_VOLUME: _OWN_TMP, INPUT_VOLUME: _OWN_INPUT}
_RESERVED_PATHS = {TMP_PATH: _OWN_TMP, INPUT_PATH: _OWN_INPUT}


def pod_findings(spec: Raw, path: str) -> list[Finding]:
    """Findings about env, volumes, volumeMounts and imagePullSecrets, in the defaults and in every step."""
    defaults = an_object(spec, "defaults")
    found = [*_own_lists(defaults, f"{path}.defaults")]
    general = _volume_names(defaults)
    # A default mount may rely on a volume that every step declares for itself.
    volumes_of_all = [general | _volume_names(step) for _, _, step in all_steps(spec, path)] or [general]
    found += _mounts(defaults, f"{path}.defaults", set.intersection(*volumes_of_all))
    for where, _, step in all_steps(spec, path):
        found += _own_lists(step, where)
        compensation = an_object(step, "compensation")
        for owner, place in ((step, where), (compensation, f"{where}.compensation")):
            for key in ("handler", "container"):
                program = an_object(owner, key)
                found += _duplicates(program, "env", "name", f"{place}.{key}")
                found += _duplicates(program, "volumeMounts", "mountPath", f"{place}.{key}")
                found += _mounts(program, f"{place}.{key}", general | _volume_names(step))
    return found


def _own_lists(owner: Raw, path: str) -> Iterator[Finding]:
    pod = an_object(owner, "pod")
    yield from _duplicates(owner, "env", "name", path)
    yield from _duplicates(owner, "volumeMounts", "mountPath", path)
    yield from _duplicates(pod, "imagePullSecrets", "name", f"{path}.pod")
    yield from _duplicates(pod, "volumes", "name", f"{path}.pod")
    for i, volume in objects(pod, "volumes"):
        name, where = volume.get("name"), f"{path}.pod.volumes[{i}].name"
        if isinstance(name, str) and name in _RESERVED_VOLUMES:
            message = f"{name!r} is the operator's own volume"
            yield finding(Code.RESERVED_VOLUME, where, message, _RESERVED_VOLUMES[name])


def _duplicates(owner: Raw, field: str, key: str, path: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for i, entry in objects(owner, field):
        name = entry.get(key)
        if not isinstance(name, str):
            continue
        if name in seen:
            where = f"{path}.{field}[{i}].{key}"
            yield finding(Code.DUPLICATE_ENTRY, where, f"{name!r} is there twice", "remove one of the two")
        seen.add(name)


def _volume_names(owner: Raw) -> set[str]:
    names = (volume.get("name") for _, volume in objects(an_object(owner, "pod"), "volumes"))
    return {name for name in names if isinstance(name, str)}


def _mounts(owner: Raw, path: str, volumes: set[str]) -> Iterator[Finding]:
    for i, mount in objects(owner, "volumeMounts"):
        name, where = mount.get("name"), f"{path}.volumeMounts[{i}]"
        place = mount.get("mountPath")
        plain = place.rstrip("/") if isinstance(place, str) else None
        if plain in _RESERVED_PATHS:
            yield finding(Code.RESERVED_VOLUME, f"{where}.mountPath", f"{plain} is taken", _RESERVED_PATHS[plain])
        if isinstance(name, str) and name not in volumes and name not in _RESERVED_VOLUMES:
            meant = did_you_mean(name, volumes)
            remedy = f"did you mean {meant}?" if meant else "declare it in pod.volumes of the step or of the defaults"
            there = listed(sorted(volumes)) or "none"
            yield finding(
                Code.UNKNOWN_VOLUME,
                f"{where}.name",
                f"there is no volume {name!r} (there are: {there})",
                remedy,
            )

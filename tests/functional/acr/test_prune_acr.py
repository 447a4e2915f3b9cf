# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``prune`` in an instance of ACR: tags are deleted by its API, where its registry grants nobody a deletion."""

from __future__ import annotations

from ansible_collections.imageops.registry.plugins.module_utils._acr.api.client import OpenApi
from ansible_collections.imageops.registry.plugins.module_utils._acr.registry import deletion
from ansible_collections.imageops.registry.tests.acr_simulator.cr_repositories import make_repository
from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator
from ansible_collections.imageops.registry.tests.acr_simulator.world import Instance, Namespace
from support.scenes.acr_scene import Scene

TAGS = [f"v{number}" for number in range(3)]


def mirrored(scene: Scene) -> dict[str, object]:
    """An instance that has what the source has, and one tag more. Return the rule."""
    scene.push("library/app", *TAGS)
    rule = {"source": f"{scene.source.host}/library/app", "destination": f"{scene.registry.host}/image-syncer/app"}
    assert scene.sync(rule)["summary"]["created"] == 3
    tags = scene.source.repository_path("library/app") / "_manifests/tags"
    (tags / "v0").rename(scene.home / "v0")
    scene.simulator.calls.clear()
    return {**rule, "prune": True}


def tags_of(scene: Scene) -> set[str]:
    tags = scene.registry.behind.repository_path("image-syncer/app") / "_manifests/tags"
    return {path.name for path in tags.iterdir()}


def test_a_tag_is_deleted_by_the_api_of_the_instance(scene: Scene) -> None:
    rule = mirrored(scene)

    planned = scene.sync(rule, check_mode=True)
    assert (planned["summary"]["deleted"], tags_of(scene)) == (1, set(TAGS))
    assert "DeleteRepoTag" not in scene.simulator.actions()

    result = scene.sync(rule)
    assert (result["changed"], result["summary"]["deleted"]) == (True, 1), result["msg"]
    assert tags_of(scene) == {"v1", "v2"}
    assert scene.simulator.actions().count("DeleteRepoTag") == 1
    assert not any(record.method == "DELETE" for record in scene.registry.gate.records())
    assert not scene.sync(rule)["changed"]


def test_no_repository_goes_when_the_source_has_no_list_that_is_surely_whole(scene: Scene) -> None:
    mirrored(scene)
    whole = {
        "source": f"{scene.source.host}/library/*",
        "destination": f"{scene.registry.host}/image-syncer",
        "prune": {"repositories": True},
    }
    result = scene.sync(whole)
    assert "no list of them that is known to be whole" in " ".join(result["notes"])
    assert "DeleteRepository" not in scene.simulator.actions()


def test_without_the_api_the_registry_refuses_and_nothing_is_lost(scene: Scene) -> None:
    rule = mirrored(scene)
    login = scene.instance.temporary[-1]
    entry = scene.plain_entry(username="cr_temp_user", password=login.password)
    result = scene.sync(rule, entry=entry)
    assert result["failed"] and result["summary"]["deleted"] == 0
    assert tags_of(scene) == set(TAGS)


def test_repositories_are_listed_as_counted_and_deleted_by_the_api(
    simulator: Simulator, instance: Instance, cr: OpenApi
) -> None:
    namespace = Namespace("crn-1", "team", True, "PRIVATE")
    instance.namespaces["team"] = namespace
    for name in ("app", "old"):
        make_repository(namespace, name, build_type="AUTO")
    assert sorted(deletion.complete_repositories(cr, instance.instance_id, "team")) == ["team/app", "team/old"]

    deletion.delete_repository(cr, instance.instance_id, "team/old")

    assert deletion.complete_repositories(cr, instance.instance_id, "team") == ["team/app"]
    deletion.delete_repository(cr, instance.instance_id, "team/never")
    deletion.delete_tag(cr, instance.instance_id, "team/never", "1")

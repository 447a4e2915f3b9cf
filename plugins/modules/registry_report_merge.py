#!/usr/bin/python
# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes one result and one report of the reports of all shards."""

DOCUMENTATION = r"""
module: registry_report_merge
short_description: Make one report of the reports of all shards
version_added: 0.3.0
description:
  - Reads the report files that the shards of one task have written, each by
    O(imageops.registry.registry_image_sync#module:report_path), and returns one result, in the form of the result of
    M(imageops.registry.registry_image_sync).
  - Fails when an image has failed, and when there is no report of a shard.
  - The role P(imageops.registry.registry_sync#role) calls it with C(registry_sync_spread), on the controller.
author:
  - The imageops.registry authors (@imageops)
extends_documentation_fragment:
  - imageops.registry.attributes
attributes:
  check_mode:
    support: full
    details: The report is written in check mode, too. It is no change to a registry.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: The report is written each time.
options:
  shards:
    description: All shards of the task.
    type: list
    elements: dict
    required: true
    suboptions:
      index:
        description: Which one, from 0 on.
        type: int
        required: true
      host:
        description: The host that had it.
        type: str
        required: true
      path:
        description: Its report, as JSON. The shard is V(unknown) when the file is not there, or is no whole report.
        type: path
        required: true
      fault:
        description: What its host says of a run that ended badly. It is told of a shard without a report.
        type: str
        default: ""
  images:
    description:
      - The rules of the task, to tell what may be in a shard without a report. Not needed for anything else.
      - Without them the rules are told that another report has.
    type: raw
  default_registry:
    description: As O(imageops.registry.registry_image_sync#module:default_registry).
    type: str
  default_namespace:
    description: As O(imageops.registry.registry_image_sync#module:default_namespace).
    type: str
  by:
    description: As O(imageops.registry.registry_image_sync#module:shard.by).
    type: str
    choices: [repository, tag]
    default: repository
  with_destinations:
    description: As O(imageops.registry.registry_image_sync#module:shard.with_destinations).
    type: bool
    default: false
  report_path:
    description: As O(imageops.registry.registry_image_sync#module:report_path).
    type: raw
  report_language:
    description: As O(imageops.registry.registry_image_sync#module:report_language).
    type: str
    choices: [en, zh]
    default: en
  rerun_path:
    description: As O(imageops.registry.registry_image_sync#module:rerun_path), of all shards that have a report.
    type: path
seealso:
  - module: imageops.registry.registry_image_sync
"""

EXAMPLES = r"""
- name: Make one report of two
  imageops.registry.registry_report_merge:
    shards:
      - {index: 0, host: mirror1.example.com, path: reports/0.json}
      - {index: 1, host: mirror2.example.com, path: reports/1.json}
    report_path: [all.json, all.html]
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
msg:
  description: What was done on all hosts, in one line. Of a failure, also which shards are unknown, and what failed.
  returned: always
  type: str
  sample: "12 images in 4 shards: 10 created, 2 unchanged; 34.1 MB written"
shards:
  description: The shards, by their numbers.
  returned: when the options are valid
  type: list
  elements: dict
  contains:
    index:
      description: Which one.
      type: int
      sample: 2
    host:
      description: The host that had it.
      type: str
      sample: mirror3.example.com
    state:
      description: V(done), V(failed), V(pending) when its time was not enough, or V(unknown) without a report.
      type: str
      sample: unknown
    summary:
      description: The summary of its report.
      returned: when it has a report
      type: dict
    run:
      description: Who ran it and when.
      returned: when it has a report
      type: dict
    rules:
      description: What may be in it. A rule about many repositories may have a part in every shard.
      returned: when it is unknown
      type: list
      elements: str
      sample: ["harbor.example.com/library/* to dr.example.com/mirror/{name}"]
    error:
      description: What its host says.
      returned: when it is unknown, and its host says something
      type: str
images:
  description: >-
    The images that are not unchanged, or those that failed, as M(imageops.registry.registry_image_sync) has them.
  returned: when the options are valid
  type: list
  elements: dict
causes:
  description: Each error code once, as M(imageops.registry.registry_image_sync) has them.
  returned: when images failed
  type: list
  elements: dict
failed_images:
  description: Rules that try again what failed. What may be in an unknown shard is not among them.
  returned: when there are at most 40
  type: list
  elements: dict
failed_images_left_out:
  description: How many such rules there are. They are in the report.
  returned: when there are more than 40
  type: int
summary:
  description: The sums of all reports; of C(seconds) the most.
  returned: when the options are valid
  type: dict
registries:
  description: Requests and bytes of all hosts, by registry.
  returned: when the options are valid
  type: dict
notes:
  description: What else there is to know.
  returned: when the options are valid
  type: list
  elements: str
error_codes:
  description: The codes of all errors, and C(shard_unknown) when a shard has no report.
  returned: failure
  type: list
  elements: str
  sample: [shard_unknown]
"""

from ansible_collections.imageops.registry.plugins.module_utils._modules.ansible_module import AnsibleModule
from ansible_collections.imageops.registry.plugins.module_utils._modules.merging import merge_reports, merge_spec
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Task


def main() -> None:
    """Run the module."""
    merge_reports(Task(AnsibleModule(argument_spec=merge_spec(), supports_check_mode=True)))


if __name__ == "__main__":
    main()

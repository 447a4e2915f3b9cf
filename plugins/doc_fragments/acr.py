# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Alibaba Cloud's APIs are reached: the options that every module of the action group has."""

from __future__ import annotations


class ModuleDocFragment:
    """Mirrors ``acr_spec`` and ``instance_spec`` in ``plugins/module_utils/_modules/acr_options.py``."""

    DOCUMENTATION = r"""
options:
  access_key_id:
    description:
      - The access key to sign with. Needs O(access_key_secret).
      - If it is not given, the environment where the task runs counts. E(ALIBABA_CLOUD_ACCESS_KEY_ID) and
        E(ALIBABA_CLOUD_ACCESS_KEY_SECRET) with E(ALIBABA_CLOUD_SECURITY_TOKEN) come first, then
        E(ALICLOUD_ACCESS_KEY_ID) and E(ALICLOUD_ACCESS_KEY_SECRET), then E(ALICLOUD_ACCESS_KEY) and
        E(ALICLOUD_SECRET_KEY), both with E(ALICLOUD_SECURITY_TOKEN).
      - If that is not set either and the Python package C(alibabacloud-credentials) is installed, its chain is asked,
        which knows OIDC (RRSA), C(~/.aliyun/config.json), the credentials file and the role of an ECS instance.
    type: str
  access_key_secret:
    description: The secret of O(access_key_id).
    type: str
  security_token:
    description: The security token, when O(access_key_id) is a temporary one of STS.
    type: str
  region:
    description:
      - The region of the instance, such as V(cn-shanghai). RAM has no regions, so modules for RAM do not need it.
      - If it is not given, the environment variables E(ALIBABA_CLOUD_REGION_ID), E(ALICLOUD_REGION_ID) and
        E(ALICLOUD_REGION) count.
    type: str
  network:
    description: >-
      From where the container registry's API is called. V(vpc) is for machines inside a VPC without a way out.
    type: str
    choices: [public, vpc]
    default: public
  endpoint:
    description:
      - The host, or the URL, of the container registry's API, in place of the one that follows from O(region) and
        O(network).
      - Always called by HTTPS. Plain C(http://) is taken for this machine alone, which is for tests.
    type: str
  ram_endpoint:
    description: The host, or the URL, of RAM's API, in place of V(ram.aliyuncs.com).
    type: str
  validate_certs:
    description: Whether to verify the certificates of the servers.
    type: bool
    default: true
  ca_path:
    description: >-
      A file with the certificates of the CAs (PEM) to trust besides those of the system, where the task runs.
    type: path
  ca:
    description: Certificates of CAs (PEM) to trust like those of O(ca_path), as text.
    type: str
  proxy:
    description:
      - The proxy to go through, such as V(http://proxy.example.com:3128). A user and a password can be put before the
        host.
      - If it is not given, the environment variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY) count. Set to an
        empty string to use none.
    type: str
  timeout:
    description: How long a connection may make no progress, in seconds.
    type: float
    default: 30.0
  retry_delay:
    description:
      - The longest first wait before a call is made again after a passing fault, in seconds. It doubles each time,
        and the real wait is a random part of it.
      - What the API asks for comes first.
    type: float
    default: 1.0
  wait:
    description: Whether to wait until a change shows. Most take seconds, a public endpoint takes minutes.
    type: bool
    default: true
  wait_timeout:
    description: >-
      How long to wait for a change to show, in seconds. The task fails with the code V(acr_wait_timeout) after that.
    type: float
    default: 600.0
  wait_interval:
    description: The time between two looks at a change that does not show yet, in seconds.
    type: float
    default: 3.0
requirements:
  - requests >= 2.25.1
  - urllib3 >= 1.26.5
  - alibabacloud-credentials, only for access keys that come from its chain
"""

    INSTANCE = r"""
options:
  instance_id:
    description: >-
      The id of the Enterprise Edition instance, such as V(cri-xxxxxxxxxxxxxxxx).
      M(imageops.registry.acr_instance_info) tells it.
    type: str
    required: true
"""

    ACTIONGROUP_ACR = r"""
options: {}
attributes:
  action_group:
    description: >-
      Use C(group/imageops.registry.acr) in C(module_defaults) to set defaults for this module.
      The options that all modules of the group have are those about access keys, region, endpoints, network and
      waiting.
    support: full
    membership:
      - imageops.registry.acr
"""

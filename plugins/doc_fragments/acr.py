# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Alibaba Cloud's APIs are reached: the options that every module of the action group has."""

from __future__ import annotations


class ModuleDocFragment:
    """Mirrors ``acr_spec`` and ``instance_spec`` in ``plugins/module_utils/_modules/alibaba/acr_options.py``."""

    DOCUMENTATION = r"""
options:
  access_key_id:
    description:
      - The access key to sign with. Needs O(access_key_secret).
      - If none of O(access_key_id), O(profile), O(ecs_ram_role) and O(assume_role_with_oidc) is given, a key is
        looked for where the task runs, and the first that is found counts.
      - First, a complete pair of the environment, in the families E(ALIBABA_CLOUD_*), E(ALIBABACLOUD_*) and
        E(ALICLOUD_*), such as E(ALIBABA_CLOUD_ACCESS_KEY_ID) and E(ALIBABA_CLOUD_ACCESS_KEY_SECRET). With a role
        beside it, as in E(ALIBABA_CLOUD_ROLE_ARN), that role is assumed.
      - Second, an OIDC token, where E(ALIBABA_CLOUD_ROLE_ARN), E(ALIBABA_CLOUD_OIDC_PROVIDER_ARN) and
        E(ALIBABA_CLOUD_OIDC_TOKEN_FILE) are all set, as RRSA sets them.
      - Third, the current profile in C(~/.aliyun/config.json), or the one that E(ALIBABA_CLOUD_PROFILE) names.
      - Last, the role of the ECS instance, where E(ALIBABA_CLOUD_ECS_METADATA) names it.
    type: str
  access_key_secret:
    description: The secret of O(access_key_id).
    type: str
  security_token:
    description: The security token, when O(access_key_id) is a temporary one of STS.
    type: str
  profile:
    description: >-
      A profile in C(~/.aliyun/config.json) of the user that the task runs as, to sign with. Its mode is AK, StsToken,
      RamRoleArn, ChainableRamRoleArn, RamRoleArnWithRoleName, EcsRamRole or OIDC.
    type: str
  ecs_ram_role:
    description: >-
      The role of the ECS instance that the task runs on, whose keys the instance's metadata service gives. IMDSv2 is
      tried first.
    type: str
  assume_role:
    description: A RAM role to assume with the key that is found otherwise. Its keys are renewed while the task runs.
    type: dict
    suboptions:
      role_arn:
        description: The role, such as V(acs:ram::1234567890123456:role/image-pusher).
        type: str
        required: true
      session_name:
        description: The name of the session, which the vendor's logs show. V(imageops-registry) if it is not given.
        type: str
      duration:
        description: >-
          How long each key of the role is good, in seconds, 900 to 43200. The vendor's 3600 if it is not given.
        type: int
      external_id:
        description: The external id that the role's trust policy asks for.
        type: str
  assume_role_with_oidc:
    description: A RAM role to assume with the token of an OIDC provider, as in RRSA of ACK. No access key is needed.
    type: dict
    suboptions:
      role_arn:
        description: The role.
        type: str
        required: true
      oidc_provider_arn:
        description: The provider, such as V(acs:ram::1234567890123456:oidc-provider/ack-rrsa).
        type: str
        required: true
      oidc_token_file:
        description: The file with the token, where the task runs. It is read again for each new key.
        type: path
        required: true
      session_name:
        description: The name of the session. V(imageops-registry) if it is not given.
        type: str
      duration:
        description: >-
          How long each key of the role is good, in seconds, 900 to 43200. The vendor's 3600 if it is not given.
        type: int
  sts_endpoint:
    description: >-
      The host, or the URL, of the API of STS, which gives the keys of roles, in place of the one that follows from
      the region and O(network).
    type: str
  region:
    description:
      - The region of the instance, such as V(cn-shanghai). RAM has no regions, so modules for RAM do not need it.
      - If it is not given, the environment variables E(ALIBABA_CLOUD_REGION), E(ALIBABA_CLOUD_REGION_ID),
        E(ALIBABACLOUD_REGION), E(ALIBABACLOUD_REGION_ID), E(ALICLOUD_REGION) and E(ALICLOUD_REGION_ID) count.
    type: str
  network:
    description: >-
      From where the APIs are called. V(vpc) is for machines inside a VPC without a way out, and uses the hosts for VPCs
      of each API, RAM and STS included.
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
    description: The host, or the URL, of RAM's API, in place of V(ram.aliyuncs.com) or V(ram.vpc-proxy.aliyuncs.com).
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
      - E(NO_PROXY) is read as programs written in Go read it, with V(*.corp.example), networks and ports.
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

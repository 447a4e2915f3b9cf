# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How registries are reached: the options that every module of the action group has."""

from __future__ import annotations


class ModuleDocFragment:
    """Mirrors ``registry_spec`` in ``plugins/module_utils/_modules/specs.py``."""

    DOCUMENTATION = r"""
options:
  registries:
    description:
      - How to reach and log in to registries. A registry that is not listed is reached with HTTPS, its certificate is
        verified against the CAs that the system of the task trusts, and access is anonymous unless O(docker_config)
        has credentials.
      - Credentials belong to the entry's own V(registry); all other keys belong to its host, whatever path the entry
        has. They can be given once, or several times when they agree.
      - Of several credentials the one with the longest V(registry) that begins the repository's name on whole path
        components is used. V(quay.io/acme) is used for V(quay.io/acme/app) and not for V(quay.io/acmecorp/app).
    type: list
    elements: dict
    default: []
    suboptions:
      registry:
        description:
          - The registry's host, with its port if there is one in the names of its images, or the host and the
            beginning of a path, such as V(quay.io), V(harbor.example.com:8443) or V(quay.io/acme).
          - Docker Hub is V(docker.io).
        type: str
        required: true
      username:
        description:
          - The user to log in as. Needs O(registries[].password) or O(registries[].identity_token).
          - For Google's registries V(_oauth2_) and V(_json_key) mean that the password is a service account's key, as
            JSON or base64.
        type: str
      password:
        description: The user's password, or an access token.
        type: str
      identity_token:
        description: >-
          An identity (refresh) token, which the registry's token server takes in place of a password. Excludes
          O(registries[].password).
        type: str
      validate_certs:
        description:
          - Whether to verify the registry's certificate. Verified if nothing is said.
          - Use O(registries[].ca_path) for a private CA instead of setting this to V(false).
        type: bool
      plain_http:
        description: Whether to use HTTP without TLS. HTTPS if nothing is said.
        type: bool
      ca_path:
        description: >-
          A file with the certificates of the CAs (PEM) to trust for this registry besides those of the system, where
          the task runs. A directory prepared with C(openssl rehash) works, too.
        type: path
      ca:
        description: >-
          Certificates of CAs (PEM) to trust like those of O(registries[].ca_path), as text, so that no file needs to be
          where the task runs.
        type: str
      client_cert:
        description: A file with the client certificate to show to the registry (PEM), where the task runs.
        type: path
      client_key:
        description: The file with the key of O(registries[].client_cert), when it is not in the same file.
        type: path
      proxy:
        description:
          - The proxy to reach this registry through, such as V(http://proxy.example.com:3128). A user and a password
            can be put before the host.
          - If nothing is said, the environment variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY) count. Set to
            an empty string to use none.
          - E(NO_PROXY) is read as programs written in Go read it, with V(*.corp.example), networks and ports.
        type: str
      concurrency:
        description: >-
          How many blobs, and how many small requests, are under way at this registry at once at most. If nothing is
          said, as many as in the whole task.
        type: int
      requests_per_second:
        description: >-
          How many requests this registry gets a second at most, V(0.5) being one in two seconds. No limit if nothing
          is said.
        type: float
      acr:
        description:
          - The instance of Alibaba Cloud Container Registry Enterprise Edition that this registry belongs to. The
            module then fetches temporary logins from the instance, and fresh ones while it runs, so that a run may
            take longer than a login lives.
          - The instance is also asked for what its registry does not tell, such as its repositories.
          - Takes the place of the entry's other credentials, and belongs to an entry for a whole registry.
        type: dict
        suboptions:
          instance_id:
            description: The id of the instance, such as V(cri-xxxxxxxxxxxxxxxx).
            type: str
            required: true
          region:
            description:
              - The region of the instance, such as V(cn-shanghai).
              - If it is not given, the registry's host name tells it, and if that does not either, the environment
                variables E(ALIBABA_CLOUD_REGION), E(ALIBABA_CLOUD_REGION_ID), E(ALIBABACLOUD_REGION),
                E(ALIBABACLOUD_REGION_ID), E(ALICLOUD_REGION) and E(ALICLOUD_REGION_ID) count.
            type: str
          network:
            description: >-
              From where the instance's API is called. V(vpc) is for machines inside a VPC without a way out.
            type: str
            choices: [public, vpc]
            default: public
          endpoint:
            description:
              - The host, or the URL, of the API, in place of the one that follows from O(registries[].acr.region) and
                O(registries[].acr.network).
              - Always called by HTTPS. Plain C(http://) is taken for this machine alone, which is for tests.
            type: str
          settle:
            description:
              - For how many seconds from its beginning the module takes a refused push for a right that was given a
                moment ago, which the registry's token service heeds later than the API. The push is tried again after
                5, 10 and 20 seconds with a new token, once for the registry and not for each image.
              - The role P(imageops.registry.registry_sync#role) sets 60 when it has changed the user, its policy or its
                right in the same play.
            type: float
            default: 0.0
          access_key_id:
            description:
              - The access key to sign with. Needs O(registries[].acr.access_key_secret). It needs the right
                C(cr:GetAuthorizationToken).
              - If none of O(registries[].acr.access_key_id), O(registries[].acr.profile),
                O(registries[].acr.ecs_ram_role) and O(registries[].acr.assume_role_with_oidc) is given, a key is
                looked for where the task runs, and the first that is found counts.
              - First, a complete pair of the environment, in the families E(ALIBABA_CLOUD_*), E(ALIBABACLOUD_*) and
                E(ALICLOUD_*), such as E(ALIBABA_CLOUD_ACCESS_KEY_ID) and E(ALIBABA_CLOUD_ACCESS_KEY_SECRET). With a
                role beside it, as in E(ALIBABA_CLOUD_ROLE_ARN), that role is assumed.
              - Second, an OIDC token, where E(ALIBABA_CLOUD_ROLE_ARN), E(ALIBABA_CLOUD_OIDC_PROVIDER_ARN) and
                E(ALIBABA_CLOUD_OIDC_TOKEN_FILE) are all set, as RRSA sets them.
              - Third, the current profile in C(~/.aliyun/config.json), or the one that E(ALIBABA_CLOUD_PROFILE)
                names.
              - Last, the role of the ECS instance, where E(ALIBABA_CLOUD_ECS_METADATA) names it.
            type: str
          access_key_secret:
            description: The secret of O(registries[].acr.access_key_id).
            type: str
          security_token:
            description: The security token, when O(registries[].acr.access_key_id) is a temporary one of STS.
            type: str
          profile:
            description: >-
              A profile in C(~/.aliyun/config.json) of the user that the task runs as, to sign with. Its mode is AK,
              StsToken, RamRoleArn, ChainableRamRoleArn, RamRoleArnWithRoleName, EcsRamRole or OIDC.
            type: str
          ecs_ram_role:
            description: >-
              The role of the ECS instance that the task runs on, whose keys the instance's metadata service gives.
              IMDSv2 is tried first.
            type: str
          assume_role:
            description: >-
              A RAM role to assume with the key that is found otherwise. Its keys are renewed while the task runs.
            type: dict
            suboptions:
              role_arn:
                description: The role, such as V(acs:ram::1234567890123456:role/image-pusher).
                type: str
                required: true
              session_name:
                description: >-
                  The name of the session, which the vendor's logs show. V(imageops-registry) if it is not given.
                type: str
              duration:
                description: >-
                  How long each key of the role is good, in seconds, 900 to 43200. The vendor's 3600 if it is not
                  given.
                type: int
              external_id:
                description: The external id that the role's trust policy asks for.
                type: str
          assume_role_with_oidc:
            description: >-
              A RAM role to assume with the token of an OIDC provider, as in RRSA of ACK. No access key is needed.
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
                  How long each key of the role is good, in seconds, 900 to 43200. The vendor's 3600 if it is not
                  given.
                type: int
          sts_endpoint:
            description: >-
              The host, or the URL, of the API of STS, which gives the keys of roles, in place of the one that follows
              from the region and O(registries[].acr.network).
            type: str
  docker_config:
    description:
      - The C(config.json) of Docker (or C(auth.json) of Podman) to take credentials from, where the task runs, with the
        credential helpers that it names.
      - The old C(.dockercfg) is read, too, which Kubernetes' secrets of the type C(kubernetes.io/dockercfg) have.
      - An entry that is wrong matters only for its own registry. When the file has no credentials at all, there is a
        warning.
      - They are used for what neither O(registries) nor another file has credentials for.
      - If nothing is said, C($DOCKER_CONFIG/config.json) or else C(~/.docker/config.json) is read if it is there.
        Set to an empty string to read none.
    type: path
  timeout:
    description: How long a connection may make no progress, in seconds.
    type: float
    default: 60.0
  retry_delay:
    description:
      - The longest first wait before a request is sent again after a passing fault, in seconds. It doubles each time,
        up to 30 seconds, and the real wait is a random part of it.
      - What the registry asks for comes first (C(Retry-After)).
    type: float
    default: 1.0
requirements:
  - requests >= 2.25.1
  - urllib3 >= 1.26.5
"""

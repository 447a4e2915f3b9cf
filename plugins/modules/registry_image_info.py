#!/usr/bin/python
# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells what is in repositories of container registries."""

DOCUMENTATION = r"""
module: registry_image_info
short_description: Tell what is in a repository of a container registry
version_added: 0.1.0
description:
  - Returns the tags of repositories, and for tags and digests the media type, platforms, size, labels and annotations.
  - Asks the registry only. No layer is downloaded, but with O(verify=blobs), and no container engine is needed.
author:
  - The imageops.registry authors (@imageops)
extends_documentation_fragment:
  - imageops.registry.attributes
  - imageops.registry.attributes.actiongroup_registry
  - imageops.registry.attributes.info_module
  - imageops.registry.registry
options:
  images:
    description:
      - What to look at. V(registry/repository) stands for all tags of a repository, V(registry/repository:tag) and
        V(registry/repository@sha256:...) for one image.
      - V(oci:/path//repository:tag) and the like stand for what is in an OCI image layout in that directory of the host
        where the task runs; V(oci:/path) stands for each repository of it. V(oci-archive:/path.tar) means one in a
        tar, and V(docker-archive:/path.tar) what C(docker save) wrote before version 25.
      - Names without a registry are Docker Hub's.
    type: list
    elements: str
    required: true
  tags:
    description:
      - Which tags of the repositories in O(images) are looked at, as
        O(imageops.registry.registry_image_sync#module:images.tags) has it, to see what a rule would take. Images that
        are named by a tag or a digest are looked at whatever it says.
      - With it, RV(images[].left_tags) says why each of the other tags is not taken.
    type: dict
    suboptions:
      include:
        description: A regular expression, or a list of them. A tag is taken when one of them matches all of it.
        type: raw
      exclude:
        description: A regular expression, or a list of them. A tag is not taken when one of them matches all of it.
        type: raw
      semver:
        description: A range of versions as npm writes it, a mapping with V(range) and V(suffix), or a list of these.
        type: raw
      newest:
        description: Take only so many tags, the newest.
        type: int
      by:
        description: What makes a tag newer. With V(created), manifests and configurations are read to choose.
        type: str
        choices: [version, created]
        default: version
      per:
        description: Take the O(tags.newest) of each minor, or of each major version.
        type: str
        choices: [minor, major]
      immutable:
        description: Accepted, since rules have it, and without meaning here.
        type: raw
  details:
    description:
      - Whether to read manifests and image configurations. Without them only tags, digests and media types are
        returned, at the cost of one small request for each tag. That is better for repositories with many tags.
    type: bool
    default: true
  referrers:
    description:
      - Whether to tell what refers to each manifest, such as signatures, SBOMs and attestations. It is what the
        registry lists as referrers, or the tag C(sha256-DIGEST) in place of such a list, and what the tags of cosign
        name, such as C(sha256-DIGEST.sig); and what refers to those in its turn.
      - Without O(details) that is told of the tag's or the digest's own manifest alone, and else of those in an index,
        too. It costs one request for each manifest and for each that refers to one, and one page of tags for each
        repository.
    type: bool
    default: false
    version_added: 0.2.0
  verify:
    description:
      - Whether the images are whole, to any depth, with what refers to them when O(referrers=true). Nothing is written.
        What is missing or damaged is in RV(images[].verified), and the task fails; so it does for an image that is not
        there, and where no tag is.
      - V(manifests) reads and hashes every manifest, and asks whether each blob that it names is there. V(blobs) reads
        and hashes every blob, too, of which little is in memory at once. Each blob is read once a repository, and once
        an OCI image layout. Foreign layers are left out.
      - If it is not given, nothing is verified.
    type: str
    choices: [manifests, blobs]
    version_added: 0.3.0
seealso:
  - module: imageops.registry.registry_image_sync
"""

EXAMPLES = r"""
- name: Look at one image
  imageops.registry.registry_image_info:
    images: [registry.example.com/mirror/nginx:1.27]
  register: nginx

- name: Insist on both platforms
  ansible.builtin.assert:
    that:
      - nginx.images[0].exists
      - "'linux/amd64' in nginx.images[0].manifests[0].platforms"
      - "'linux/arm64' in nginx.images[0].manifests[0].platforms"

- name: List the tags of a repository
  imageops.registry.registry_image_info:
    images: [registry.example.com/mirror/nginx]
    details: false
    registries:
      - registry: registry.example.com
        username: reader
        password: "{{ registry_password }}"
  register: listed

- name: See which tags a rule takes, and why not the others
  imageops.registry.registry_image_info:
    images: [registry.example.com/mirror/nginx]
    tags:
      semver: [">=1.26 <2", {range: "1.27.x", suffix: alpine}]
      newest: 2
      per: minor
    details: false
  register: chosen

- name: Look for the signatures of an image
  imageops.registry.registry_image_info:
    images: [registry.example.com/mirror/nginx:1.27]
    referrers: true
  register: signed

- name: Insist on a signature
  ansible.builtin.assert:
    that:
      - >-
        signed.images[0].manifests[0].referrers | map(attribute='type')
        | select('search', 'sigstore|cosign|notary') | length > 0

- name: Read and hash all that is in a bundle
  imageops.registry.registry_image_info:
    images: ["oci:/srv/bundle"]
    verify: blobs

- name: Say why tags are left
  ansible.builtin.debug:
    msg: "{{ chosen.images[0].left_tags | items2dict(key_name='tag', value_name='reason') }}"
"""

RETURN = r"""
msg:
  description: How many of the images are there, in one line, and which are not. When the task failed, why.
  returned: always
  type: str
  sample: "1 of 2 images found, with 14 manifests; not there: registry.example.com/mirror/nginx:1.28"
images:
  description: One entry for every item of O(images), in their order.
  returned: success, and when O(verify) finds anything missing or damaged
  type: list
  elements: dict
  contains:
    image:
      description: What was asked for, in full.
      type: str
      sample: docker.io/library/nginx:1.27
    registry:
      description: The registry's host.
      type: str
      sample: docker.io
    repository:
      description: The repository in that registry.
      type: str
      sample: library/nginx
    exists:
      description: Whether there is any such image, whatever O(tags) takes.
      type: bool
      sample: true
    tags:
      description: The tags that were found. For one tag this is the tag, for a digest it is empty. With
        O(tags), those that it takes.
      type: list
      elements: str
      sample: ["1.27"]
    left_tags:
      description: The tags that O(tags) does not take, in the registry's order.
      type: list
      elements: dict
      returned: when O(tags) is given
      contains:
        tag:
          description: The tag.
          type: str
          sample: 1.28.0-rc.1
        reason:
          description: The first filter that does not take it.
          type: str
          sample: it is in no range of semver
    verified:
      description: What was read to see whether it is whole.
      type: dict
      returned: when O(verify) is given
      contains:
        manifests:
          description: How many manifests were read and hashed.
          type: int
          sample: 3
        blobs:
          description: How many blobs are there, which V(blobs) has read and hashed. Each is counted once.
          type: int
          sample: 12
        bytes:
          description: The bytes of these blobs.
          type: int
          sample: 71180312
        left_out:
          description: How many blobs are left to earlier bundles on purpose. They are no faults.
          type: int
          sample: 0
        faults:
          description: >-
            What is missing, damaged, or could not be read. Then the details and referrers of RV(images[].manifests)
            are left out.
          type: list
          elements: dict
          contains:
            image:
              description: The image, or the first one that was seen to name it.
              type: str
              sample: oci:/srv/bundle//library/nginx:1.27
            digest:
              description: The manifest or blob. V(null) when it is what the image's tag names.
              type: str
              sample: sha256:0d17b565c37bcbd895e9d92315a05c1c3c9a29f762b011a10c54a66cd53c9b31
            code:
              description: The code of the error.
              type: str
              sample: digest_mismatch
            reason:
              description: What is wrong, in words.
              type: str
              sample: >-
                cannot read the blob sha256:0d17b565c37bcbd895e9d92315a05c1c3c9a29f762b011a10c54a66cd53c9b31 from its
                source: its bytes have another digest
    manifests:
      description: What each tag, or the digest, names. Empty when it is not there.
      type: list
      elements: dict
      contains:
        tag:
          description: The tag. V(null) when a digest was asked for.
          type: str
          sample: "1.27"
        digest:
          description: The digest that it has.
          type: str
          sample: sha256:6a92cd1fcdc8d8cdec60f33dda4db2cb1fcdcacf3410a8e05b3741f44a9b5998
        media_type:
          description: The manifest's media type.
          type: str
          sample: application/vnd.oci.image.index.v1+json
        artifact_type:
          description: What kind of artifact it is. V(null) for images.
          type: str
          returned: when O(details=true)
          sample: application/vnd.cncf.helm.config.v1+json
        size:
          description: >-
            Bytes of all its manifests, configurations and layers, each counted once. Foreign layers are not counted.
          type: int
          returned: when O(details=true)
          sample: 71190312
        platforms:
          description: The platforms that it has images for.
          type: list
          elements: str
          returned: when O(details=true)
          sample: [linux/amd64, linux/arm64/v8]
        created:
          description: >-
            When it was built, as its configuration or annotation says. The latest of a multi-architecture image's.
            V(null) when unknown.
          type: str
          returned: when O(details=true)
          sample: "2026-02-04T18:02:11Z"
        labels:
          description: The image's labels. Of a multi-architecture image those that all its platforms share.
          type: dict
          returned: when O(details=true)
          sample: {maintainer: NGINX Docker Maintainers}
        annotations:
          description: The manifest's annotations.
          type: dict
          returned: when O(details=true)
          sample: {org.opencontainers.image.version: 1.27.4}
        subject:
          description: >-
            The digest of the manifest that this one is about, for signatures, SBOMs and the like. V(null) when it is
            about none.
          type: str
          returned: when O(details=true)
          sample: null
        referrers:
          description: What refers to it, which is found by its digest.
          type: list
          elements: dict
          returned: when O(referrers=true)
          contains:
            type:
              description: The artifact type; where there is none, the media type.
              type: str
              sample: application/vnd.dev.sigstore.bundle.v0.3+json
            digest:
              description: The digest of the manifest that refers to it.
              type: str
              sample: sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a
            tag:
              description: The tag of cosign that names it. V(null) for one that is found by its subject.
              type: str
              sample: null
            referrers:
              description: What refers to it in its turn, such as the signature of an SBOM, in the same form.
              type: list
              elements: dict
              sample: []
        children:
          description: The manifests in an index, those of nested ones included. Empty for other manifests.
          type: list
          elements: dict
          returned: when O(details=true)
          contains:
            digest:
              description: The child's digest.
              type: str
              sample: sha256:0d17b565c37bcbd895e9d92315a05c1c3c9a29f762b011a10c54a66cd53c9b31
            media_type:
              description: The child's media type.
              type: str
              sample: application/vnd.oci.image.manifest.v1+json
            platform:
              description: The platform that it is for. V(null) when nobody says; V(unknown/unknown) for attestations.
              type: str
              sample: linux/amd64
            present:
              description: Whether the registry has it.
              type: bool
              sample: true
            size:
              description: Bytes of its manifest, configuration and layers.
              type: int
              sample: 35593876
            created:
              description: When it was built. V(null) when unknown.
              type: str
              sample: "2026-02-04T18:02:11Z"
            labels:
              description: Its labels.
              type: dict
              sample: {maintainer: NGINX Docker Maintainers}
            annotations:
              description: The annotations that the index gives it.
              type: dict
              sample: {}
            referrers:
              description: What refers to it, as for the whole manifest.
              type: list
              elements: dict
              returned: when O(referrers=true)
              sample: []
        indexes:
          description: The indexes in an index, whose manifests are among RV(images[].manifests[].children).
          type: list
          elements: dict
          returned: when O(details=true)
          contains:
            digest:
              description: The digest of the nested index.
              type: str
              sample: sha256:0d17b565c37bcbd895e9d92315a05c1c3c9a29f762b011a10c54a66cd53c9b31
            media_type:
              description: Its media type.
              type: str
              sample: application/vnd.oci.image.index.v1+json
            referrers:
              description: What refers to it, as for the whole manifest.
              type: list
              elements: dict
              returned: when O(referrers=true)
              sample: []
error_codes:
  description: The code of the error; with O(verify) that of every fault.
  returned: failure
  type: list
  elements: str
  sample: [bad_credentials]
"""

from ansible_collections.imageops.registry.plugins.module_utils._modules.ansible_module import AnsibleModule
from ansible_collections.imageops.registry.plugins.module_utils._modules.image_info import describe_images
from ansible_collections.imageops.registry.plugins.module_utils._modules.specs import info_spec
from ansible_collections.imageops.registry.plugins.module_utils._modules.task import Task


def main() -> None:
    """Run the module."""
    describe_images(Task(AnsibleModule(argument_spec=info_spec(), supports_check_mode=True)))


if __name__ == "__main__":
    main()

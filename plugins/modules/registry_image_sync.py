#!/usr/bin/python
# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies container images between registries."""

DOCUMENTATION = r"""
module: registry_image_sync
short_description: Copy container images between registries
version_added: 0.1.0
description:
  - Sees to it that images are where they are wanted. Images that are there already are left alone, so a second run
    changes nothing.
  - Manifests travel byte for byte, so digests stay the same, for multi-architecture images, attestations, Helm charts
    and other artifacts alike. Only O(platforms), O(images.platforms) and O(unsupported_artifacts=strip) can change a
    digest.
  - Blobs are streamed from registry to registry through where the task runs. Nothing is stored on disk and no
    container engine is needed.
  - An OCI image layout, in a directory or in a tar, is a place like a registry, as source and as destination. It
    carries images across an air gap.
  - Rules can be given as O(images), or as the files of image-syncer (O(config), or O(auth_file) and O(images_file)),
    or both.
  - Everything that is given is checked before any registry is contacted.
author:
  - The imageops.registry authors (@imageops)
extends_documentation_fragment:
  - imageops.registry.attributes
  - imageops.registry.attributes.actiongroup_registry
  - imageops.registry.registry
attributes:
  check_mode:
    support: full
    details:
      - The same questions are asked as in a real run, and nothing is written to a registry. The result has the bytes
        that would be written.
      - O(report_path) and O(log_path) are written in check mode, too, and O(rerun_path) is not.
  diff_mode:
    support: full
    details:
      - Shows the digest of each destination tag that changes, before and after. A failed task shows no diff.
  idempotent:
    support: partial
    details:
      - With O(rewrite=true) manifests are written each time.
requirements:
  - PyYAML for files in YAML
options:
  images:
    description:
      - What to copy, and to where, as a list. An empty list is valid and does nothing.
      - An item that is a string is the source of an image for the default destination.
      - In place of the list a mapping of sources to destinations may be given, as image-syncer's C(images) is.
      - When O(config) or O(images_file) is given as well, the rules of both are followed.
    type: raw
    suboptions:
      source:
        description:
          - One repository, and which of its images. V(registry/repository) means all its tags,
            V(registry/repository:tag) one, V(registry/repository:tag1,tag2) several, V(registry/repository:/regex/)
            those in which the regular expression (RE2 syntax) is found anywhere (V(://), an empty one, is found in
            all tags), V(registry/repository@sha256:...)
            the one with this digest, and with a tag before the V(@) the tag must point to that digest.
          - V(registry/project/*) means every repository directly in that path, V(registry/project/**) every one
            anywhere below it, and V(registry/**) the whole registry. V(:/regex/) behind it, or O(images.tags),
            chooses tags in each of them.
          - Repositories are found through Harbor's API where the registry is a Harbor, through the instance's API where
            its entry of O(registries) has O(registries[].acr), and else by the registry's catalog (C(_catalog)). When
            the login may not list them, the rule fails; when it may see a part of them only, there is a warning.
          - V(oci:/path//repository:tag) means an image in an OCI image layout, which is in that directory of the host
            where the task runs. All of the forms above may stand behind the V(//), and V(oci:/path) means all that the
            layout has. Layouts of skopeo, buildah, umoci, oras, regctl, containerd and C(docker save) are read.
            Images whose tag stands there alone are in a repository that is called as the directory is, and one image
            without any name has the tag V(latest) there.
          - V(oci-archive:/path.tar//repository:tag) and V(oci-archive:/path.tar) mean the same in an uncompressed tar.
            V(docker-archive:/path.tar) does in what C(docker save) wrote before version 25. That has no manifests, so
            they are made, the same in each run, and the digests are not those of the images where they come from.
          - Names without a registry are Docker Hub's.
          - Quote it when it has a comma or a brace and is written in YAML's C({ }).
        type: str
        required: true
      destination:
        description:
          - The repository to copy to, as V(registry/repository), or a list of several.
          - The images keep their tags, or get those that are given as V(:tag) or V(:tag1,tag2), from left to right.
            An image that is named by its digest can be given a tag.
          - One tag for a source that means many is right when there is just one when the task runs. It is refused
            otherwise, before anything is written.
          - V(:{tag}-mirror) makes each new tag of the source's, which V({tag}) stands for. There may be something
            before it, behind it, or both.
          - V({repository}) in it stands for the source's whole path, V({namespace}) for all of it but the last
            component, V({name}) for the last component, and V({path}) for all but the first component.
          - For a source of many repositories, a destination without these is the beginning of their paths, and what
            each has below the source's path is put behind it. Two repositories that would go to one place are refused
            before anything is written.
          - V(oci:/path//repository) means an OCI image layout in that directory of the host where the task runs, and
            V(oci:/path) the same with the whole path of each source repository. The directory is made when it is not
            there; what it has already is kept, and several runs may write to it at once.
          - V(oci-archive:/path.tar//repository) and V(oci-archive:/path.tar) mean such a layout in a tar. It is written
            beside the old one, which takes the room of both, and put in its place at the end of the run, unless nothing
            is new. A run that ends before leaves the old one as it was. One run writes at a time; others wait.
          - Names for ACR Enterprise Edition are checked against its rules first, and with O(registries[].acr) what
            would be created against the instance's namespaces and quotas.
          - An empty string stands for O(default_registry)V(/)O(default_namespace)V(/) and the source's repository
            without its first path component.
          - If it is not given, that stands for it, too.
        type: raw
      tags:
        description:
          - Which of the tags that O(images.source) stands for are taken. The filters work one after another, each on
            what the one before has let through, in the order in which they stand here.
          - M(imageops.registry.registry_image_info) shows which tags they take, and why not the others.
        type: dict
        suboptions:
          include:
            description: A regular expression, or a list of them. A tag is taken when one of them matches all of it.
            type: raw
          exclude:
            description: A regular expression, or a list of them. A tag is not taken when one of them matches all of it.
            type: raw
          semver:
            description:
              - A range of versions in npm's syntax, such as V(1.27.x), V(^1.2 || ~2.0.3) or V(>=1.4 <2), or a list of
                ranges. A tag is taken when it is a version in one of them.
              - A mapping with V(range) and V(suffix) means tags that end with the suffix, which is cut off, with the
                V(-) before it, before the version is compared. With V(range=1.27.x) and V(suffix=alpine),
                V(1.27.3-alpine) is taken. With V(suffix=any), anything or nothing may stand behind the version; a
                pre-release stays one.
              - A V(v) before the version is allowed. V(1.27) counts as 1.27.0 and V(1) as 1.0.0, other than with npm.
                As with npm, a pre-release is in a range only where the range names a pre-release of the same version.
            type: raw
          newest:
            description:
              - Take only so many tags, the newest.
              - Tags that are no versions, such as V(latest), are neither counted nor dropped. A pre-release is lower
                than its release.
            type: int
          by:
            description:
              - What makes a tag newer. V(version) compares versions. V(created) compares when the images were built, as
                their configurations say; tags of which that is not known are neither counted nor dropped.
              - With V(created), the manifest and the configuration of every tag that the other filters let through
                are read, of a multi-architecture image those of its first platform. That is two to four requests for
                each tag, in every run, and counts as pulls where a registry limits these.
            type: str
            choices: [version, created]
            default: version
          per:
            description: Take the O(images.tags.newest) of each minor, or of each major version.
            type: str
            choices: [minor, major]
          immutable:
            description:
              - A regular expression, or a list of them. Tags that one of them matches wholly never move. Where both
                sides have such a tag, the digests are not compared and no request is made; the image is V(unchanged)
                for the reason V(not compared). What refers to it is not looked for either.
              - It chooses no tags, and may be given for a source that names its tags, too. In check mode, with
                O(rewrite), and for a source with a digest, all are compared.
            type: raw
      platforms:
        description:
          - Copy only these platforms of multi-architecture images, each written as V(os/architecture), with
            V(/variant) and V(:os.version) if needed. V(linux/arm) takes every variant of it, V(linux/*) every
            architecture, and V(*/arm64) every OS.
          - If it is not given, O(platforms) is. An empty list takes all platforms.
          - An image that is for a single platform and not for one of these is skipped.
          - A multi-architecture image with some of its platforms is another image and has another digest.
        type: list
        elements: str
      prune:
        description:
          - Delete tags of the destinations that the source does not have any more, after everything else, and only when
            everything else of the whole run went right. V(true), V(false), or a mapping with the keys below.
          - A tag goes that leads back to exactly one tag of the source, that O(images.source) and the filters
            V(include), V(exclude) and V(semver) would take, and that the complete list of the source's tags does not
            have. C(newest) never makes a tag go, unless O(images.prune.outdated) is set.
          - Never deleted are tags that another rule of the task writes, reads or may have brought, backups
            (O(backup)), and what belongs to digests that stay. What refers to an image goes with the last tag that
            names it.
          - The source has to be one whose tags are listed, and the destination may not name tags but by V({tag}).
            It is refused together with V(skip) or V(fail) for O(overwrite), and with O(shard).
          - Nothing at all is deleted in a run with an image that failed, is unknown or was not finished, after
            O(max_runtime), and when a list of tags was empty or not read as a whole. Check mode shows the same
            deletions and refuses the same. What only the attempt shows, such as C(delete_unsupported), it cannot tell.
          - Right before each deletion the tag is asked for again. One that names another image than planned is left.
          - Where the registry can, a tag is deleted alone. Else its manifest is deleted when every tag of the
            repository has been asked and every index read, and nothing that stays has it. Else the tag fails with
            C(delete_unsupported).
          - Give it a repository that nobody else writes to.
        type: raw
        version_added: 0.3.0
        suboptions:
          keep:
            description:
              - A regular expression, or a list of them. A tag of the destination is never deleted when one of them
                matches all of it.
            type: raw
          outdated:
            description: Delete also tags that the source has and O(images.tags.newest) does not take.
            type: bool
            default: false
          max_share:
            description:
              - How many percent of a repository's tags may go in one run, rounded down. One tag may always go, the last
                one never. When more are to go, nothing is deleted in the whole run, and all of them fail with
                C(prune_limit).
            type: int
            default: 10
          max_total:
            description: How many tags may go in one run, of all repositories. The least of all rules counts.
            type: int
            default: 50
          repositories:
            description:
              - Delete also whole repositories that a project of the source does not have any more, when all their tags
                are such as would go. The source has to be V(registry/project/*) or V(/**).
              - Both sides have to be a Harbor, with the login of an administrator of the project, or an instance of ACR
                with O(registries[].acr), whose lists are compared with their own counts. A registry's catalog is never
                believed. When a project is not shown, or a count differs, nothing is deleted in the whole run.
              - At least one repository of the project stays.
            type: bool
            default: false
          max_repositories:
            description: How many repositories may go in one run. The least of all rules counts.
            type: int
            default: 1
      referrers:
        description: O(referrers) for the images of this rule.
        type: raw
        version_added: 0.2.0
      require_signature:
        description:
          - Copy only images with a good signature, one of those that are listed here. It is checked before anything is
            written, in check mode, too, for images that the destination has already, and whatever O(referrers) says.
          - A signature counts only when what it signs names the digest that is then copied. An index with some of its
            platforms is another image, which no signature names. Signatures are read from the source, as cosign's tag
            C(sha256-DIGEST.sig), or as what refers to the digest.
          - An image without a signature that can be read has the code C(signature_missing), one with nothing but wrong
            ones C(signature_invalid).
          - Tags that O(images.tags.immutable) matches are compared like others.
          - Needs the Python library cryptography where the task runs. Identities without a key (Fulcio, Rekor), COSE
            envelopes and revocation are not supported.
        type: dict
        version_added: 0.2.0
        suboptions:
          keys:
            description:
              - The texts of public keys in PEM form, for signatures of cosign. ECDSA on P-256 or P-384, RSA from 2048
                bits on, or Ed25519.
              - At least one of O(images.require_signature.keys) and O(images.require_signature.certificates) must be
                given.
            type: list
            elements: str
          certificates:
            description: The texts of certificates of authorities in PEM form, for signatures of notation as JWS.
            type: list
            elements: str
          on_missing:
            description: What is done with an image that has no signature. V(skip) leaves it out.
            type: str
            choices: [fail, skip]
            default: fail
      overwrite:
        description: O(overwrite) for this rule.
        type: str
        choices: [always, skip, fail]
      unsupported_artifacts:
        description: O(unsupported_artifacts) for this rule.
        type: str
        choices: [fail, skip, strip]
  config:
    description:
      - A combined configuration file of image-syncer with C(auth) and C(images), JSON or YAML, where the task runs.
      - Mutually exclusive with O(auth_file) and O(images_file).
    type: path
  auth_file:
    description:
      - A file with image-syncer's C(auth) part alone. In it V(${NAME}), and V($NAME) where it is the whole value, are
        replaced by environment variables. V($$) at the start of a value stands for a V($).
      - A login that no image uses may name a variable that is not set. There is a warning then.
    type: path
  images_file:
    description:
      - A file with image-syncer's C(images) part alone. Environment variables are replaced as in O(auth_file).
      - A list of references is taken, too, one a line, each of them a source for the default destination. A C(#) begins
        a comment, and C(--platform=linux/arm64) before a reference takes that platform of it.
      - So is a list in YAML or JSON of what O(images) takes, which O(rerun_path) is.
    type: path
  default_registry:
    description: The registry of empty destinations. Needs O(default_namespace).
    type: str
  default_namespace:
    description: The namespace of empty destinations. Needs O(default_registry).
    type: str
  platforms:
    description: O(images.platforms) for every rule that does not say its own, those of files included.
    type: list
    elements: str
  concurrency:
    description:
      - How many blobs are copied at the same time, over all registries, and how many small requests each registry gets
        at once, unless its O(registries[].concurrency) says less.
      - A registry that answers 429 or 503 gets half as much, and then slowly more again.
    type: int
    default: 10
  bandwidth_limit:
    description:
      - How many bytes a second all transfers together may write to the destinations, such as V(5242880) or V(5M). Units
        are powers of 1024. At least 16 KiB.
      - Manifests and other small requests do not count.
    type: bytes
  ranges:
    description:
      - Over how many connections a blob of more than 256 MB is read from its source at once, in ranges of a few MiB.
        This is for sources to which each connection carries only so much. It is written over one connection, so that
        one to the destination has to carry more.
      - Each of these connections counts among those that O(concurrency) and O(registries[].concurrency) allow at the
        source, so that fewer blobs are read there at once. Such a blob takes up to 8 MiB more of memory.
      - A source that gives anything but the very range that was asked for is read as one stream from there on, in this
        task. The digest is of the whole blob, as always. What has to be read again is read as one stream.
    type: int
    choices: [1, 2, 3, 4]
    default: 1
    version_added: 0.3.0
  bundle_base:
    description:
      - Inventories of earlier bundles, for layouts on disk as destinations. What those bundles hold is left out of this
        one, which then no other tool can read alone. RV(msg) and the new inventory say which bundles it needs.
      - An inventory is the file C(.inventory.json) beside a layout that this module has written. A blob that such a
        bundle itself leaves out is left out only when the inventory of the bundle that holds it is named, too.
      - Where such a bundle is the source, each blob that it leaves out has to be at the destination, or the task fails
        with V(bundle_missing) before anything is written.
    type: list
    elements: path
    default: []
    version_added: 0.3.0
  archive_size:
    description:
      - How many bytes a file has at most that an C(oci-archive:) as destination is written to, such as V(4G). Units are
        powers of 1024. At least 1 MiB, and so much that there are no more than 400 files.
      - The archive is cut into parts that can be carried separately, C(PATH.tar.1a2b3c4d.part001) and so on, in place
        of C(PATH.tar). A blob is in one part where it fits. The inventory lists each with its length and digest.
      - C(oci-archive:PATH.tar) as source reads the parts as one when they are beside each other, with the inventory.
        The digests of all are checked first; what is missing or damaged is named before anything is written.
    type: bytes
    version_added: 0.3.0
  shard:
    description:
      - Does one of several shares of the task, so that as many hosts do all of it beside each other, each with its own
        V(index). Every image is in exactly one shard.
      - The share of a destination repository is the CRC-32 of its C(registry/repository) in UTF-8, modulo V(count). So
        it depends on nothing but the name, and a repository is listed by one host alone.
      - Each shard reads what it needs from the source by itself, and mounts blobs only within its own repositories.
      - Rules that build on each other are refused. Give the later ones a task of their own.
    type: dict
    version_added: 0.3.0
    suboptions:
      index:
        description: Which share this is, from 0 on.
        type: int
        required: true
      count:
        description: How many shares there are. All of them have to be run, with the same options.
        type: int
        required: true
      by:
        description:
          - V(repository) keeps the tags of a repository together.
          - V(tag) divides them, too, for a repository that is huge by itself. All shards list it. A tag that belongs to
            a digest, such as a signature's, may then be written by two shards, with the same bytes.
        type: str
        choices: [repository, tag]
        default: repository
      with_destinations:
        description:
          - Divides by the source's name, so that all destinations of a source repository are in one share, and it is
            read once.
        type: bool
        default: false
  max_runtime:
    description:
      - Seconds after which the task ends wherever it is, as after a signal, but without a failure. What is not
        finished is V(pending), a warning says how much that is, and the next run goes on with it.
      - A blob that is under way at the end is sent again by the next run, so allow for several times what the largest
        one takes.
    type: float
  progress:
    description:
      - Seconds between two lines on standard error, and in the file of O(log_path), that say how far the task is; V(0)
        for none. With C(no_log) those on standard error have nothing but counts.
      - With C(async) there are no such lines. O(log_path) has the progress then.
    type: float
    default: 5.0
    version_added: 0.2.0
  lease:
    description:
      - Seconds after which a task on another machine ends, as after a signal, when the controller has not been heard
        of. On the controller itself it ends with the process that waits for it.
    type: float
    default: 60.0
    version_added: 0.2.0
  retries:
    description:
      - How many rounds are made over the images that failed for a reason that may pass, at the end.
      - What cannot get better, such as a wrong password, is not tried again. Single requests are tried again by
        themselves.
    type: int
    default: 3
  on_error:
    description: >-
      Whether the other images are copied when one failed. The task fails either way. With V(stop) no new image is
      begun after the first failure, and none at all when a failure is known before the first is begun.
    type: str
    choices: [continue, stop]
    default: continue
  overwrite:
    description:
      - What happens to a destination tag that points to another image.
      - V(always) moves it, V(skip) leaves it, V(fail) leaves it and fails the image with the code C(conflict).
      - For V(skip) and V(fail) the tag is looked at once more right before it is written, so that what somebody else
        wrote in the meantime is left, too.
      - If it is not given, it is V(skip) with O(lock=use), and else V(always).
    type: str
    choices: [always, skip, fail]
  rewrite:
    description: Write manifests again also where both sides are equal, as C(--force) of image-syncer does.
    type: bool
    default: false
  plan:
    description:
      - Apply a plan. It is the JSON report (O(report_path)) of this task in check mode, as a file where the task runs.
      - Just what the plan says is done. Every image of it is asked about again first, at its source and its
        destination. When one of them is not as it was planned, the code is C(plan_changed), all differences are
        reported, and nothing at all is written. A tag that was added since is not taken.
      - Images are copied by their planned digests. A destination tag that somebody else writes while the task runs is
        left, and the image fails.
      - What an earlier run that applied the plan has written counts as done, so that a run that was broken off can be
        run again.
      - The task needs the rules and options that made the plan, but for those about registries, pace and reports. A
        plan of other rules, one with images that failed or were unknown, and one that is too old have the code
        C(plan_refused).
      - Not with O(unsupported_artifacts=strip), whose digests are not known before, and not with rules that have
        C(prune).
      - In check mode the plan is compared, and nothing is written.
    type: path
    version_added: 0.3.0
  plan_sha256:
    description:
      - The SHA-256 of the file O(plan), in hexadecimal. Another file is refused. The task that made the plan returns it
        as RV(plan_sha256).
    type: str
    version_added: 0.3.0
  plan_max_age:
    description: How many days a plan may be old.
    type: float
    default: 7.0
    version_added: 0.3.0
  lock_path:
    description:
      - A file, where the task runs, that says which digest each tag of the sources had when it was last copied. Keep it
        beside the rules, in version control. It is JSON with one line a tag.
      - With O(shard) each share has a file of its own; V(mirror.lock.json) is V(mirror.lock-0-of-4.json) for the first
        of four. O(lock=use) reads O(lock_path) itself where a share has none.
      - Needs O(lock).
    type: path
    version_added: 0.3.0
  lock:
    description:
      - V(use) copies the digests of O(lock_path), whatever the tags name now. A tag that the source does not have any
        more is copied as well; a digest that it does not have any more has the code C(source_gone). Rules choose among
        the tags of the lock, so that C(newest) does not push one out for a new tag. A destination tag with another
        digest is left, unless O(overwrite=always) is given.
      - V(update) copies what the tags name, and writes the digests of what has arrived into O(lock_path) at the end, in
        one step. A tag that has not arrived at each of its destinations keeps its entry, and so does a tag that no rule
        takes any more. In check mode nothing is written, and the diff shows what would be.
      - A source that is named by its digest needs no entry, and what another rule of the task writes follows the entry
        of its own source. Tags that never move (O(images.tags.immutable)) are compared like others.
      - V(update) is refused with V(tag) for O(shard.by).
      - Needs O(lock_path).
    type: str
    choices: [use, update]
    version_added: 0.3.0
  lock_missing:
    description:
      - What happens with O(lock=use) to a tag that O(lock_path) does not have. V(skip) leaves it out, and the result
        counts it. V(fail) fails it with the code C(lock_missing).
    type: str
    choices: [skip, fail]
    default: skip
    version_added: 0.3.0
  backup:
    description:
      - The tag under which an image is kept, in the same repository, before its own tag is overwritten, such as
        V({tag}-backup-{date}). No layer is sent for it.
      - It must have V({date}), the time at which the run began as V(20260117T120000Z) in UTC, or V({digest}), the
        hexadecimal digits of the image's digest. V({tag}) stands for the tag that is overwritten.
      - An image whose backup cannot be made is not overwritten, and has the code C(backup_failed) or that of the
        registry's refusal. A backup tag that names another image already is never overwritten. A name that is too long
        is refused before anything is written.
      - No rule takes, copies or writes a tag of this form, whoever made it. A rule that names one is refused.
      - Tags that belong to a digest, such as C(sha256-DIGEST.sig), are not kept.
    type: str
    version_added: 0.3.0
  backup_keep:
    description:
      - How many backups of a tag stay, the one that was just made included. Older ones are removed when the tag has
        been overwritten, and by their tags alone, not by the digests of their images.
      - Needs V({tag}) and V({date}) in O(backup). If it is not given, all stay.
      - Where the registry does not delete single tags they stay, too. That is a note on the image, and a warning.
    type: int
    version_added: 0.3.0
  bulk:
    description:
      - Whether digests may come from the lists of tags that some products have, a hundred or more on a page, in place
        of a request for each tag. Harbor, instances of ACR with O(registries[].acr), Google, Azure, public repositories
        of Quay and Docker Hub have such lists.
      - A list may only show that both sides are equal. Every tag that it shows different or not at all is asked for
        before anything is decided, and some of the others, too. Once a list turns out to be wrong, and where it does
        not come, every tag of that registry is asked for, as with V(false).
      - V(auto) asks only hosts that the images or O(registries) name, V(true) also the host of Docker Hub's list, which
        is another one than its registry.
      - Lists are used where they take fewer requests than the tags, and never for rules that choose O(platforms), with
        O(rewrite), O(lock) or O(plan), or where O(overwrite) is not V(always). What is deleted is always asked for.
      - A list that is late may hide that a tag has moved until the next run. V(false) rules that out.
    type: str
    choices: [auto, "true", "false"]
    default: auto
    version_added: 0.3.0
  foreign_layers:
    description:
      - Copy layers, too, that are marked as not for distribution, such as those of Windows base images. Otherwise they
        stay where the manifest says that they are.
      - A layer that the source registry does not have is fetched from the URLs in the manifest, by https, without any
        registry's credentials or client certificate. A host of O(registries) with O(registries[].plain_http) may be
        asked by http.
    type: bool
    default: false
  unsupported_artifacts:
    description:
      - What happens to an image when the destination takes images alone and refuses an artifact that belongs to it,
        such as a build attestation, or that it is, such as a Helm chart.
      - V(fail) fails it. V(skip) leaves the whole image out. V(strip) leaves the artifacts out of a multi-architecture
        image's index, which is then another one with another digest; an artifact by itself is left out.
      - The same is done when a destination takes an artifact and refuses the index that names it, with an answer
        (HTTP 400, 403, 404, 405, 415, 422) that speaks of a kind of manifest or a media type. When the index without
        artifacts is refused as well, the image fails with the first error and no tag is written.
      - Images that were stripped before count as unchanged. Check mode cannot know beforehand what will be refused.
    type: str
    choices: [fail, skip, strip]
    default: fail
  referrers:
    description:
      - Whether what refers to an image is copied with it, such as signatures, SBOMs and attestations. That is what the
        source lists as referrers of any of its manifests, the tags C(sha256-DIGEST) that hold such lists, cosign's tags
        C(sha256-DIGEST.sig), and what refers to those in turn.
      - A mapping says more. C(types) is a list of regular expressions, one of which has to match the whole artifact
        type. What one in C(exclude) matches is left out all the same (since 0.3.0); name there what a destination does
        not take, since check mode cannot know it. C(unchanged=false) leaves images alone that the destination has
        already, which costs no request then.
      - It is written to the destination before the tag of the image. The tags keep their names, and are taken by no
        other choice of tags.
    type: raw
    default: true
    version_added: 0.2.0
  referrers_required:
    description:
      - Whether an image fails where the destination does not take what refers to it. Its tag is not written then.
        Otherwise that is a note on the image, and a warning.
    type: bool
    default: false
    version_added: 0.2.0
  return_images:
    description:
      - Which images the result lists. V(changed) stands for all but those that were right already.
      - A failed task lists the failed ones, unless this is V(none).
    type: str
    choices: [changed, all, none]
    default: changed
  report_path:
    description:
      - A file that gets everything about every image, where the task runs, or a list of such files. It is a page for
        people where its name ends with C(.html), and else JSON. It is replaced in one step, when the task fails, too.
        Missing directories are created. A new file can be read by its owner alone.
    type: raw
  report_language:
    description: The language of the page that O(report_path) names.
    type: str
    choices: [en, zh]
    default: en
    version_added: 0.2.0
  report_by:
    description: Who answers for the run, as the report is to say it.
    type: str
    version_added: 0.2.0
  rerun_path:
    description:
      - A file that gets all failed images, where the task runs, in the form that O(images_file) takes, so that another
        task can try only them. An empty list when none failed, and a run that is interrupted leaves out what it has not
        tried. It is replaced in one step, and left alone in check mode. Missing directories are created. A new file can
        be read by its owner alone.
    type: path
    version_added: 0.3.0
  log_path:
    description:
      - A file that gets a line for every image as soon as it is finished, with how many of how many are done, lines of
        progress, and the totals. Lines are appended, and missing directories are created.
    type: path
  controller:
    description:
      - What the action plugin of this name says of the controller. Not for playbooks.
    type: dict
    version_added: 0.2.0
notes:
  - A rule may copy what another rule writes. Such rules are planned and copied in stages, whatever their order, and an
    image whose predecessor failed is C(pending). Rules that copy in a circle are refused.
  - In check mode an image is C(unknown), and counts as changed, when its destination does not show the login what it
    has. The APIs of Harbor and ACR are asked where that is so.
  - What has no tag and refers to no image is not taken by rules without a tag or digest. The result says so once.
  - The task ends within two seconds when it gets the signal INT, TERM or HUP. A destination tag never points to
    something incomplete.
  - Ansible masks every secret wherever it occurs in a result. Avoid passwords that are a part of an image's name.
seealso:
  - module: imageops.registry.registry_image_info
  - name: image-syncer
    description: The tool whose configuration files are understood.
    link: https://github.com/AliyunContainerService/image-syncer
"""

EXAMPLES = r"""
- name: Copy all tags of one repository, and the 7.x tags of another to two registries
  imageops.registry.registry_image_sync:
    images:
      - source: harbor.example.com/library/nginx
        destination: acme-registry.cn-shanghai.cr.aliyuncs.com/image-syncer/nginx
      - source: harbor.example.com/library/redis:/^7\./
        destination:
          - acme-registry.cn-shanghai.cr.aliyuncs.com/image-syncer/redis
          - dr.example.com/mirror/redis
        platforms: [linux/amd64, linux/arm64]
    registries:
      - registry: harbor.example.com
        username: admin
        password: "{{ harbor_password }}"
        ca_path: /etc/pki/harbor.pem
      - registry: acme-registry.cn-shanghai.cr.aliyuncs.com
        username: sync
        password: "{{ acr_password }}"

- name: Copy a whole project of a Harbor, with temporary logins that are renewed while it runs
  imageops.registry.registry_image_sync:
    images:
      - source: harbor.example.com/library/**
        destination: acme-registry.cn-shanghai.cr.aliyuncs.com/image-syncer
    registries:
      - registry: harbor.example.com
        username: robot$library+sync
        password: "{{ harbor_secret }}"
      - registry: acme-registry.cn-shanghai.cr.aliyuncs.com
        acr:
          instance_id: cri-xxxxxxxxxxxxxxxx
          region: cn-shanghai

- name: Use the configuration file of image-syncer as it is
  imageops.registry.registry_image_sync:
    config: harbor-to-acr.json
    default_registry: acme-registry.cn-shanghai.cr.aliyuncs.com
    default_namespace: image-syncer
    concurrency: 10
    retries: 10
    log_path: /var/log/image-sync.log

- name: Keep the five newest releases, and no pre-releases
  imageops.registry.registry_image_sync:
    images:
      - source: quay.io/prometheus/prometheus
        destination: registry.example.com/mirror/prometheus
        tags:
          include: 'v\d+\.\d+\.\d+'
          newest: 5

- name: Keep a mirror, and delete there what the source does not have any more
  imageops.registry.registry_image_sync:
    images:
      - source: harbor.example.com/library/app
        destination: mirror.example.com/library/app
        prune:
          keep: [stable, 'lts-.*']

- name: Copy what can be copied in an hour of the night, and leave room for others
  imageops.registry.registry_image_sync:
    config: harbor-to-acr.json
    max_runtime: 3600
    bandwidth_limit: 20M

- name: Do a large migration on all hosts of a group, each with a share of the repositories
  imageops.registry.registry_image_sync:
    images:
      - source: harbor.example.com/**
        destination: registry.example.com/mirror/{repository}
    shard:
      index: "{{ groups.mirrors.index(inventory_hostname) }}"
      count: "{{ groups.mirrors | length }}"

- name: Carry a project across an air gap, in an archive that holds what is new since the first one
  imageops.registry.registry_image_sync:
    images:
      - source: harbor.example.com/library/**
        destination: oci-archive:/srv/bundles/bundle-2.tar
    bundle_base: [/srv/bundles/bundle-1.tar.inventory.json]

- name: Carry it on disks that take no file above 4 GB
  imageops.registry.registry_image_sync:
    images:
      - source: harbor.example.com/library/**
        destination: oci-archive:/srv/bundles/bundle-3.tar
    archive_size: 3900M

- name: Bring it in on the other side
  imageops.registry.registry_image_sync:
    images:
      - source: oci-archive:/media/bundle-2.tar
        destination: registry.internal/mirror

- name: Promote exactly one image, under a tag of its own
  imageops.registry.registry_image_sync:
    images:
      - source: registry.example.com/staging/app@sha256:6a92cd1fcdc8d8cdec60f33dda4db2cb1fcdcacf3410a8e05b3741f44a9b5998
        destination: registry.example.com/production/app:2.4.0
        overwrite: fail

- name: Make a plan, with --check
  imageops.registry.registry_image_sync:
    images: "{{ my_images }}"
    report_path: [plan.json, plan.html]

- name: Apply just that plan once it is approved
  imageops.registry.registry_image_sync:
    images: "{{ my_images }}"
    plan: plan.json
    plan_sha256: "{{ approved_sha256 }}"

- name: Copy what the tags name now, and write down which digests these are
  imageops.registry.registry_image_sync:
    images: "{{ my_images }}"
    lock_path: mirror.lock.json
    lock: update

- name: Copy the same images again, anywhere and at any time
  imageops.registry.registry_image_sync:
    images: "{{ my_images }}"
    lock_path: mirror.lock.json
    lock: use

- name: Keep what is overwritten, the last three of each tag
  imageops.registry.registry_image_sync:
    images:
      - source: registry.example.com/staging/app
        destination: registry.example.com/production/app
    backup: "{tag}-backup-{date}"
    backup_keep: 3

- name: Mirror an image, and have its digest whether or not there was anything to copy
  imageops.registry.registry_image_sync:
    images:
      - source: docker.io/library/nginx:1.27
        destination: registry.example.com/mirror/nginx
    return_images: all
  register: mirrored

- name: Use it by its digest
  ansible.builtin.debug:
    msg: "registry.example.com/mirror/nginx@{{ wanted.digest }}"
  vars:
    wanted: "{{ mirrored.images | selectattr('destination', 'eq', 'registry.example.com/mirror/nginx:1.27') | first }}"

- name: Set the registries once for all tasks of a play
  hosts: localhost
  module_defaults:
    group/imageops.registry.registry:
      registries: "{{ my_registries }}"
  tasks:
    - name: Copy, and keep what failed
      imageops.registry.registry_image_sync:
        images: "{{ my_images }}"
        rerun_path: /var/log/failed-images.json
      register: sync
      ignore_errors: true

    - name: Try only that once more
      imageops.registry.registry_image_sync:
        images_file: "{{ sync.rerun_path }}"
      when: sync.rerun_path is defined
"""

RETURN = r"""
msg:
  description:
    - What was done, in one line. When the task failed, why, in at most 20 lines. The failed images are grouped by
      error code, each group with the reason and what to do.
  returned: always
  type: str
  sample: "12 images: 3 created, 1 updated, 8 unchanged; 34.1 MB written in 3.2 s"
images:
  description:
    - The images that O(return_images) asks for, sorted by destination. When the task failed, at most
      three of the failed ones, with different error codes where there are some.
    - No more are listed than job runners can keep; RV(notes) says when there are more, and O(report_path) has all of
      them.
  returned: when the options were accepted
  type: list
  elements: dict
  contains:
    source:
      description: The image that is copied.
      type: str
      sample: harbor.example.com/library/nginx:1.27
    destination:
      description: Where it is copied to.
      type: str
      sample: dr.example.com/mirror/nginx:1.27
    action:
      description:
        - V(create), V(update) and V(unchanged) say what the destination needs. V(skip) is left alone for the
          RV(images[].reason) given, V(conflict) must not be written, and V(unknown) means that one of the sides could
          not be asked or does not have what was asked for. V(delete) is a destination tag that O(images.prune) deletes.
      type: str
      sample: update
    status:
      description: V(done), V(failed), or V(pending) for what was not tried or not finished.
      type: str
      sample: done
    reason:
      description: Why the action is what it is.
      type: str
      sample: the destination has another digest
    digest:
      description: The digest that the destination has afterwards, or is to have. V(null) when it is not known.
      type: str
      sample: sha256:6a92cd1fcdc8d8cdec60f33dda4db2cb1fcdcacf3410a8e05b3741f44a9b5998
    previous_digest:
      description: The digest that the destination had before. V(null) when it had none.
      type: str
      sample: sha256:0d17b565c37bcbd895e9d92315a05c1c3c9a29f762b011a10c54a66cd53c9b31
    bytes:
      description: Bytes of blobs that were written for it. In check mode those that would be.
      type: int
      sample: 11438921
    blobs_copied:
      description: How many blobs were uploaded.
      type: int
      sample: 2
    blobs_mounted:
      description:
        - How many blobs the destination registry took over from another of its repositories, or a directory from
          another one on the same file system.
      type: int
      sample: 1
    blobs_present:
      description: How many blobs were there already.
      type: int
      sample: 4
    attempts:
      description: In how many rounds it was tried.
      type: int
      sample: 1
    seconds:
      description: How long the last attempt took.
      type: float
      sample: 1.318
    referrers:
      description: What refers to it at the source, as far as O(referrers) takes it.
      type: list
      elements: dict
      returned: when there is something
      contains:
        type:
          description: Its artifact type.
          type: str
          sample: application/vnd.dev.sigstore.bundle.v0.3+json
        digest:
          description: Its digest.
          type: str
          sample: sha256:98e8f6c1b3d5a0f1e5c0c8f3a4a2d1b7b8a79f0d6a2f5f1b6a1e0f9d8c7b6a55
        subject:
          description: The digest that it refers to.
          type: str
          sample: sha256:6a92cd1fcdc8d8cdec60f33dda4db2cb1fcdcacf3410a8e05b3741f44a9b5998
        tag:
          description: The tag that it has at the source and the destination. V(null) where it has none.
          type: str
          sample: null
        state:
          description: >-
            V(copied), or in check mode to be copied; V(present) when the destination had it; V(refused) when the
            destination does not take its kind; V(failed); V(pending) when it was not reached.
          type: str
          sample: copied
    backup:
      description: The tag under which is kept what it has overwritten, or in check mode would be.
      type: str
      returned: when O(backup) is given and there was something to keep
      sample: dr.example.com/mirror/nginx:1.27-backup-20260117T120000Z
      version_added: 0.3.0
    removed_backups:
      description: Older backups of the tag that were removed, or in check mode would be.
      type: list
      elements: str
      returned: when there are some
      sample: ["dr.example.com/mirror/nginx:1.27-backup-20251102T093000Z"]
      version_added: 0.3.0
    notes:
      description: What else should be known of it, such as that its digest changes because of O(images.platforms).
      type: list
      elements: str
      returned: when there is something
      sample: ["only linux/amd64 of sha256:6a92cd1f...: the digest changes"]
    error:
      description: Why it failed.
      type: dict
      returned: when it failed
      contains:
        code:
          description: A stable name for this kind of failure.
          type: str
          sample: push_denied
        message:
          description: What was being done, to what, and why it did not work.
          type: str
          sample: "cannot push dr.example.com/mirror/nginx: the registry answered 403"
        hint:
          description: What can be done about it.
          type: str
          returned: when there is something
          sample: give the user the right to push there
        status:
          description: The HTTP status of the registry's answer.
          type: int
          returned: when there was an answer
          sample: 403
        words:
          description: What the registry said.
          type: str
          returned: when it said something
          sample: "DENIED: requested access to the resource is denied"
failed_images:
  description: >-
    The images that failed, in the form that O(images) takes; the tags of one pair of repositories are one rule. Where
    a repository's tags could not be listed this is the whole rule. They are complete or not there at all.
  returned: when the options were accepted, and unless RV(failed_images_left_out) is there
  type: list
  elements: dict
  sample:
    - source: harbor.example.com/library/nginx:1.27
      destination: dr.example.com/mirror/nginx:1.27
failed_images_left_out:
  description: >-
    How many rules RV(failed_images) would have, when these are too many to be shown. O(rerun_path) has them, and so has
    the JSON file of O(report_path).
  returned: when there are too many
  type: int
  sample: 212
rerun_path:
  description: The file that has all failed images, whether RV(failed_images) is there or not.
  returned: when O(rerun_path) is given, images failed and it could be written; not in check mode
  type: str
  sample: /var/log/failed-images.json
causes:
  description: Each error code once, the most frequent first.
  returned: when images failed
  type: list
  elements: dict
  contains:
    code:
      description: The stable name of this kind of failure.
      type: str
      sample: push_denied
    count:
      description: How many images failed with it.
      type: int
      sample: 12
    message:
      description: What went wrong with the first of them.
      type: str
      sample: cannot write the manifest dr.example.com/mirror/nginx:1.27
    hint:
      description: What to do.
      type: str
      returned: when something is known
      sample: check the name and the account's rights
    images:
      description: The first destinations.
      type: list
      elements: str
      sample: ["dr.example.com/mirror/nginx:1.27"]
summary:
  description: Numbers over all images, whatever RV(images) lists.
  returned: when the options were accepted
  type: dict
  contains:
    images:
      description: How many images the rules stand for. A repository that could not be listed counts as one.
      type: int
      sample: 12
    created:
      description: Images that the destination did not have.
      type: int
      sample: 3
    updated:
      description: Images whose destination tag had another digest.
      type: int
      sample: 1
    unchanged:
      description: Images that were right already.
      type: int
      sample: 8
    skipped:
      description: Images that were left alone for a reason.
      type: int
      sample: 0
    unknown:
      description: In check mode, images that would be written though the destination does not show what it has.
      type: int
      sample: 0
    deleted:
      description: Tags that were deleted, or in check mode would be.
      type: int
      sample: 0
    not_locked:
      description: Images whose tag is not in O(lock_path).
      type: int
      sample: 0
      version_added: 0.3.0
    failed:
      description: Images that failed.
      type: int
      sample: 0
    pending:
      description: Images that were not tried, or not finished.
      type: int
      sample: 0
    bytes:
      description: Bytes of blobs that were written, or in check mode would be.
      type: int
      sample: 34127884
    blobs_copied:
      description: How many blobs were uploaded.
      type: int
      sample: 9
    blobs_mounted:
      description: How many blobs were taken over from another repository of the same registry, or another directory.
      type: int
      sample: 2
    blobs_present:
      description: How many blobs were there already.
      type: int
      sample: 14
    referrers_copied:
      description: How many manifests that refer to images were copied, or in check mode would be.
      type: int
      sample: 2
    referrers_present:
      description: How many of them the destinations had.
      type: int
      sample: 10
    referrers_refused:
      description: How many of them are of a kind that the destination does not take.
      type: int
      sample: 0
    referrers_failed:
      description: How many of them could not be copied.
      type: int
      sample: 0
    referrers_pending:
      description: How many of them were not reached.
      type: int
      sample: 0
    blobs_read_again:
      description: How many times a blob had to be read from its source once more.
      type: int
      sample: 0
    seconds:
      description: How long it took.
      type: float
      sample: 3.214
registries:
  description: >-
    For every registry that was contacted, how much was exchanged with it, and for how many seconds at least one
    exchange was under way. C(ranges) is how many requests asked for a range, as O(ranges) has them; C(requests) has
    these, too.
  returned: when the options were accepted
  type: dict
  sample:
    harbor.example.com: {requests: 41, ranges: 0, bytes_read: 34218823, bytes_written: 0, seconds: 2.911}
    dr.example.com: {requests: 67, ranges: 0, bytes_read: 4410, bytes_written: 34209310, seconds: 2.874}
notes:
  description: What else should be known of the run, such as what the rules do not take.
  returned: when the options were accepted
  type: list
  elements: str
  sample: []
plan_sha256:
  description: The SHA-256 of the first JSON file of O(report_path), which O(plan) takes.
  returned: in check mode, when O(report_path) names a JSON file
  type: str
  version_added: 0.3.0
  sample: 0d17b565c37bcbd895e9d92315a05c1c3c9a29f762b011a10c54a66cd53c9b31
lock:
  description: What became of O(lock_path).
  returned: when O(lock_path) is given
  type: dict
  version_added: 0.3.0
  contains:
    path:
      description: The file, with links resolved.
      type: str
      sample: /srv/mirror/mirror.lock.json
    images:
      description: How many tags it has, or in check mode would have.
      type: int
      sample: 12
    changed:
      description: How many of them are new or have another digest. The task is changed then.
      type: int
      sample: 1
acr_credentials:
  description: >-
    Where the access key comes from that signs the calls for the logins of an instance of ACR, by the host of its
    registry. Never a secret.
  returned: when O(registries[].acr) is given
  type: dict
  sample:
    acme-registry.cn-shanghai.cr.aliyuncs.com:
      source: environment
      name: ALIBABA_CLOUD_ACCESS_KEY_ID
      role_arn: ""
      temporary: false
error_codes:
  description: >-
    The codes of all errors, sorted. V(invalid_input) for what was refused before any registry was contacted,
    V(interrupted) when a signal ended the task.
  returned: failure
  type: list
  elements: str
  sample: [push_denied, rate_limited]
diff:
  description: What changes, for people, sorted by destination.
  returned: in diff mode, when the task does not fail
  type: dict
  contains:
    prepared:
      description: >-
        Of each tag that changes its digest before and after next to each other, of a new one the digest alone, and what
        is copied that refers to its image. Then the same of O(lock_path). At most 200 lines of each.
      type: str
      sample: |
        --- destination tags before
        +++ destination tags after, 34.2 MB
        -dr.example.com/mirror/nginx:1.27 sha256:0d17b565...
        +dr.example.com/mirror/nginx:1.27 sha256:6a92cd1f...
"""

from ansible_collections.imageops.registry.plugins.module_utils._modules.sync.module import main

if __name__ == "__main__":
    main()

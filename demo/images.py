# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the demo's images from Debian's busybox-static packages, as OCI image layouts that skopeo can push.

Takes the directory to write to and one package a platform; writes one layout a repository:

- ``base/busybox``: ``1.35``, an index with one runnable image a platform, and ``1.35-sbom``, an artifact about it
- ``apps/hello``: ``1.0`` to ``1.9``, indexes whose images share their lower layers
- ``later/apps/hello``: ``1.9`` and ``1.5`` rebuilt, and ``2.0``: what the source gets while the demo goes on

Nothing in it depends on the time: the same packages and the same Python give the same digests.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CREATED = "2026-01-01T00:00:00Z"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"
SBOM = "application/spdx+json"

PLATFORMS = {
    "amd64": {"os": "linux", "architecture": "amd64"},
    "arm64": {"os": "linux", "architecture": "arm64", "variant": "v8"},
}

Json = dict[str, Any]


@dataclass(frozen=True)
class Layer:
    """A layer's descriptor and the digest of its tar archive before compression, which image configurations name."""

    descriptor: Json
    diff_id: str


@dataclass(frozen=True)
class Package:
    """What is of interest in a busybox-static package: its fields and the tree that it installs."""

    name: str
    version: str
    architecture: str
    root: Path

    @property
    def busybox(self) -> bytes:
        return (self.root / "bin" / "busybox").read_bytes()


class Layout:
    """An OCI image layout directory that is being written (OCI image specification, "Image Layout")."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tagged: list[Json] = []
        (path / "blobs" / "sha256").mkdir(parents=True)
        (path / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))

    def blob(self, media_type: str, content: bytes) -> Json:
        """Write a blob and give its descriptor."""
        encoded = hashlib.sha256(content).hexdigest()
        (self.path / "blobs" / "sha256" / encoded).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{encoded}", "size": len(content)}

    def document(self, media_type: str, document: Json) -> Json:
        return self.blob(media_type, json.dumps(document, indent=2).encode())

    def layer(self, files: dict[str, bytes], *, links: dict[str, str] | None = None) -> Layer:
        """Write a layer of executable files and of symbolic links."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name, content in sorted(files.items()):
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o755
                tar.addfile(entry, io.BytesIO(content))
            for name, target in sorted((links or {}).items()):
                entry = tarfile.TarInfo(name)
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, target, 0o777
                tar.addfile(entry)
        plain = archive.getvalue()
        return Layer(self.blob(LAYER, gzip.compress(plain, mtime=0)), f"sha256:{hashlib.sha256(plain).hexdigest()}")

    def image(self, platform: Json, layers: list[Layer], command: str) -> Json:
        """Write one platform's image and give its descriptor as it stands in an index."""
        config = {
            **platform,
            "created": CREATED,
            "config": {"Cmd": [command], "Env": ["PATH=/bin:/usr/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self.document(CONFIG, config),
            "layers": [layer.descriptor for layer in layers],
        }
        return {**self.document(MANIFEST, manifest), "platform": platform}

    def index(self, images: list[Json]) -> Json:
        return self.document(INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": images})

    def tag(self, descriptor: Json, tag: str) -> None:
        self.tagged.append({**descriptor, "annotations": {"org.opencontainers.image.ref.name": tag}})
        self.path.joinpath("index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": self.tagged}))


@contextmanager
def unpacked(package: Path) -> Iterator[Package]:
    """Unpack a Debian package for the time of the context."""

    def field(name: str) -> str:
        return subprocess.run(
            ["dpkg-deb", "--field", str(package), name], check=True, capture_output=True, text=True
        ).stdout.strip()

    with tempfile.TemporaryDirectory(dir=package.parent) as root:
        subprocess.run(["dpkg-deb", "--extract", str(package), root], check=True)
        yield Package(field("Package"), field("Version"), field("Architecture"), Path(root))


def base_layer(layout: Layout, package: Package, applets: list[str]) -> Layer:
    """The layer that makes busybox a small system: the binary and a link for each of its commands."""
    links = {f"bin/{applet}": "busybox" for applet in applets if applet != "busybox"}
    return layout.layer({"bin/busybox": package.busybox}, links=links)


def applets(packages: list[Package]) -> list[str]:
    """Ask the one busybox that this machine can run for its commands; the others are built from the same source."""
    native = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()
    busybox = next(package.root / "bin" / "busybox" for package in packages if package.architecture == native)
    return subprocess.run([str(busybox), "--list"], check=True, capture_output=True, text=True).stdout.split()


def sbom(packages: list[Package]) -> Json:
    """A small SPDX 2.3 document that says what is in base/busybox."""
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "base/busybox",
        "documentNamespace": "https://demo.example/base/busybox",
        "creationInfo": {"created": CREATED, "creators": ["Tool: demo/images.py"]},
        "packages": [
            {
                "SPDXID": f"SPDXRef-{package.name}-{package.architecture}",
                "name": package.name,
                "versionInfo": package.version,
                "downloadLocation": f"https://packages.debian.org/bookworm/{package.name}",
                "licenseDeclared": "GPL-2.0-only",
                "checksums": [{"algorithm": "SHA256", "checksumValue": hashlib.sha256(package.busybox).hexdigest()}],
            }
            for package in packages
        ],
    }


def write_busybox(path: Path, packages: list[Package], commands: list[str]) -> None:
    layout = Layout(path)
    image = layout.index(
        [
            layout.image(PLATFORMS[package.architecture], [base_layer(layout, package, commands)], "/bin/sh")
            for package in packages
        ]
    )
    artifact = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": SBOM,
        "config": layout.blob(EMPTY, b"{}"),
        "layers": [layout.document(SBOM, sbom(packages))],
        "subject": image,
    }
    layout.tag(image, "1.35")
    layout.tag(layout.document(MANIFEST, artifact), "1.35-sbom")


def write_hello(path: Path, packages: list[Package], commands: list[str], versions: dict[str, str]) -> None:
    """Write one index a version; what differs between them is one small script with the given words."""
    layout = Layout(path)
    shared = layout.layer({"usr/lib/hello.sh": b'say() { echo "$1 on $(uname -m)"; }\n'})
    bases = [(package, base_layer(layout, package, commands)) for package in packages]
    for version, words in versions.items():
        script = f'#!/bin/sh\n. /usr/lib/hello.sh\nsay "hello {version}: {words}"\n'
        own = layout.layer({"usr/bin/hello": script.encode()})
        images = [
            layout.image(PLATFORMS[package.architecture], [base, shared, own], "/usr/bin/hello")
            for package, base in bases
        ]
        layout.tag(layout.index(images), version)


def write_all(target: Path, packages: list[Package]) -> None:
    commands = applets(packages)
    write_busybox(target / "base/busybox", packages, commands)
    write_hello(target / "apps/hello", packages, commands, {f"1.{minor}": "as first built" for minor in range(10)})
    later = {"1.9": "rebuilt", "1.5": "rebuilt", "2.0": "as first built"}
    write_hello(target / "later/apps/hello", packages, commands, later)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path, help="directory to write the layouts to; must not exist")
    parser.add_argument("package", type=Path, nargs="+", help="busybox-static .deb files, one an architecture")
    options = parser.parse_args()
    with ExitStack() as stack:
        opened = [stack.enter_context(unpacked(package)) for package in options.package]
        write_all(options.target, sorted(opened, key=lambda package: package.architecture))


if __name__ == "__main__":
    main()
